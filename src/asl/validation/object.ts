import type { Json, JsonObject } from '../../std/json.js';
import { getField } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { Check } from './checks.js';
import type { Complaints } from './complaints.js';

/** Which fields an object may have, and how each is checked. */
export type Schema = Readonly<Record<string, Check>>;

/** Checks every field by its schema; a field that is not in it is complained of by name. */
export function checkFields(
  object: JsonObject,
  schema: Schema,
  about: { pointer: string; owner: string },
  complaints: Complaints,
): void {
  for (const [name, value] of Object.entries(object)) {
    const check = Object.hasOwn(schema, name) ? schema[name] : undefined;
    const pointer = appendPointer(about.pointer, name);
    if (check !== undefined) {
      check(value, pointer, complaints);
    } else {
      const expected = Object.keys(schema).join(', ');
      complaints.schema(
        pointer,
        `Field '${name}' is not supported in ${about.owner}. Expected only: ${expected}.`,
      );
    }
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

/** Complains of two fields that say the same in two ways. */
export function checkExclusive(
  object: JsonObject,
  names: readonly string[],
  pointer: string,
  complaints: Complaints,
): void {
  const present = presentFields(object, names);
  if (present.length > 1) {
    complaints.schema(
      pointer,
      `Expected at most one of [${names.join(', ')}], found [${present.join(', ')}].`,
    );
  }
}

export function checkExactlyOne(
  object: JsonObject,
  names: readonly string[],
  pointer: string,
  complaints: Complaints,
): void {
  const present = presentFields(object, names);
  if (present.length !== 1) {
    const found = present.length === 0 ? 'none' : `[${present.join(', ')}]`;
    complaints.schema(pointer, `Expected exactly one of [${names.join(', ')}], found ${found}.`);
  }
}

export function fieldOf(object: JsonObject, name: string): Json | undefined {
  return getField(object, name);
}

function presentFields(object: JsonObject, names: readonly string[]): string[] {
  return names.filter((name) => Object.hasOwn(object, name));
}
