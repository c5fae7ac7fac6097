/**
 * Calls handlers. What goes wrong is an outcome, never an exception: the workflow's errors are data.
 *
 * A thrown error becomes what AWS makes of a function's: the error's name is the ASL error name, the
 * cause is JSON text with errorType, errorMessage and trace
 * (https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html).
 */
import { inspect } from 'node:util';
import type { ExecutionAbout, InvokeEffect, TaskCall, TaskOutcome } from '../engine/index.js';
import { type HandlerLog, type Handlers, toJson } from './handlers.js';

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
}

/** Calls the functions of a handlers module. Whatever a function does is an outcome: `call` never rejects. */
export function createFunctions({ handlers, arnOf, logFor }: FunctionsOptions): Functions {
  return {
    has: (functionName) => Object.hasOwn(handlers, functionName),
    async call({ functionName, input, credentials }, effect, about, call) {
      const handler = Object.hasOwn(handlers, functionName) ? handlers[functionName] : undefined;
      if (handler === undefined) {
        logFor({ executionId: about.executionId, stateName: effect.stateName, functionName }).warn(
          {},
          'the handlers module of this worker has no function of that name',
        );
        return missing(arnOf(functionName), effect.key);
      }
      try {
        const result = await handler(input, {
          executionId: about.executionId,
          executionName: about.executionName,
          stateMachineId: about.stateMachineId,
          stateName: effect.stateName,
          attempt: effect.attempt,
          idempotencyKey: effect.key,
          credentials,
          timeoutAtMs: effect.timeoutAtMs,
          get signal() {
            return call.signal;
          },
          heartbeat: () => call.heartbeat(),
          // Made when it is asked for: most calls say nothing, and a logger costs as much as a small handler.
          get log() {
            return logFor({
              executionId: about.executionId,
              stateName: effect.stateName,
              functionName,
            });
          },
        });
        const json = toJson(result);
        if (json.ok) return { ok: true, output: json.json };
        return failure(
          'Runtime.MarshalError',
          `The result of '${functionName}' is not JSON: ${json.reason}`,
          [],
        );
      } catch (error) {
        return thrown(error);
      }
    },
  };
}

/** No function of that name, in AWS's words. The request is the attempt. */
function missing(arn: string, key: string): TaskOutcome {
  const service = `Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: ${key}; Proxy: null`;
  return {
    ok: false,
    error: 'Lambda.ResourceNotFoundException',
    cause: `Function not found: ${arn} (${service})`,
  };
}

/** Anything can be thrown, also what has no text: an object that refers to itself, a name that is a number. */
function thrown(error: unknown): TaskOutcome {
  if (!(error instanceof Error))
    return failure('Error', typeof error === 'string' ? error : inspect(error), []);
  const { name, message, stack }: { name: unknown; message: unknown; stack?: unknown } = error;
  return failure(
    name === '' ? 'Error' : textOf(name),
    textOf(message),
    typeof stack === 'string' ? stack.split('\n').slice(0, TRACE_LINES) : [],
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value);
}

/** Enough to see where it happened; a cause is kept in the history for every attempt. */
const TRACE_LINES = 6;

/** AWS's limit of a cause, in characters; what escaping may add included. */
const CAUSE_LIMIT = 32_768;
const MESSAGE_LIMIT = 4_096;
const LINE_LIMIT = 300;

function failure(errorType: string, errorMessage: string, trace: string[]): TaskOutcome {
  const clean = (text: string, limit: number): string => text.replaceAll('\u0000', '').slice(0, limit);
  const error = clean(errorType, 256);
  const cause = {
    errorType: error,
    errorMessage: clean(errorMessage, MESSAGE_LIMIT),
    trace: trace.map((line) => clean(line, LINE_LIMIT)),
  };
  const text = JSON.stringify(cause);
  return {
    ok: false,
    error,
    cause: text.length <= CAUSE_LIMIT ? text : JSON.stringify({ ...cause, trace: [] }),
  };
}
