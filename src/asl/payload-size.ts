import type { Json } from '../std/json.js';
import { StatesError } from './errors.js';

/** The most that a state may hand on, as JSON text in UTF-8: 256 KiB, AWS's limit. */
export const MAX_PAYLOAD_BYTES = 256 * 1024;

/** Deeper data than this cannot be turned into text without running out of stack somewhere on its way. */
const MAX_DEPTH = 1000;

/** A digit counts for 24 bytes, nothing for more times what it takes: a larger bound is surely over the limit. */
const MAX_BOUND = 25 * MAX_PAYLOAD_BYTES;

/**
 * At most how many bytes a value takes as JSON text; Infinity when it is surely more than a payload may have, or
 * nested too deeply. Cheap, since it neither escapes nor copies: what is surely small need not be turned into text
 * to be measured. It looks at no more than a payload's worth, however often a value has the same part in it.
 */
export function boundBytes(value: Json, depth = 0): number {
  // A UTF-16 unit becomes at most 6 bytes (\u001f), a number at most 24 (-1.2345678901234567e-300).
  if (typeof value === 'string') return 6 * value.length + 2;
  if (typeof value === 'number') return 24;
  if (typeof value !== 'object' || value === null) return 5;
  if (depth > MAX_DEPTH) return Number.POSITIVE_INFINITY;
  let sum = 2;
  if (Array.isArray(value)) {
    for (const item of value) {
      sum += boundBytes(item, depth + 1) + 1;
      if (sum > MAX_BOUND) return Number.POSITIVE_INFINITY;
    }
    return sum;
  }
  for (const key in value) {
    sum += 6 * key.length + 4 + boundBytes(value[key] ?? null, depth + 1);
    if (sum > MAX_BOUND) return Number.POSITIVE_INFINITY;
  }
  return sum;
}

/**
 * The value, unless it is surely more than any state may hand on: a template that has the same large part in it
 * thousands of times is a few values in memory, but as text more than memory holds. What is only just too large is
 * told where the state hands it on. Throws States.DataLimitExceeded.
 */
export function bounded<T extends Json>(value: T): T {
  if (boundBytes(value) !== Number.POSITIVE_INFINITY) return value;
  throw new StatesError(
    'States.DataLimitExceeded',
    `The state made a value whose size exceeds the maximum of ${String(MAX_PAYLOAD_BYTES)} bytes, or which nests deeper than ${String(MAX_DEPTH)} levels.`,
  );
}
