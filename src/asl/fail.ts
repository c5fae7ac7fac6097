import { after, type Maybe } from '../std/maybe.js';
import type { FailState } from './definition.js';
import { runtimeError } from './errors.js';
import { evaluateExpression } from './expression.js';
import { evaluateText } from './jsonata/value.js';
import type { Scope } from './scope.js';

/**
 * The error and cause of a Fail state; what it does not name is left out
 * (https://states-language.net/spec.html#fail-state). Throws States.Runtime if a path finds nothing, or no
 * text; States.QueryEvaluationError if an expression fails, or gives no text.
 */
export function failureOf(state: FailState, scope: Scope): Maybe<{ error?: string; cause?: string }> {
  return after(textOf('ErrorPath', state.error, scope), (error) =>
    after(textOf('CausePath', state.cause, scope), (cause) => ({
      ...(error === undefined ? {} : { error }),
      ...(cause === undefined ? {} : { cause }),
    })),
  );
}

function textOf(field: string, source: FailState['error'], scope: Scope): Maybe<string | undefined> {
  if (source === undefined || typeof source === 'string') return source;
  if (source.kind === 'expression') return evaluateText(source, scope);
  const value = evaluateExpression(source, scope, scope.input, { field });
  if (typeof value === 'string') return value;
  throw runtimeError(`The ${field} field must refer to a string, but refers to ${JSON.stringify(value)}`);
}
