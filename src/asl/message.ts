/**
 * The Message state: waits until somebody sends a message that names the same correlation key and value. Our extension
 * of the language (docs/message-state.md); what its fields mean is here, the waiting is the engine's.
 */
import { isObject, type Json } from '../std/json.js';
import { after, type Maybe } from '../std/maybe.js';
import type { MessageState } from './definition.js';
import { runtimeError } from './errors.js';
import { fillJsonata } from './jsonata/template.js';
import { evaluateText } from './jsonata/value.js';
import { readLimit } from './limits.js';
import { QueryError } from './query-error.js';
import { lookUp, pathInMessages } from './resolve.js';
import type { Scope } from './scope.js';
import { MAX_SECONDS } from './wait.js';

/** The longest key that a message may name, in characters. */
export const MAX_CORRELATION_KEY = 1024;

/**
 * What a message must name to be this state's: the key, and the value as text: a string as it is, any other JSON as
 * canonical text. `input` is the effective input, and the value when the state names none. Throws States.Runtime or
 * States.QueryEvaluationError if there is no value, or the key is empty or too long.
 */
export function correlationOf(
  state: MessageState,
  scope: Scope,
  input: Json,
): Maybe<{ key: string; value: string }> {
  return after(keyOf(state, scope), (key) =>
    after(correlationValueOf(state, scope, input), (value) => ({ key, value: correlationText(value) })),
  );
}

/** How a correlation value is compared: two that are equal as JSON have the same text, whatever the order of keys. */
export function correlationText(value: Json): string {
  return typeof value === 'string' ? value : canonicalText(value);
}

/** How long the state waits, in seconds; undefined: as long as it takes. Throws as the field's language does. */
export function messageTimeout(state: MessageState, scope: Scope, input: Json): Maybe<number | undefined> {
  if (state.timeoutSeconds === undefined) return undefined;
  const refuse = (seconds: number): string | undefined =>
    seconds >= 1 && seconds <= MAX_SECONDS
      ? undefined
      : `TimeoutSeconds must be between 1 and ${MAX_SECONDS}, but was ${seconds}.`;
  return readLimit(
    { name: 'TimeoutSeconds', value: state.timeoutSeconds, type: 'integer', refuse },
    scope,
    input,
  );
}

/** The state's result: the part of the message's data at MessagePath. Throws States.Runtime if nothing is there. */
export function messageResult(state: MessageState, scope: Scope, data: Json): Json {
  if (state.messagePath === undefined) return data;
  const found = lookUp(state.messagePath, scope, data);
  if (found !== undefined) return found;
  throw runtimeError(missing('MessagePath', pathInMessages(state.messagePath), 'message', data));
}

function keyOf({ correlationKey }: MessageState, scope: Scope): Maybe<string> {
  if (typeof correlationKey === 'string') return correlationKey;
  return after(evaluateText(correlationKey, scope), (key) => {
    if (key !== '' && key.length <= MAX_CORRELATION_KEY) return key;
    const cause = `CorrelationKey must have 1 to ${MAX_CORRELATION_KEY} characters, but had ${key.length}.`;
    throw new QueryError(cause, correlationKey.location);
  });
}

function correlationValueOf({ correlationValue }: MessageState, scope: Scope, input: Json): Maybe<Json> {
  if (correlationValue === undefined) return input;
  if ('kind' in correlationValue) return fillJsonata(correlationValue, scope, {});
  const found = lookUp(correlationValue, scope, input);
  if (found !== undefined) return found;
  throw runtimeError(missing('CorrelationValuePath', pathInMessages(correlationValue), 'input', input));
}

function missing(field: string, path: string, where: string, value: Json): string {
  return `The JSONPath '${path}' specified for the field '${field}' could not be found in the ${where} '${JSON.stringify(value)}'`;
}

/** JSON text with the keys of every object in the order of their code units. */
function canonicalText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalText(field)}`).join(',')}}`;
}
