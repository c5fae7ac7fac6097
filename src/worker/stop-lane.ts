/**
 * A lane beside the slots, for executions that are to be stopped, or whose time is up, while nobody advances them: their
 * own children may have all the slots, for long. What comes after a timeout calls nothing here: it is left to whoever gets a
 * slot. Each has its doorbell, too, so that nothing depends on this lane.
 *
 * What is due may be due for another reason than its time, and then goes back as it came. So it is not taken up again here
 * for a while: whoever gets a slot is not to find it taken, time and again.
 */
import type { Runner } from './runner.js';

/** A stop or a timeout is a claim and a commit; so many at once go into one statement each. */
const LANE_WIDTH = 50;

/** So long what was taken up because it was due is left to who has a slot. */
const LEFT_ALONE_MS = 10_000;

interface StopLane {
  /** It has got a stop: takes it up now or when the lane is free. One that another worker has is let be. */
  stop(executionId: string): void;
  /** The same for one that is due, unless that was done a moment ago. */
  takeDue(executionId: string): void;
}

export function createStopLane(runner: Pick<Runner, 'run'>): StopLane {
  const waiting = new Set<string>();
  let running = 0;
  /** When each was taken up that was due, oldest first: ms of the process's own monotonic clock. */
  const takenAt = new Map<string, number>();
  const next = (): void => {
    for (const executionId of waiting) {
      if (running === LANE_WIDTH) return;
      waiting.delete(executionId);
      running++;
      void runner.run(executionId, { release: leave, isAside: true });
    }
  };
  const leave = (): void => {
    running--;
    next();
  };
  const stop = (executionId: string): void => {
    waiting.add(executionId);
    next();
  };
  return {
    stop,
    takeDue: (executionId) => {
      const nowMs = performance.now();
      for (const [id, atMs] of takenAt) {
        if (nowMs - atMs < LEFT_ALONE_MS) break;
        takenAt.delete(id);
      }
      if (takenAt.has(executionId)) return;
      takenAt.set(executionId, nowMs);
      stop(executionId);
    },
  };
}
