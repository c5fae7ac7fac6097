/** A log that remembers, for tests of what is said and how often. */
export interface RememberingLog {
  lines: { level: string; message: string; about: object }[];
  debug(about: object, message: string): void;
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

export function rememberingLog(): RememberingLog {
  const lines: RememberingLog['lines'] = [];
  const at = (level: string) => (about: object, message: string) => {
    lines.push({ level, message, about });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
