/** How much of an answer is compared, from cheap to strict; each level includes those before it. */
export const LEVELS = ['output', 'error', 'cause', 'events'] as const;
export type Level = (typeof LEVELS)[number];

/** Per level of which something is recorded, in order: what differs, in words, or undefined when nothing does. */
export type Findings = ReadonlyMap<Level, string | undefined>;

/** The first difference at this level or one before it. */
export function differenceUpTo(
  level: Level,
  findings: Findings,
): { level: Level; difference: string } | undefined {
  for (const one of LEVELS.slice(0, LEVELS.indexOf(level) + 1)) {
    const difference = findings.get(one);
    if (difference !== undefined) return { level: one, difference };
  }
  return undefined;
}

export function isLevel(text: string): text is Level {
  return LEVELS.some((level) => level === text);
}
