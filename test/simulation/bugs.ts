/** Bugs that are put back on purpose, each in the model of PostgreSQL: what is under test stays as it is. */
export const BUGS = [
  /** A flush does not look whether its worker is alive, and a checkpoint that is there already counts as its own. */
  'no-fence',
  /** A flush does not look whether its worker is alive: only the journal's primary key keeps two owners apart. */
  'fence-by-primary-key-only',
  /** A flush is answered before it has committed. */
  'act-before-commit',
  /** A park does not compare the inbox's counter. */
  'no-inbox-check-at-park',
  /** The reaper frees a dead worker's executions before it deletes the worker's row. */
  'reaper-frees-before-deleting',
] as const;

export type Bug = (typeof BUGS)[number];

export function isBug(name: string): name is Bug {
  return (BUGS as readonly string[]).includes(name);
}
