/**
 * Calls handlers, here or in a thread of their own. What goes wrong is an outcome, never an exception: the workflow's
 * errors are data.
 */
import type { ExecutionAbout, InvokeEffect, TaskCall, TaskOutcome } from '../engine/index.js';
import { callHandler } from './call-handler.js';
import { missingFunction, timedOut } from './failure.js';
import { type HandlerLog, type Handlers, type Isolation, settingsOf } from './handlers.js';
import type { Threads } from './threads/pool.js';
import { copyJson } from './to-json.js';

/** The call of a function, as the engine asks for it. */
export type FunctionCall = Extract<InvokeEffect['call'], { kind: 'function' }>;

export interface Functions {
  /** Whether the module has a handler of that name. */
  has(functionName: string): boolean;
  /** Calls the handler of that name. Never throws: what goes wrong is an outcome. */
  call(
    asked: FunctionCall,
    effect: InvokeEffect,
    about: ExecutionAbout,
    call: TaskCall,
  ): Promise<TaskOutcome>;
}

export interface FunctionsOptions {
  handlers: Handlers;
  /** What AWS would call a function: for the cause when there is none of that name. */
  arnOf: (functionName: string) => string;
  /** Makes the logger that a handler gets, bound to the execution and state. */
  logFor: (about: { executionId: string; stateName: string; functionName: string }) => HandlerLog;
  /** Where handlers that say nothing of it run; `none` unless given. */
  isolation?: Isolation;
  /** Where those run that run in threads. Without it, all run here. */
  threads?: Threads;
}

/** Calls the functions of a handlers module. Whatever a function does is an outcome: `call` never rejects. */
export function createFunctions({
  handlers,
  arnOf,
  logFor,
  isolation = 'none',
  threads,
}: FunctionsOptions): Functions {
  return {
    has: (functionName) => Object.hasOwn(handlers, functionName),
    call({ functionName, input, credentials }, effect, about, call) {
      const given = Object.hasOwn(handlers, functionName) ? handlers[functionName] : undefined;
      const log = (): HandlerLog =>
        logFor({ executionId: about.executionId, stateName: effect.stateName, functionName });
      if (given === undefined) {
        log().warn({}, 'the handlers module of this worker has no function of that name');
        return Promise.resolve(missingFunction(arnOf(functionName), effect.key));
      }
      const settings = settingsOf(given);
      const told = {
        executionId: about.executionId,
        executionName: about.executionName,
        stateMachineId: about.stateMachineId,
        stateName: effect.stateName,
        attempt: effect.attempt,
        idempotencyKey: effect.key,
        timeoutAtMs: effect.timeoutAtMs,
      };
      const { timeoutMs } = settings;
      if (threads !== undefined && (settings.isolation ?? isolation) === 'thread') {
        return threads.call({
          functionName,
          input,
          told: { ...told, credentials },
          timeoutMs,
          signal: call.signal,
          heartbeat: () => call.heartbeat(),
          log,
        });
      }
      const called = (signal: () => AbortSignal): Promise<TaskOutcome> =>
        callHandler({
          functionName,
          handler: settings.handler,
          // Its own: what a handler does to its input must not be seen by the state's ResultPath, or by its Retry.
          input: copyJson(input),
          context: {
            ...told,
            credentials: credentials === undefined ? undefined : copyJson(credentials),
            heartbeat: () => call.heartbeat(),
            // Made when it is asked for: most calls say nothing, and a logger costs as much as a small handler.
            get log() {
              return log();
            },
          },
          signal,
        });
      if (timeoutMs === undefined) return called(() => call.signal);
      return limited(functionName, timeoutMs, call, called);
    },
  };
}

/** A limit on a call that nothing here can end: its signal fires, and nobody waits for it any more. */
async function limited(
  functionName: string,
  timeoutMs: number,
  call: TaskCall,
  called: (signal: () => AbortSignal) => Promise<TaskOutcome>,
): Promise<TaskOutcome> {
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<TaskOutcome>((resolve) => {
    timer = setTimeout(() => {
      const outcome = timedOut(functionName, timeoutMs);
      resolve(outcome);
      limit.abort(new Error(`the handler's timeoutMs of ${String(timeoutMs)} ms is over`));
    }, timeoutMs);
  });
  const outcome = await Promise.race([called(() => AbortSignal.any([call.signal, limit.signal])), over]);
  clearTimeout(timer);
  return outcome;
}
