import type { Json } from '../std/json.js';
import { runtimeError } from './errors.js';
import type { CompiledReferencePath } from './jsonpath/index.js';
import { lookUp, pathInMessages } from './resolve.js';
import type { Scope } from './scope.js';

/** A number of a definition: written there, or looked up by its `…Path` twin when the state runs. */
export interface LimitField {
  /** The field's name, without `Path`. */
  name: string;
  value: number | CompiledReferencePath;
  type: 'integer' | 'float';
}

/** The number. Throws States.Runtime, in AWS's words, if the path finds none. */
export function readLimit(field: LimitField, scope: Scope, input: Json): number {
  if (typeof field.value === 'number') return field.value;
  const path = pathInMessages(field.value);
  const value = lookUp(field.value, scope, input);
  if (value === undefined) {
    throw runtimeError(`The ${field.name}Path parameter does not reference an input value: ${path}`);
  }
  if (typeof value === 'number' && (field.type === 'float' || Number.isInteger(value))) return value;
  const found = typeof value === 'string' ? value : JSON.stringify(value);
  throw runtimeError(
    `The ${field.name}Path field refers to value "${found}" which is not a valid ${field.type}: ${path}`,
  );
}
