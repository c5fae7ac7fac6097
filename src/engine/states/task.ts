import {
  completionOf,
  effectiveInput,
  parametersOf,
  resultOf,
  type TaskState,
  taskTimeouts,
} from '../../asl/index.js';
import type { Json, JsonObject } from '../../std/json.js';
import { after, type Maybe } from '../../std/maybe.js';
import { type Draft, record } from '../draft.js';
import type { Frame, TaskPhase } from '../frame.js';
import { invocationOf } from '../invocation.js';
import { exits, type Failure, type Outcome, waits } from '../outcome.js';
import { boundBytes, dataLimitExceeded, isTooLarge } from '../payload.js';
import { scopeOf } from '../scope.js';
import { callOf, REGION, resultEnvelope, SERVICE, UNREADABLE_PAYLOAD } from './lambda-invoke.js';

/** https://states-language.net/spec.html#task-state: schedules the call; every attempt anew. */
export function startTask(draft: Draft, frame: Frame, state: TaskState): Maybe<Outcome> {
  const scope = scopeOf(draft, frame, state);
  const input = effectiveInput(state, scope);
  return after(parametersOf(state, scope, input), (parameters) =>
    after(taskTimeouts(state, scope, input), (timeouts) =>
      schedule(draft, frame, state, parameters, timeouts),
    ),
  );
}

function schedule(
  draft: Draft,
  frame: Frame,
  state: TaskState,
  parameters: Json,
  { timeoutSeconds, heartbeatSeconds }: { timeoutSeconds?: number; heartbeatSeconds?: number },
): Outcome {
  const limits: JsonObject = {};
  if (timeoutSeconds !== undefined) limits['timeoutInSeconds'] = timeoutSeconds;

  const { integration } = state;
  const phase: TaskPhase = { kind: 'task', key: '', functionName: '' };
  let payload = parameters;
  if (integration.kind === 'function') {
    phase.functionName = integration.functionName;
    record(draft, frame, 'LambdaFunctionScheduled', {
      input: parameters,
      resource: state.resource,
      ...limits,
    });
    phase.key = keyOf(draft, frame);
    record(draft, frame, 'LambdaFunctionStarted');
  } else {
    const call = callOf(parameters);
    phase.functionName = call.functionName;
    if (call.tail) phase.tail = true;
    if (heartbeatSeconds !== undefined) limits['heartbeatInSeconds'] = heartbeatSeconds;
    record(draft, frame, 'TaskScheduled', { ...SERVICE, region: REGION, parameters, ...limits });
    phase.key = keyOf(draft, frame);
    record(draft, frame, 'TaskStarted', { ...SERVICE });
    if (call.payload === undefined) return failTask(draft, frame, state, UNREADABLE_PAYLOAD);
    payload = call.payload;
  }
  if (payload !== frame.input) phase.input = payload;
  if (timeoutSeconds !== undefined) phase.timeoutAtMs = draft.nowMs + timeoutSeconds * 1000;
  if (heartbeatSeconds !== undefined) {
    phase.heartbeatMs = heartbeatSeconds * 1000;
    phase.heartbeatAtMs = draft.nowMs + phase.heartbeatMs;
  }
  draft.bytes += boundBytes(parameters);
  frame.phase = phase;
  draft.effects.push(invocationOf(frame, phase));
  return waits;
}

export function completeTask(
  draft: Draft,
  frame: Frame,
  state: TaskState,
  phase: TaskPhase,
  output: Json,
): Maybe<Outcome> {
  const isFunction = state.integration.kind === 'function';
  const result = isFunction ? output : resultEnvelope(output, phase, draft.run.entropy.uuid());
  const bound = boundBytes(result);
  draft.bytes += bound;
  if (isTooLarge(result, bound)) {
    return failTask(
      draft,
      frame,
      state,
      dataLimitExceeded(isFunction ? state.resource : SERVICE.resourceType),
    );
  }
  if (isFunction) record(draft, frame, 'LambdaFunctionSucceeded', { output: result });
  else record(draft, frame, 'TaskSucceeded', { ...SERVICE, output: result });
  const scope = scopeOf(draft, frame, state);
  return after(completionOf(state, scope, resultOf(state, scope, result)), (completion) =>
    exits(completion, state.next),
  );
}

export function failTask(draft: Draft, frame: Frame, state: TaskState, failure: Failure): Outcome {
  if (state.integration.kind === 'function') record(draft, frame, 'LambdaFunctionFailed', { ...failure });
  else record(draft, frame, 'TaskFailed', { ...SERVICE, ...failure });
  return { kind: 'fails', failure };
}

/** The attempt's TimeoutSeconds or HeartbeatSeconds are over. */
export function timeOutTask(draft: Draft, frame: Frame, state: TaskState, phase: TaskPhase): Outcome {
  const overall = phase.timeoutAtMs !== undefined && phase.timeoutAtMs <= draft.nowMs;
  const failure = { error: overall ? 'States.Timeout' : 'States.HeartbeatTimeout' };
  if (state.integration.kind === 'function') record(draft, frame, 'LambdaFunctionTimedOut', failure);
  else record(draft, frame, 'TaskTimedOut', { ...SERVICE, ...failure });
  return { kind: 'fails', failure };
}

/** The idempotency key of the call whose Scheduled event was recorded last. */
function keyOf(draft: Draft, frame: Frame): string {
  return `${draft.run.about.executionId}/${String(frame.lastEventId)}`;
}
