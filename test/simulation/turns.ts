import { realSetImmediate } from './real-time.js';

/** A lap of the event loop costs more than most events do: so many turns share one. */
const TURNS_IN_LAP = 64;

/** Turns that are still to come of those that were asked for. */
let ahead = 0;
let waiting: (() => void) | undefined;

/**
 * Resolves when all promises are settled that can be, and rejections that nobody awaits have been told of: between two
 * callbacks of one lap Node.js sees to both, as it does between two laps. One at a time may wait.
 */
export function turn(): Promise<void> {
  if (ahead === 0) {
    ahead = TURNS_IN_LAP;
    for (let n = 0; n < TURNS_IN_LAP; n++) realSetImmediate(next);
  }
  return new Promise((resolve) => {
    waiting = resolve;
  });
}

function next(): void {
  ahead--;
  const resolve = waiting;
  waiting = undefined;
  resolve?.();
}
