import { isObject, type Json, type JsonObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { QueryLanguage } from '../definition.js';
import type { Check } from './checks.js';
import { type Complaints, describe } from './complaints.js';
import { fieldOf } from './object.js';

/** AWS's own limit for a variable's name, in characters. */
const MAX_NAME = 80;

/** Letters, digits and underscores of any script, not beginning with a digit (UAX 31), as AWS has it. */
const NAME = /^[\p{ID_Start}_][\p{ID_Continue}]*$/u;

/** Assign: an object of variables, each with a value in the state's language, which `values` checks. */
export function assign(language: QueryLanguage, values: Check): Check {
  return (value, pointer, complaints) => {
    if (!isObject(value)) {
      complaints.schema(pointer, `Expected an object of variables, found ${describe(value)}.`);
      return;
    }
    for (const key of Object.keys(value))
      checkName(nameIn(key, language), appendPointer(pointer, key), complaints);
    values(value, pointer, complaints);
  };
}

/** The variables that the states of one group set themselves, without those of groups inside them. */
export function assignedNames(states: JsonObject): Set<string> {
  const names = new Set<string>();
  for (const state of Object.values(states)) {
    if (!isObject(state)) continue;
    for (const { names: own } of assignsOf(state, '')) for (const name of own.keys()) names.add(name);
  }
  return names;
}

/**
 * Complains of a state that sets a variable of a scope around it: from inside it can only be read
 * (https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html).
 */
export function checkScope(
  state: JsonObject,
  outer: ReadonlySet<string>,
  pointer: string,
  complaints: Complaints,
): void {
  if (outer.size === 0) return;
  for (const { names } of assignsOf(state, pointer)) {
    for (const [name, at] of names) {
      if (!outer.has(name)) continue;
      complaints.schema(
        at,
        `The variable '${name}' is assigned in an outer scope already: choose a different name.`,
      );
    }
  }
}

function checkName(name: string, pointer: string, complaints: Complaints): void {
  if (name === 'states') {
    complaints.schema(pointer, "Expected a name of your own, found 'states', which is reserved.");
  } else if (!NAME.test(name) || name.length > MAX_NAME) {
    complaints.schema(
      pointer,
      `Expected a variable name of 1 to ${MAX_NAME} letters, digits and underscores that does not begin with a digit, found '${name.slice(0, MAX_NAME)}'.`,
    );
  }
}

/** Every Assign of a state: its own, its choice rules', its Catchers'; names with where they stand. */
function assignsOf(state: JsonObject, pointer: string): { names: Map<string, string> }[] {
  const found: { names: Map<string, string> }[] = [];
  const take = (owner: Json, at: string): void => {
    const value = isObject(owner) ? fieldOf(owner, 'Assign') : undefined;
    if (!isObject(value)) return;
    const names = Object.keys(value).map(
      (key) => [key.endsWith('.$') ? key.slice(0, -2) : key, appendPointer(at, 'Assign', key)] as const,
    );
    found.push({ names: new Map(names) });
  };
  take(state, pointer);
  for (const field of ['Choices', 'Catch']) {
    const list = fieldOf(state, field);
    if (!Array.isArray(list)) continue;
    for (const [index, owner] of list.entries()) take(owner, appendPointer(pointer, field, index));
  }
  return found;
}

function nameIn(key: string, language: QueryLanguage): string {
  return language === 'JSONPath' && key.endsWith('.$') ? key.slice(0, -2) : key;
}
