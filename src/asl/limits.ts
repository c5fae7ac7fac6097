import type { Json } from '../std/json.js';
import type { Maybe } from '../std/maybe.js';
import { after } from '../std/maybe.js';
import type { Limit } from './definition.js';
import { runtimeError } from './errors.js';
import { fillJsonata } from './jsonata/template.js';
import { unexpectedType } from './jsonata/value.js';
import type { CompiledReferencePath } from './jsonpath/index.js';
import { QueryError } from './query-error.js';
import { lookUp, pathInMessages } from './resolve.js';
import type { Scope } from './scope.js';

/** A number of a definition, with what it must be. */
export interface LimitField {
  /** The field's name, without `Path`. */
  name: string;
  value: Limit;
  type: 'integer' | 'float';
  /** The least and the most that it may be, with what AWS or we say to any other. */
  refuse(value: number): string | undefined;
}

/** The number. Throws States.Runtime or States.QueryEvaluationError, in AWS's words, if there is none, or it is refused. */
export function readLimit(field: LimitField, scope: Scope, input: Json): Maybe<number> {
  const { value } = field;
  if (typeof value === 'number') return value;
  if (!('kind' in value)) return checked(field, lookUpLimit(field, value, scope, input), runtimeError);
  return after(fillJsonata(value, scope, {}), (found) => {
    const fits = typeof found === 'number' && (field.type === 'float' || Number.isInteger(found));
    if (!fits) throw unexpectedType(value, field.type === 'float' ? 'number' : 'integer', found);
    return checked(field, found, (cause) => new QueryError(cause, value.location));
  });
}

function checked(field: LimitField, value: number, complain: (cause: string) => Error): number {
  const refusal = field.refuse(value);
  if (refusal !== undefined) throw complain(refusal);
  return value;
}

function lookUpLimit(field: LimitField, at: CompiledReferencePath, scope: Scope, input: Json): number {
  const path = pathInMessages(at);
  const value = lookUp(at, scope, input);
  if (value === undefined) {
    throw runtimeError(`The ${field.name}Path parameter does not reference an input value: ${path}`);
  }
  // A text that is such a number will do, as on AWS.
  const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value;
  if (typeof number === 'number' && (field.type === 'float' || Number.isInteger(number))) return number;
  const found = typeof value === 'string' ? value : JSON.stringify(value);
  throw runtimeError(
    `The ${field.name}Path field refers to value "${found}" which is not a valid ${field.type}: ${path}`,
  );
}

const NUMBER = /^[+-]?\d{1,9}(?:\.\d{1,9})?$/;
