import type { InvokeEffect } from './effects.js';
import type { Frame, TaskPhase } from './frame.js';

/** The call that a frame in its task phase waits for; the same after any number of recoveries. */
export function invocationOf(frame: Frame, phase: TaskPhase): InvokeEffect {
  return {
    kind: 'invoke',
    frameId: frame.id,
    key: phase.key,
    functionName: phase.functionName,
    stateName: frame.state,
    input: phase.input === undefined ? frame.input : phase.input,
    attempt: retryCount(frame),
    timeoutAtMs: phase.timeoutAtMs,
  };
}

/** How often the frame's state has been retried (`$$.State.RetryCount`). */
export function retryCount(frame: Frame): number {
  return frame.retries.reduce((sum, used) => sum + used, 0);
}
