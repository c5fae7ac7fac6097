/**
 * The Message state, our extension: waits, at no cost, until somebody sends a message with its correlation key and
 * value, or until its time is up (docs/message-state.md).
 */
import {
  completionOf,
  correlationOf,
  effectiveInput,
  type MessageState,
  messageResult,
  messageTimeout,
  resultOf,
} from '../../asl/index.js';
import type { Json } from '../../std/json.js';
import { after, type Maybe } from '../../std/maybe.js';
import { type Draft, record } from '../draft.js';
import type { Frame, TaskPhase } from '../frame.js';
import { exits, type Outcome } from '../outcome.js';
import type { TaskOutcome } from '../ports.js';
import { scopeOf } from '../scope.js';
import { call, keyOf, wait } from './task-call.js';

export function enterMessage(draft: Draft, frame: Frame, state: MessageState): Maybe<Outcome> {
  const scope = scopeOf(draft, frame, state);
  const input = effectiveInput(state, scope);
  return after(correlationOf(state, scope, input), ({ key: correlationKey, value: correlationValue }) =>
    after(messageTimeout(state, scope, input), (seconds) => {
      record(draft, frame, 'MessageAwaited', {
        correlationKey,
        correlationValue,
        ...(seconds !== undefined && { timeoutInSeconds: seconds }),
      });
      const timeout = seconds === undefined ? {} : { timeoutAtMs: draft.nowMs + seconds * 1000 };
      return call(draft, frame, {
        kind: 'task',
        key: keyOf(draft, frame),
        call: { kind: 'awaitMessage', correlationKey, correlationValue, ...timeout },
        ...timeout,
      });
    }),
  );
}

/** The frame is known to wait. */
export function answerMessage(frame: Frame, phase: TaskPhase, outcome: TaskOutcome): Outcome {
  if (outcome.ok) return wait(frame, phase, { kind: 'message' });
  const { error, cause } = outcome;
  return {
    kind: 'fails',
    failure: { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) },
  };
}

/** The message may come before the answer that the frame is known to wait: then that answer says nothing any more. */
export function takeMessage(draft: Draft, frame: Frame, state: MessageState, data: Json): Maybe<Outcome> {
  record(draft, frame, 'MessageReceived', { output: data });
  const scope = scopeOf(draft, frame, state);
  const result = resultOf(state, scope, messageResult(state, scope, data));
  return after(completionOf(state, scope, result), (completion) => exits(completion, state.next));
}

/** TimeoutPath names the state that follows; without one the state fails. */
export function timeOutMessage(draft: Draft, frame: Frame, state: MessageState): Maybe<Outcome> {
  const message = `No message came for the state '${state.name}' before its time was up.`;
  record(draft, frame, 'MessageTimedOut', { error: 'States.Timeout', cause: message });
  if (state.timeoutNext === undefined)
    return { kind: 'fails', failure: { error: 'States.Timeout', cause: message } };
  const next = state.timeoutNext;
  const scope = scopeOf(draft, frame, state);
  const result = resultOf(state, scope, { status: 'TIMEOUT', message });
  return after(completionOf(state, scope, result), (completion) => exits(completion, next));
}
