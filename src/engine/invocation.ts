import type { Awaited, Call, FunctionCall, InvokeEffect } from './effects.js';
import type { Frame, TaskPhase } from './frame.js';

/** The call that a frame in its task phase waits for; the same after any number of recoveries. */
export function invocationOf(frame: Frame, phase: TaskPhase): InvokeEffect {
  return {
    kind: 'invoke',
    frameId: frame.id,
    key: phase.key,
    call: callOf(frame, phase),
    stateName: frame.state,
    attempt: retryCount(frame),
    timeoutAtMs: phase.timeoutAtMs,
  };
}

/** How often the frame's state has been retried (`$$.State.RetryCount`). */
export function retryCount(frame: Frame): number {
  return frame.retries.reduce((sum, used) => sum + used, 0);
}

/** What a frame's phase has going on in the world that somebody must be told of when it is given up. */
export function awaitedOf({ phase }: Frame): Awaited | undefined {
  if (phase.kind === 'awaiting') return phase.awaited;
  if (phase.kind !== 'task') return undefined;
  const { call } = phase;
  switch (call.kind) {
    case 'function':
      return call.token === undefined ? undefined : { kind: 'token', token: call.token };
    case 'startExecution':
      if (call.token !== undefined) return { kind: 'token', token: call.token };
      return call.sync ? { kind: 'child' } : undefined;
    case 'offerTask':
      return { kind: 'lease', token: call.token };
    case 'awaitMessage':
      return { kind: 'message' };
    case 'startMapRun':
      return { kind: 'mapRun', mapRunId: call.request.mapRunId, mapRunArn: call.request.mapRunArn };
    case 'redriveMapRun':
      return { kind: 'mapRun', mapRunId: call.run.mapRunId, mapRunArn: call.run.mapRunArn };
    default:
      return undefined;
  }
}

function callOf(frame: Frame, { call }: TaskPhase): Call {
  if (call.kind !== 'function') return call;
  if (call.input !== undefined) return { ...call, input: call.input };
  const { kind, functionName, credentials, token } = call;
  // Field by field: every task comes this way, and a spread of a call costs as much as the rest of its step.
  const made: FunctionCall = { kind, functionName, input: frame.input };
  if (credentials !== undefined) made.credentials = credentials;
  if (token !== undefined) made.token = token;
  return made;
}
