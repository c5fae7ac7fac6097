/** What the processes of the bench have in common: settings in, JSON lines out. */

/** @throws Error when whoever started this process forgot it. */
export function settingOf(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: this file is started by the bench`);
  return value;
}

export function say(message: string, more: object = {}): void {
  process.stdout.write(`${JSON.stringify({ msg: message, ...more })}\n`);
}
