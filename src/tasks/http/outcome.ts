/** What an exchange means to the workflow. Pure. */
import type { TaskOutcome } from '../../engine/index.js';
import { isDeeperThan, type Json } from '../../std/json.js';
import type { Exchange, HttpAnswer } from './send.js';

/** An HTTP task's (https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html). */
export function outcomeOf(exchange: Exchange): TaskOutcome {
  switch (exchange.kind) {
    case 'answered':
      return outcomeOfAnswer(exchange.answer);
    case 'refused':
      return { ok: false, error: 'States.Permissions', cause: sentence(exchange.reason) };
    // AWS's name for an HTTP task that got no answer in its 60 seconds.
    case 'timedOut':
    case 'unreachable':
      return { ok: false, error: 'States.Http.Socket', cause: sentence(exchange.reason) };
    case 'tooLarge':
      return { ok: false, error: 'States.DataLimitExceeded', cause: TOO_LARGE };
  }
}

function outcomeOfAnswer(answer: HttpAnswer): TaskOutcome {
  const { statusCode, statusText, headers } = answer;
  const text = textOf(answer);
  if (statusCode < 200 || statusCode > 299) {
    const cause = text === undefined || text === '' ? statusText : text;
    return { ok: false, error: `States.Http.StatusCode.${statusCode}`, cause: clipped(cause) };
  }
  if (text === undefined) {
    return {
      ok: false,
      error: 'States.Runtime',
      cause: `The response is not text that can be read (content-type ${contentTypeOf(answer) || 'unknown'}).`,
    };
  }
  return {
    ok: true,
    output: {
      Headers: { ...headers },
      ResponseBody: bodyOf(text, contentTypeOf(answer)),
      StatusCode: statusCode,
      StatusText: statusText,
    },
  };
}

/** undefined: it is no text, or of a type of which AWS says that it is none. */
export function textOf(answer: HttpAnswer): string | undefined {
  const type = contentTypeOf(answer);
  if (/^(application\/octet-stream|image\/|video\/|audio\/)/i.test(type)) return undefined;
  const charset = /;\s*charset="?([^";\s]+)/i.exec(type)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset, { fatal: true }).decode(answer.body);
  } catch {
    return undefined;
  }
}

function contentTypeOf({ headers }: HttpAnswer): string {
  return headers['content-type']?.[0] ?? '';
}

/** What says that it is JSON is that value; what says so and is not stays the text that it is. */
function bodyOf(text: string, contentType: string): Json {
  if (!/^application\/([^;]*\+)?json\b/i.test(contentType)) return text;
  const value = parsed(text);
  return value === undefined ? text : value;
}

/** undefined: it is not JSON, or nested so deeply that it could not be written again. */
export function parsed(text: string): Json | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isDeeperThan(value, DEPTH_MAX) ? undefined : value;
  } catch {
    return undefined;
  }
}

/** What the API takes, too. */
const DEPTH_MAX = 500;

/** AWS's limit of a cause, in characters. */
const CAUSE_LIMIT = 32_768;

export function clipped(cause: string): string {
  return cause.replaceAll('\0', '').slice(0, CAUSE_LIMIT);
}

export function sentence(reason: string): string {
  return `${clipped(reason)}.`;
}

const TOO_LARGE =
  "The state/task 'http' returned a result with a size exceeding the maximum number of bytes service limit.";
