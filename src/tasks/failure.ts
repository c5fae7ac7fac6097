/**
 * What a handler threw, as the workflow's error: the error's name is the ASL error name, the cause is JSON text with
 * errorType, errorMessage and trace, as AWS makes it of a function's
 * (https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html).
 */
import { inspect, types } from 'node:util';
import type { TaskOutcome } from '../engine/index.js';

export type Failure = Extract<TaskOutcome, { ok: false }>;

/** Anything can be thrown, also what cannot be looked at: a proxy, an error whose message throws. Never throws itself. */
export function failureOf(thrown: unknown): Failure {
  if (typeof thrown === 'string') return failure('Error', thrown);
  if (!isError(thrown)) return failure('Error', shown(thrown));
  const name = read(thrown, 'name');
  const stack = read(thrown, 'stack');
  return failure(
    name === '' || name === undefined ? 'Error' : textOf(name),
    textOf(read(thrown, 'message')),
    typeof stack === 'string' ? stack.slice(0, STACK_LIMIT).split('\n').slice(0, TRACE_LINES) : [],
  );
}

/** A failure under a name of its own. */
export function failure(errorType: string, errorMessage: string, trace: readonly string[] = []): Failure {
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

/** No function of that name, in AWS's words. The request is the attempt. */
export function missingFunction(arn: string, key: string): Failure {
  const service = `Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: ${key}; Proxy: null`;
  return {
    ok: false,
    error: 'Lambda.ResourceNotFoundException',
    cause: `Function not found: ${arn} (${service})`,
  };
}

/** A call has taken longer than its handler's own limit. */
export function timedOut(functionName: string, timeoutMs: number): Failure {
  return failure(
    'States.Timeout',
    `'${functionName}' took longer than its timeoutMs, ${String(timeoutMs)} ms.`,
  );
}

function isError(thrown: unknown): thrown is Error {
  try {
    // Those of another realm are none of ours, and errors all the same.
    return types.isNativeError(thrown) || thrown instanceof Error;
  } catch {
    return false;
  }
}

function read(error: Error, field: 'name' | 'message' | 'stack'): unknown {
  try {
    return error[field];
  } catch (thrown) {
    return field === 'message' ? `its ${field} cannot be read: ${shown(thrown)}` : undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : shown(value);
}

function shown(value: unknown): string {
  try {
    return inspect(value);
  } catch {
    return `a ${typeof value} that cannot be shown`;
  }
}

/** Shortened before anything else is done with it: a message may be as long as memory allows. */
function clean(text: string, limit: number): string {
  return text.slice(0, limit).replaceAll('\u0000', '');
}

/** Enough to see where it happened; a cause is kept in the history for every attempt. */
const TRACE_LINES = 6;
const STACK_LIMIT = 100_000;

/** AWS's limit of a cause, in characters; what escaping may add included. */
const CAUSE_LIMIT = 32_768;
const MESSAGE_LIMIT = 4_096;
const LINE_LIMIT = 300;
