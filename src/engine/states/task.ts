/**
 * https://states-language.net/spec.html#task-state: calls the world, and ends with its answer, or with what comes
 * later: the token that the call handed out, an activity worker's answer, the end of the execution that it started.
 *
 * 1. Every attempt is scheduled anew, under a new key, with a new token.
 * 2. What a call answers, and what comes from outside, is told apart by the frame's phase; whatever fits neither
 *    says nothing.
 * 3. The history's events are the resource's: LambdaFunction… of a function, Activity…, Task… of a service.
 */
import {
  completionOf,
  credentialsOf,
  effectiveInput,
  type Integration,
  parametersOf,
  resultOf,
  type TaskState,
  taskTimeouts,
} from '../../asl/index.js';
import type { Json } from '../../std/json.js';
import { after, type Maybe } from '../../std/maybe.js';
import { type Draft, record } from '../draft.js';
import type { AwaitPhase, Frame, StoredCall, TaskPhase } from '../frame.js';
import { exits, type Failure, type Outcome, waits } from '../outcome.js';
import { boundBytes, dataLimitExceeded, isTooLarge } from '../payload.js';
import type { SignalData, TaskOutcome } from '../ports.js';
import { scopeOf } from '../scope.js';
import { findActivity, offerTask, refuseActivity, takeLease } from './activity.js';
import { UNREADABLE_PAYLOAD } from './lambda-invoke.js';
import { callService, endOfChild, type ServiceCall, serviceFailure, serviceResult } from './service.js';
import { call, durationsOf, keyOf, type Prepared, recordScheduled, timesFromNow, wait } from './task-call.js';
import { eventsOf } from './task-events.js';

export function startTask(draft: Draft, frame: Frame, state: TaskState): Maybe<Outcome> {
  const { integration } = state;
  if (integration.kind === 'activity') return findActivity(draft, frame, integration.activityArn);
  const token = handsOutToken(integration) ? newToken(draft) : undefined;
  return after(prepare(draft, frame, state, token), (prepared) =>
    integration.kind === 'function'
      ? scheduleFunction(draft, frame, state, prepared, integration.functionName)
      : scheduleService(draft, frame, state, prepared, integration),
  );
}

function prepare(draft: Draft, frame: Frame, state: TaskState, token: string | undefined): Maybe<Prepared> {
  const scope = scopeOf(draft, frame, state, token);
  const input = effectiveInput(state, scope);
  return after(parametersOf(state, scope, input), (parameters) =>
    after(taskTimeouts(state, scope, input), (timeouts) =>
      after(credentialsOf(state, scope, input), (credentials) => {
        draft.bytes += boundBytes(parameters);
        return { parameters, ...timeouts, credentials, token };
      }),
    ),
  );
}

function scheduleFunction(
  draft: Draft,
  frame: Frame,
  state: TaskState,
  prepared: Prepared,
  functionName: string,
): Outcome {
  recordScheduled(draft, frame, state, prepared);
  const key = keyOf(draft, frame);
  record(draft, frame, 'LambdaFunctionStarted');
  const { parameters: input, credentials } = prepared;
  const stored = storedCall(frame, { kind: 'function', functionName, input }, undefined, credentials);
  return call(draft, frame, {
    kind: 'task',
    key,
    call: stored,
    ...timesFromNow(draft, durationsOf(prepared)),
  });
}

function scheduleService(
  draft: Draft,
  frame: Frame,
  state: TaskState,
  prepared: Prepared,
  { service, pattern }: ServiceIntegration,
): Outcome {
  // Before anything is recorded: what it lacks is the definition's fault.
  const made = callService(service, pattern, prepared.parameters);
  recordScheduled(draft, frame, state, prepared);
  const key = keyOf(draft, frame);
  record(draft, frame, 'TaskStarted', { ...eventsOf(state).details });
  if (made === 'unreadable') return failTask(draft, frame, state, UNREADABLE_PAYLOAD);
  return call(draft, frame, {
    kind: 'task',
    key,
    call: storedCall(frame, made.call, prepared.token, prepared.credentials),
    ...timesFromNow(draft, durationsOf(prepared)),
    ...(made.tail === true && { tail: true }),
  });
}

/** What the frame's call has answered. */
export function answerTask(
  draft: Draft,
  frame: Frame,
  state: TaskState,
  phase: TaskPhase,
  outcome: TaskOutcome,
): Maybe<Outcome> {
  const { integration } = state;
  // What is too large is stopped on its way here; in what words that is said, the resource decides.
  if (!outcome.ok && outcome.error === 'States.DataLimitExceeded' && outcome.cause === undefined)
    return failTooLarge(draft, frame, state);
  switch (integration.kind) {
    case 'function':
      return endTask(draft, frame, state, outcome);
    case 'activity':
      return answerActivity(draft, frame, state, phase, outcome, integration.activityArn);
    case 'service':
      return answerService(draft, frame, state, phase, outcome, integration);
  }
}

function answerActivity(
  draft: Draft,
  frame: Frame,
  state: TaskState,
  phase: TaskPhase,
  outcome: TaskOutcome,
  activityArn: string,
): Maybe<Outcome> {
  if (phase.call.kind === 'offerTask') {
    return outcome.ok
      ? wait(frame, phase, { kind: 'lease', token: phase.call.token })
      : failTask(draft, frame, state, failureIn(outcome));
  }
  if (!outcome.ok) refuseActivity(activityArn);
  const token = newToken(draft);
  return after(prepare(draft, frame, state, token), (prepared) =>
    offerTask(draft, frame, state, activityArn, { ...prepared, token }),
  );
}

function answerService(
  draft: Draft,
  frame: Frame,
  state: TaskState,
  phase: TaskPhase,
  outcome: TaskOutcome,
  { service, pattern }: ServiceIntegration,
): Maybe<Outcome> {
  const requestId = draft.run.entropy.uuid();
  if (!outcome.ok) return failTask(draft, frame, state, serviceFailure(service, outcome, requestId));
  const result = serviceResult(service, phase, outcome.output, requestId);
  if (pattern === 'requestResponse') return succeed(draft, frame, state, result);
  if (isTooLarge(result, boundBytes(result))) return failTooLarge(draft, frame, state);
  record(draft, frame, 'TaskSubmitted', { ...eventsOf(state).details, output: result });
  if (phase.early !== undefined) return endTask(draft, frame, state, phase.early);
  if (pattern !== 'waitForTaskToken') return wait(frame, phase, { kind: 'child' });
  const token = 'token' in phase.call ? phase.call.token : undefined;
  if (token === undefined) throw new Error(`frame ${String(frame.id)} waits for a token that it has not`);
  return wait(frame, phase, { kind: 'token', token });
}

type TaskSignal = { [K in keyof SignalData]: { kind: K } & SignalData[K] }[
  | 'taskLeased'
  | 'tokenSucceeded'
  | 'tokenFailed'
  | 'childEnded'];

/** What has come from outside for the frame: it fits what the frame waits for, or it says nothing. */
export function signalTask(
  draft: Draft,
  frame: Frame,
  state: TaskState,
  phase: TaskPhase | AwaitPhase,
  signal: TaskSignal,
): Maybe<Outcome> {
  switch (signal.kind) {
    case 'taskLeased':
      return takeLease(draft, frame, phase, signal.workerName);
    case 'childEnded':
      return takeChildsEnd(draft, frame, state, phase, signal);
    case 'tokenSucceeded':
      return takeCallback(draft, frame, state, phase, { ok: true, output: signal.output });
    case 'tokenFailed': {
      const { error, cause } = signal;
      return takeCallback(draft, frame, state, phase, { ok: false, ...failureIn({ error, cause }) });
    }
  }
}

function takeCallback(
  draft: Draft,
  frame: Frame,
  state: TaskState,
  phase: TaskPhase | AwaitPhase,
  outcome: TaskOutcome,
): Maybe<Outcome> {
  if (phase.kind === 'awaiting') {
    const { kind } = phase.awaited;
    return kind === 'token' || kind === 'activity' ? endTask(draft, frame, state, outcome) : waits;
  }
  // Quicker than the call that handed the token out: that call's answer comes first. The first callback counts.
  if (phase.early === undefined) frame.phase = { ...phase, early: outcome };
  return waits;
}

function takeChildsEnd(
  draft: Draft,
  frame: Frame,
  state: TaskState,
  phase: TaskPhase | AwaitPhase,
  { child }: SignalData['childEnded'],
): Maybe<Outcome> {
  const { integration } = state;
  if (integration.kind !== 'service') return waits;
  const outcome = endOfChild(child, integration.pattern);
  if (phase.kind === 'awaiting') {
    return phase.awaited.kind === 'child' ? endTask(draft, frame, state, outcome) : waits;
  }
  if (phase.call.kind === 'startExecution' && phase.early === undefined)
    frame.phase = { ...phase, early: outcome };
  return waits;
}

function endTask(draft: Draft, frame: Frame, state: TaskState, outcome: TaskOutcome): Maybe<Outcome> {
  return outcome.ok
    ? succeed(draft, frame, state, outcome.output)
    : failTask(draft, frame, state, failureIn(outcome));
}

function succeed(draft: Draft, frame: Frame, state: TaskState, result: Json): Maybe<Outcome> {
  const bound = boundBytes(result);
  draft.bytes += bound;
  if (isTooLarge(result, bound)) return failTooLarge(draft, frame, state);
  const { prefix, details } = eventsOf(state);
  record(draft, frame, `${prefix}Succeeded`, { ...details, output: result });
  const scope = scopeOf(draft, frame, state);
  return after(completionOf(state, scope, resultOf(state, scope, result)), (completion) =>
    exits(completion, state.next),
  );
}

function failTooLarge(draft: Draft, frame: Frame, state: TaskState): Outcome {
  return failTask(draft, frame, state, dataLimitExceeded(eventsOf(state).limited));
}

function failTask(draft: Draft, frame: Frame, state: TaskState, failure: Failure): Outcome {
  const { prefix, details } = eventsOf(state);
  record(draft, frame, `${prefix}Failed`, { ...details, ...failure });
  return { kind: 'fails', failure };
}

/** The attempt's TimeoutSeconds or HeartbeatSeconds are over. What has been answered before was answered in time. */
export function timeOutTask(
  draft: Draft,
  frame: Frame,
  state: TaskState,
  phase: TaskPhase | AwaitPhase,
): Maybe<Outcome> {
  if (phase.kind === 'task' && phase.early !== undefined) return endTask(draft, frame, state, phase.early);
  const overall = phase.timeoutAtMs !== undefined && phase.timeoutAtMs <= draft.nowMs;
  const failure = { error: overall ? 'States.Timeout' : 'States.HeartbeatTimeout' };
  const { prefix, details } = eventsOf(state);
  record(draft, frame, `${prefix}TimedOut`, { ...details, ...failure });
  return { kind: 'fails', failure };
}

export type Interruption = SignalData['interrupted'];

/** The error of a state whose worker died, where its machine says that it is to fail, or to be skipped. */
const INTERRUPTED: Failure = {
  error: 'Escapement.Interrupted',
  cause: 'The worker that was making the call has died.',
};

/** Its worker died while it was making the call: the state fails, or is left with what it was to be left with. */
export function interruptTask(draft: Draft, frame: Frame, state: TaskState, how: Interruption): Outcome {
  const failed = failTask(draft, frame, state, INTERRUPTED);
  if (how.strategy === 'fail') return failed;
  const output = how.output === undefined ? frame.input : how.output;
  return { kind: 'exits', output, assigned: undefined, next: state.next };
}

type ServiceIntegration = Extract<Integration, { kind: 'service' }>;

/** A payload that is the state's raw input is not kept twice. */
function storedCall(
  frame: Frame,
  made: ServiceCall,
  token: string | undefined,
  credentials: Json | undefined,
): StoredCall {
  const withToken = token === undefined ? {} : { token };
  if (made.kind === 'startExecution') return { ...made, ...withToken };
  if (made.kind !== 'function') return made;
  const { kind, functionName, input } = made;
  return {
    kind,
    functionName,
    ...(input !== frame.input && { input }),
    ...withToken,
    ...(credentials !== undefined && { credentials }),
  };
}

function failureIn({ error, cause }: { error?: string | undefined; cause?: string | undefined }): Failure {
  return { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
}

function handsOutToken(integration: Integration): boolean {
  return integration.kind === 'service' && integration.pattern === 'waitForTaskToken';
}

/** Nobody guesses 244 random bits. */
function newToken({ run: { entropy } }: Draft): string {
  return (entropy.uuid() + entropy.uuid()).replaceAll('-', '');
}
