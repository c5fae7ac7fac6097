import type { Json } from '../../std/json.js';
import { after, type Maybe } from '../../std/maybe.js';
import { QueryError } from '../query-error.js';
import type { Scope } from '../scope.js';
import { fillJsonata, type JsonataTemplate } from './template.js';

type Expression = Extract<JsonataTemplate, { kind: 'expression' }>;

/** An expression's value when it must be a text. Throws QueryError, or rejects with it. */
export function evaluateText(expression: Expression, scope: Scope): Maybe<string> {
  return after(fillJsonata(expression, scope, {}), (value) => {
    if (typeof value !== 'string') throw unexpectedType(expression, 'string', value);
    return value;
  });
}

/** A condition's value, which must be true or false: nothing else counts as either. */
export function evaluateBoolean(expression: Expression, scope: Scope): Maybe<boolean> {
  return after(fillJsonata(expression, scope, {}), (value) => {
    if (typeof value !== 'boolean') throw unexpectedType(expression, 'boolean', value);
    return value;
  });
}

export function unexpectedType(
  { compiled, location }: Expression,
  expected: string,
  value: Json,
): QueryError {
  return new QueryError(
    `The JSONata expression '${compiled.text}' specified for the field '${location}' returned an unexpected result type. ` +
      `Expected '${expected}', but was '${typeName(value)}' for value: ${JSON.stringify(value)}`,
    location,
  );
}

function typeName(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
