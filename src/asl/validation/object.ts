import type { Json, JsonObject } from '../../std/json.js';
import { getField } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { Check } from './checks.js';
import type { Complaints } from './complaints.js';

/** Which fields an object may have, and how each is checked. */
export type Schema = Readonly<Record<string, Check>>;

/**
 * Checks every field by its schema. Of a field that is not in it AWS complains at the object, in these
 * words.
 */
export function checkFields(
  object: JsonObject,
  schema: Schema,
  pointer: string,
  complaints: Complaints,
): void {
  for (const [name, value] of Object.entries(object)) {
    const check = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (check !== undefined) check(value, appendPointer(pointer, name), complaints);
    else complaints.schema(pointer, `Field '${name}' is not supported`);
  }
}

export function checkRequired(
  object: JsonObject,
  names: readonly string[],
  pointer: string,
  complaints: Complaints,
): void {
  const missing = names.filter((name) => !Object.hasOwn(object, name));
  if (missing.length > 0) complaints.schema(pointer, `These fields are required: [${missing.join(', ')}]`);
}

/** Complains of two fields that say the same in two ways, in AWS's words. */
export function checkExclusive(
  object: JsonObject,
  names: readonly string[],
  pointer: string,
  complaints: Complaints,
): void {
  if (presentFields(object, names).length > 1) complaints.schema(pointer, onlyOneOf(names));
}

export function checkExactlyOne(
  object: JsonObject,
  names: readonly string[],
  pointer: string,
  complaints: Complaints,
): void {
  const present = presentFields(object, names);
  if (present.length > 1) complaints.schema(pointer, onlyOneOf(names));
  if (present.length === 0)
    complaints.schema(pointer, `Expected exactly one of [${names.join(', ')}], found none.`);
}

function onlyOneOf(names: readonly string[]): string {
  return `There should only be one of the following fields: [${names.join(', ')}]`;
}

export function fieldOf(object: JsonObject, name: string): Json | undefined {
  return getField(object, name);
}

function presentFields(object: JsonObject, names: readonly string[]): string[] {
  return names.filter((name) => Object.hasOwn(object, name));
}
