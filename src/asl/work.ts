import type { Json } from '../std/json.js';
import { runtimeError } from './errors.js';
import { boundBytes } from './payload-size.js';

/** What is left of the work that the paths and functions of one state may do; absent: all of it. */
export interface Effort {
  work?: number | undefined;
}

/**
 * How many values the paths and functions of one state may look at, all together: about a second's worth. What
 * nobody writes comes to it, `$..*..*..*`, or a filter that looks through everything for every item.
 */
const MAX_WORK = 10_000_000;

/** Counts work that is about to be done. Throws States.Runtime when a state does too much of it. */
export function spend(effort: Effort, work: number): void {
  effort.work = (effort.work ?? MAX_WORK) - work;
  if (effort.work < 0) {
    throw runtimeError(
      'The paths and intrinsic functions of the state look at more values than a state may.',
    );
  }
}

/** How much work it is to look at all of a value. */
export function workOf(value: Json): number {
  if (typeof value === 'string') return 1 + value.length / 64;
  if (typeof value !== 'object' || value === null) return 1;
  return boundBytes(value) / 16;
}
