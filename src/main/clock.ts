import { randomUUID } from 'node:crypto';
import type { Clock, Entropy } from '../engine/index.js';

/**
 * A clock that follows the database's, whatever this machine's own says: timers are instants in rows that
 * several machines read. Between two readings it advances with the monotonic clock.
 */
interface DatabaseClock extends Clock {
  /** Takes the database's time, as of now, in ms. */
  follow(nowMs: number): void;
}

export function createDatabaseClock(): DatabaseClock {
  let offsetMs = Date.now() - performance.now();
  return {
    now: () => performance.now() + offsetMs,
    follow: (nowMs) => {
      offsetMs = nowMs - performance.now();
    },
  };
}

/** Randomness for jitter, `States.MathRandom` and `States.UUID`. */
export const systemEntropy: Entropy = {
  random: Math.random,
  uuid: () => randomUUID(),
  // Between evaluations that may each take a second, timers and heartbeats have their turn.
  pause: () => new Promise((resolve) => setImmediate(resolve)),
};
