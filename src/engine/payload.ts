import type { Json } from '../std/json.js';
import type { Failure } from './outcome.js';

/** The most that a state may hand on, as JSON text in UTF-8: 256 KiB, AWS's limit. */
export const MAX_PAYLOAD_BYTES = 256 * 1024;

/** Deeper data than this cannot be turned into text without running out of stack somewhere on its way. */
const MAX_DEPTH = 1000;

/**
 * At most how many bytes a value takes as JSON text; Infinity when it is nested too deeply. Cheap, since it neither escapes nor copies: what is
 * surely small need not be turned into text to be measured.
 */
export function boundBytes(value: Json, depth = 0): number {
  if (depth > MAX_DEPTH) return Number.POSITIVE_INFINITY;
  // A UTF-16 unit becomes at most 6 bytes (\u001f), a number at most 24 (-1.2345678901234567e-300).
  if (typeof value === 'string') return 6 * value.length + 2;
  if (typeof value === 'number') return 24;
  if (typeof value !== 'object' || value === null) return 5;
  let sum = 2;
  if (Array.isArray(value)) for (const item of value) sum += boundBytes(item, depth + 1) + 1;
  else for (const key in value) sum += 6 * key.length + 4 + boundBytes(value[key] ?? null, depth + 1);
  return sum;
}

/** Whether a value is over the limit; `bound` is its `boundBytes`. */
export function isTooLarge(value: Json, bound: number): boolean {
  if (bound === Number.POSITIVE_INFINITY) return true;
  return bound > MAX_PAYLOAD_BYTES && Buffer.byteLength(JSON.stringify(value)) > MAX_PAYLOAD_BYTES;
}

/** The failure of a state or task that returned too much. `what`: the state, or the task's resource. */
export function dataLimitExceeded(what: string): Failure {
  const cause = `The state/task '${what}' returned a result with a size exceeding the maximum number of bytes service limit.`;
  return { error: 'States.DataLimitExceeded', cause };
}
