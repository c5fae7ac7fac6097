/**
 * A lane beside the slots, for executions that are to be stopped, or whose time is up, while nobody advances them: their
 * own children may have all the slots, for long. What comes after a timeout calls nothing here: it is left to whoever gets a
 * slot. Each has its doorbell, too, so that nothing depends on this lane.
 */
import type { Runner } from './runner.js';

/** A stop or a timeout is a claim and a commit; so many at once go into one statement each. */
const LANE_WIDTH = 50;

/** Takes up an execution that has got a stop or is due, now or when the lane is free; one that another worker has is let be. */
export function createStopLane(runner: Pick<Runner, 'run'>): (executionId: string) => void {
  const waiting = new Set<string>();
  let running = 0;
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
  return (executionId) => {
    waiting.add(executionId);
    next();
  };
}
