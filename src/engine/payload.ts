import { boundBytes, MAX_PAYLOAD_BYTES } from '../asl/index.js';
import type { Json } from '../std/json.js';
import type { Failure } from './outcome.js';

export { boundBytes, MAX_PAYLOAD_BYTES };

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
