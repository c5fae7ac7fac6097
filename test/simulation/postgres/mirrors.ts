/** Finds the mirror of a statement by its text. A statement that has none is an error: nothing is guessed. */
import { inboxStatements } from './inbox-statements.js';
import { otherStatements } from './other-statements.js';
import { ownerStatements } from './owner-statements.js';
import { startStatements } from './start-statements.js';
import type { Mirror } from './statement.js';
import { waitingStatements } from './waiting-statements.js';
import { workerStatements } from './worker-statements.js';

export const MIRRORS: readonly Mirror[] = [
  ...ownerStatements,
  ...workerStatements,
  ...inboxStatements,
  ...waitingStatements,
  ...startStatements,
  ...otherStatements,
];

const known = new Map<string, Mirror>();

/** @throws Error when no mirror, or more than one, says that it is this statement's. */
export function mirrorOf(text: string): Mirror {
  const before = known.get(text);
  if (before !== undefined) return before;
  const plain = spaced(text);
  const found = MIRRORS.filter((mirror) =>
    typeof mirror.text === 'string' ? plain.includes(spaced(mirror.text)) : mirror.text.test(plain),
  );
  const [mirror] = found;
  if (mirror === undefined) throw new Error(`the simulation has no mirror of this statement:\n${text}`);
  if (found.length > 1)
    throw new Error(
      `${found.map(({ of }) => of).join(' and ')} are both mirrors of this statement:\n${text}`,
    );
  known.set(text, mirror);
  return mirror;
}

function spaced(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
