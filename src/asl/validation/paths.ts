import type { Json } from '../../std/json.js';
import { type CompiledExpression, parseExpression } from '../expression.js';
import {
  type CompiledReferencePath,
  PathSyntaxError,
  parsePath,
  parseReferencePath,
} from '../jsonpath/index.js';
import type { Check } from './checks.js';
import { type Complaints, describe } from './complaints.js';

/** `$.a.b`, `$$.Execution.Id`: any JSONPath. */
export const path: Check = (value, pointer, complaints) => {
  parseText(value, pointer, complaints, 'a valid JSONPath', parsePath);
};

/** Fields and indexes only, since it must mean exactly one place. */
export const referencePath: Check = (value, pointer, complaints) => {
  parseText(value, pointer, complaints, 'a valid Reference Path', parseReferencePath);
};

/** A place where a number of a Map stands: in its input or in a variable, says AWS, not in the context object. */
export const numberPath: Check = (value, pointer, complaints) => {
  const parsed = parseText(value, pointer, complaints, 'a valid Reference Path', parseReferencePath);
  if (parsed?.ofContext === true) complaints.schema(pointer, 'Value is not a Reference Path');
};

/** InputPath and OutputPath: a path, or null for `{}`. */
export const pathOrNull: Check = (value, pointer, complaints) => {
  if (value !== null) path(value, pointer, complaints);
};

/** ResultPath: a place in the raw input, or null to discard the result. */
export const resultPath: Check = (value, pointer, complaints) => {
  if (value === null) return;
  const expected = 'a valid Reference Path into the input';
  const parsed = parseText(value, pointer, complaints, expected, parseReferencePath);
  if (parsed !== undefined) checkPlace(parsed, pointer, complaints);
};

/** ErrorPath and CausePath: a Reference Path, or a function whose result is a string. */
export const textExpression: Check = (value, pointer, complaints) => {
  const parsed = parseText(
    value,
    pointer,
    complaints,
    'a valid JSONPath or intrinsic function call',
    parseExpression,
  );
  if (parsed?.kind === 'call' && !GIVES_TEXT.has(parsed.name)) {
    complaints.schema(
      pointer,
      `Expected one of the functions ${[...GIVES_TEXT].join(', ')}, found ${parsed.name}.`,
    );
  }
  if (parsed?.kind === 'path' && !parsed.path.definite) {
    complaints.add(
      'INVALID_JSON_PATH',
      pointer,
      `Expected a path to one value, found '${parsed.path.text}', which means a list.`,
    );
  }
};

/** What a `.$` field may hold. The complaint is about the object that has the field, as AWS's is. */
export function checkExpression(
  field: string,
  value: Json,
  pointer: string,
  complaints: Complaints,
): CompiledExpression | undefined {
  if (typeof value !== 'string') {
    complaints.schema(
      pointer,
      `The value for the field '${field}' must be a STRING that contains a JSONPath or an intrinsic function call, found ${describe(value)}.`,
    );
    return undefined;
  }
  try {
    return parseExpression(value);
  } catch (error) {
    if (!(error instanceof PathSyntaxError)) throw error;
    complaints.schema(
      pointer,
      `The value for the field '${field}' must be a valid JSONPath or a valid intrinsic function call`,
    );
    return undefined;
  }
}

/** The functions that give a string (https://docs.aws.amazon.com/step-functions/latest/dg/state-fail.html). */
const GIVES_TEXT: ReadonlySet<string> = new Set([
  'States.Format',
  'States.JsonToString',
  'States.ArrayGetItem',
  'States.Base64Encode',
  'States.Base64Decode',
  'States.Hash',
  'States.UUID',
]);

function parseText<T>(
  value: Json,
  pointer: string,
  complaints: Complaints,
  expected: string,
  parse: (text: string) => T,
): T | undefined {
  if (typeof value !== 'string') {
    complaints.schema(pointer, `Expected ${expected}, found ${describe(value)}.`);
    return undefined;
  }
  try {
    return parse(value);
  } catch (error) {
    if (!(error instanceof PathSyntaxError)) throw error;
    complaints.add('INVALID_JSON_PATH', pointer, `Expected ${expected}, found '${value}': ${error.message}.`);
    return undefined;
  }
}

function checkPlace(parsed: CompiledReferencePath, pointer: string, complaints: Complaints): void {
  if (parsed.ofContext) {
    complaints.add(
      'INVALID_JSON_PATH',
      pointer,
      `Expected a path into the input, found '${parsed.text}' into the context object, which is read-only.`,
    );
  }
  if (parsed.variable !== undefined) {
    complaints.add(
      'INVALID_JSON_PATH',
      pointer,
      `Expected a path into the input, found '${parsed.text}' into a variable, which only Assign sets.`,
    );
  }
  if (parsed.places.some((place) => typeof place === 'number' && place < 0)) {
    complaints.add('INVALID_JSON_PATH', pointer, `Expected indexes from 0, found '${parsed.text}'.`);
  }
}
