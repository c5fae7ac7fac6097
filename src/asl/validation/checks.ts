import type { Json } from '../../std/json.js';
import { parseTimestamp } from '../../std/timestamp.js';
import { type Complaints, describe } from './complaints.js';

/** Looks at the value of one field and complains about it. */
export type Check = (value: Json, pointer: string, complaints: Complaints) => void;

export const anything: Check = () => {};

export const text: Check = (value, pointer, complaints) => {
  if (typeof value !== 'string') complaints.schema(pointer, `Expected a string, found ${describe(value)}.`);
};

/** A text that says something. */
export const name: Check = (value, pointer, complaints) => {
  text(value, pointer, complaints);
  if (value === '') complaints.schema(pointer, 'Value cannot be empty');
};

export const boolean: Check = (value, pointer, complaints) => {
  if (typeof value !== 'boolean')
    complaints.schema(pointer, `Expected true or false, found ${describe(value)}.`);
};

export const number: Check = (value, pointer, complaints) => {
  if (typeof value !== 'number') complaints.schema(pointer, `Expected a number, found ${describe(value)}.`);
};

/** A literal of the list, in AWS's words. */
export function oneOf(...allowed: readonly string[]): Check {
  return (value, pointer, complaints) => {
    if (typeof value === 'string' && allowed.includes(value)) return;
    const field = pointer.slice(pointer.lastIndexOf('/') + 1);
    complaints.schema(
      pointer,
      `The field '${field}' should have one of these values: [${allowed.join(', ')}]`,
    );
  };
}

/** An integer in a range; of one outside it AWS says which end it has passed. */
export function integer(least: number, most: number): Check {
  return (value, pointer, complaints) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      complaints.schema(pointer, `Expected an integer from ${least} to ${most}, found ${describe(value)}.`);
    } else if (value < least) complaints.schema(pointer, `Minimum value is ${least}`);
    else if (value > most) complaints.schema(pointer, `Maximum value is ${most}`);
  };
}

export function numberBetween(least: number, most: number): Check {
  return (value, pointer, complaints) => {
    if (typeof value !== 'number') {
      complaints.schema(pointer, `Expected a number from ${least} to ${most}, found ${describe(value)}.`);
    } else if (value < least) complaints.schema(pointer, `Minimum value is ${least.toFixed(1)}`);
    else if (value > most) complaints.schema(pointer, `Maximum value is ${most.toFixed(1)}`);
  };
}

export const timestamp: Check = (value, pointer, complaints) => {
  if (typeof value !== 'string' || parseTimestamp(value) === undefined) {
    complaints.schema(pointer, 'String does not match RFC3339 timestamp');
  }
};

export const nonEmptyArray: Check = (value, pointer, complaints) => {
  if (!Array.isArray(value)) complaints.schema(pointer, `Expected an array, found ${describe(value)}.`);
  else if (value.length === 0) complaints.schema(pointer, 'Value cannot be empty');
};
