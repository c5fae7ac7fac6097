import type { Json } from '../std/json.js';
import { after, type Maybe } from '../std/maybe.js';
import { parseTimestamp } from '../std/timestamp.js';
import type { JsonataExpression, WaitState } from './definition.js';
import { runtimeError } from './errors.js';
import { evaluateText } from './jsonata/value.js';
import type { CompiledPath } from './jsonpath/index.js';
import { readLimit } from './limits.js';
import { QueryError } from './query-error.js';
import { lookUp, pathInMessages } from './resolve.js';
import type { Scope } from './scope.js';

/** The longest pause that AWS takes, in seconds: a little over three years. */
export const MAX_SECONDS = 99_999_999;

/**
 * When a Wait state is over, in ms since the epoch; an instant that has passed means at once.
 * Throws States.Runtime, in AWS's words, when a path's value is missing or no duration or timestamp
 * (https://states-language.net/spec.html#wait-state).
 */
export function waitUntilMs(state: WaitState, scope: Scope, input: Json, nowMs: number): Maybe<number> {
  const { duration } = state;
  switch (duration.kind) {
    case 'seconds':
      return nowMs + duration.seconds * 1000;
    case 'secondsPath':
      return nowMs + secondsAt(duration.path, scope, input) * 1000;
    case 'timestamp':
      return instantOf(duration.timestamp, () => {
        return runtimeError(unparsable(duration.timestamp));
      });
    case 'secondsExpression':
      return after(evaluateSeconds(duration.template, scope), (seconds) => nowMs + seconds * 1000);
    case 'timestampExpression':
      return after(evaluateText(duration.template, scope), (text) =>
        instantOf(text, () => new QueryError(unparsable(text), 'Timestamp')),
      );
    case 'timestampPath': {
      const value = valueAt('TimestampPath', duration.path, scope, input);
      return instantOf(value, () => {
        const found = `${pathInMessages(duration.path)} == ${printValue(value)}`;
        return runtimeError(
          `The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: ${found}`,
        );
      });
    }
  }
}

function evaluateSeconds(template: JsonataExpression, scope: Scope): Maybe<number> {
  const refuse = (seconds: number): string | undefined => {
    if (seconds < 0) return `The Seconds field evaluates to a negative value: ${seconds}`;
    return seconds > MAX_SECONDS
      ? `The Seconds field evaluates to a value greater than ${MAX_SECONDS}: ${seconds}`
      : undefined;
  };
  return readLimit({ name: 'Seconds', value: template, type: 'integer', refuse }, scope, null);
}

function unparsable(text: string): string {
  return `The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: ${text}`;
}

function secondsAt(path: CompiledPath, scope: Scope, input: Json): number {
  const value = valueAt('SecondsPath', path, scope, input);
  const found = `${pathInMessages(path)} == ${printValue(value)}`;
  if (!Number.isInteger(value)) {
    throw runtimeError(`The SecondsPath parameter cannot be parsed as a long value: ${found}`);
  }
  const seconds = value as number;
  if (seconds < 0) throw runtimeError(`The SecondsPath parameter references a negative value: ${found}`);
  if (seconds > MAX_SECONDS) {
    throw runtimeError(`The SecondsPath parameter references a value greater than ${MAX_SECONDS}: ${found}`);
  }
  return seconds;
}

function valueAt(field: string, path: CompiledPath, scope: Scope, input: Json): Json {
  const value = lookUp(path, scope, input);
  if (value === undefined) {
    throw runtimeError(`The ${field} parameter does not reference an input value: ${pathInMessages(path)}`);
  }
  return value;
}

function instantOf(value: Json, complaint: () => Error): number {
  const timestamp = typeof value === 'string' ? parseTimestamp(value) : undefined;
  if (timestamp === undefined) throw complaint();
  // A pause never ends early, so what is left of a millisecond counts as a whole one.
  return timestamp.ms + (timestamp.nanos > 0 ? 1 : 0);
}

function printValue(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
