import type { FailState } from './definition.js';
import { runtimeError } from './errors.js';
import { type CompiledExpression, evaluateExpression } from './expression.js';
import type { Scope } from './scope.js';

/**
 * The error and cause of a Fail state; what it does not name is left out
 * (https://states-language.net/spec.html#fail-state). Throws States.Runtime if a path finds nothing, or no text.
 */
export function failureOf(state: FailState, scope: Scope): { error?: string; cause?: string } {
  const error = textOf('ErrorPath', state.error, scope);
  const cause = textOf('CausePath', state.cause, scope);
  return { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
}

function textOf(
  field: string,
  source: string | CompiledExpression | undefined,
  scope: Scope,
): string | undefined {
  if (source === undefined || typeof source === 'string') return source;
  const value = evaluateExpression(source, scope, scope.input, { field });
  if (typeof value === 'string') return value;
  throw runtimeError(`The ${field} field must refer to a string, but refers to ${JSON.stringify(value)}`);
}
