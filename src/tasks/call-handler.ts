/** One call of a handler, in whatever thread: its result, or what went wrong, as an outcome. */
import type { TaskOutcome } from '../engine/index.js';
import { failure, failureOf } from './failure.js';
import type { Handler, HandlerContext } from './handlers.js';
import { ownedHere, runFrom } from './strays.js';
import { toJson } from './to-json.js';

export interface HandlerCall {
  functionName: string;
  handler: Handler;
  input: unknown;
  /** What the handler gets, its signal aside. */
  context: Omit<HandlerContext, 'signal'>;
  /** When nobody waits any more. Looked at only if the handler looks at its own. */
  signal: () => AbortSignal;
  /** In a handler thread. */
  callId?: number;
}

/**
 * Calls a handler. Never throws. An error that the handler lets slip, in a timer or in a promise that it does not
 * await, fails the call as one that it throws.
 */
export function callHandler({
  functionName,
  handler,
  input,
  context,
  signal,
  callId,
}: HandlerCall): Promise<TaskOutcome> {
  return new Promise((resolve) => {
    const fail = (error: unknown): void => resolve(failureOf(error));
    const { executionId, stateName, idempotencyKey } = context;
    const about = { functionName, executionId, stateName, idempotencyKey };
    const run = async (): Promise<void> => {
      try {
        resolve(outcomeOf(functionName, await handler(input, withSignal(context, signal))));
      } catch (error) {
        fail(error);
      }
    };
    void runFrom({ about, callId, fail }, run);
  });
}

/**
 * The signal is one of the call's own, made when it is asked for: most calls never do. What its listeners throw is
 * thrown in the handler's name, not in that of whoever aborts.
 */
function withSignal(context: Omit<HandlerContext, 'signal'>, outer: () => AbortSignal): HandlerContext {
  let own: AbortController | undefined;
  // Not `{...context}`: its logger is made when it is asked for.
  return Object.defineProperty(context, 'signal', {
    enumerable: true,
    get: () => {
      if (own !== undefined) return own.signal;
      own = new AbortController();
      const from = outer();
      const abort = ownedHere(() => own?.abort(from.reason));
      if (from.aborted) abort();
      else from.addEventListener('abort', abort, { once: true });
      return own.signal;
    },
  }) as HandlerContext;
}

function outcomeOf(functionName: string, result: unknown): TaskOutcome {
  const answer = toJson(result);
  if (answer.ok) return { ok: true, output: answer.json };
  if ('tooLarge' in answer) return { ok: false, error: 'States.DataLimitExceeded' };
  return failure('Runtime.MarshalError', `The result of '${functionName}' is not JSON: ${answer.reason}`);
}
