/** A function behind a URL: the request that calls it, and what its answer means. Pure. */
import type {
  ExecutionAbout,
  FunctionCall,
  InvokeEffect,
  TaskEndpoint,
  TaskOutcome,
} from '../../engine/index.js';
import { isObject } from '../../std/json.js';
import { clipped, parsed, sentence, textOf } from './outcome.js';
import type { Exchange, HttpAnswer, Outgoing } from './send.js';
import { signatureOf } from './signature.js';

/** Texts that may be anything are percent-encoded: a header is ASCII. */
export function endpointRequest(
  { url, secrets }: Pick<TaskEndpoint, 'url' | 'secrets'>,
  { functionName, input }: FunctionCall,
  effect: Pick<InvokeEffect, 'key' | 'stateName' | 'attempt' | 'timeoutAtMs'>,
  about: ExecutionAbout,
  nowMs: number,
): Outgoing {
  const body = Buffer.from(JSON.stringify(input));
  return {
    url: new URL(url),
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=UTF-8',
      accept: 'application/json',
      'user-agent': 'Escapement',
      'idempotency-key': effect.key,
      'escapement-function': encodeURIComponent(functionName),
      'escapement-execution-id': about.executionId,
      'escapement-execution-name': encodeURIComponent(about.executionName),
      'escapement-state-machine-id': encodeURIComponent(about.stateMachineId),
      'escapement-state-name': encodeURIComponent(effect.stateName),
      'escapement-attempt': String(effect.attempt),
      ...(effect.timeoutAtMs !== undefined && {
        'escapement-timeout-at': new Date(effect.timeoutAtMs).toISOString(),
      }),
      'escapement-signature': signatureOf(secrets, Math.floor(nowMs / 1000), body),
    },
    body,
  };
}

/**
 * 2xx with JSON is the function's result, without a body null. Anything else fails the task: with the error and cause
 * that the body gives, as `{"error": …, "cause": …}`, or with one that says what came instead.
 */
export function endpointOutcome(exchange: Exchange): TaskOutcome {
  switch (exchange.kind) {
    case 'answered':
      return outcomeOfAnswer(exchange.answer);
    case 'refused':
      return { ok: false, error: 'States.Permissions', cause: sentence(exchange.reason) };
    case 'timedOut':
      return { ok: false, error: 'TaskEndpoint.Timeout', cause: sentence(exchange.reason) };
    case 'unreachable':
      return { ok: false, error: 'TaskEndpoint.Unreachable', cause: sentence(exchange.reason) };
    case 'tooLarge':
      return { ok: false, error: 'States.DataLimitExceeded' };
  }
}

function outcomeOfAnswer(answer: HttpAnswer): TaskOutcome {
  const { statusCode, statusText } = answer;
  const text = textOf(answer);
  const value = text === undefined ? undefined : parsed(text);
  if (statusCode >= 200 && statusCode <= 299) {
    if (answer.body.length === 0) return { ok: true, output: null };
    if (value !== undefined) return { ok: true, output: value };
    return { ok: false, error: 'TaskEndpoint.InvalidResponse', cause: 'The body of the answer is not JSON.' };
  }
  const { error, cause } = isObject(value) ? value : {};
  if (typeof error === 'string' && error !== '') {
    const said = typeof cause === 'string' ? cause : cause === undefined ? '' : JSON.stringify(cause);
    return { ok: false, error: clipped(error).slice(0, ERROR_LIMIT), cause: clipped(said) };
  }
  const instead = text === undefined || text === '' ? statusText : text;
  return { ok: false, error: `TaskEndpoint.StatusCode.${statusCode}`, cause: clipped(instead) };
}

/** AWS's limit of an error's name, in characters. */
const ERROR_LIMIT = 256;
