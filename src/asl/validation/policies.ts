import type { Json } from '../../std/json.js';
import { isObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { QueryLanguage } from '../definition.js';
import { isReservedError } from '../error-names.js';
import { type Check, integer, numberBetween, oneOf, text } from './checks.js';
import { type Complaints, describe } from './complaints.js';
import { jsonataValueInCatcher } from './jsonata.js';
import { onlyIn } from './language.js';
import { checkFields, checkRequired, type Schema } from './object.js';
import { resultPath } from './paths.js';
import { payloadTemplate } from './template.js';
import { assign } from './variables.js';

/** Retry: a list of Retriers (https://states-language.net/spec.html#errors). */
export const retry: Check = (value, pointer, complaints) =>
  checkPolicies('Retrier', RETRIER, ['ErrorEquals'], value, pointer, complaints);

/** Catch: a list of Catchers. */
export function catchers(language: QueryLanguage): Check {
  return (value, pointer, complaints) =>
    checkPolicies('Catcher', CATCHERS[language], ['ErrorEquals', 'Next'], value, pointer, complaints);
}

const errorEquals: Check = (value, pointer, complaints) => {
  if (!Array.isArray(value)) {
    complaints.schema(pointer, `Expected an array of error names, found ${describe(value)}.`);
    return;
  }
  if (value.length === 0) complaints.schema(pointer, 'Value cannot be empty');
  for (const [index, name] of value.entries())
    checkErrorName(name, appendPointer(pointer, index), complaints);
  if (value.length > 1 && value.includes('States.ALL')) {
    complaints.schema(pointer, `Expected States.ALL to stand alone, found ${value.length} error names.`);
  }
};

/** AWS takes a MaxDelaySeconds of less than a leap year, and up to 99,999,999 of everything else. */
const RETRIER: Schema = {
  Comment: text,
  ErrorEquals: errorEquals,
  IntervalSeconds: integer(1, 99_999_999),
  MaxAttempts: integer(0, 99_999_999),
  BackoffRate: numberBetween(1, Number.MAX_VALUE),
  MaxDelaySeconds: integer(1, 31_622_399),
  JitterStrategy: oneOf('FULL', 'NONE'),
};

const CATCHER: Schema = { Comment: text, ErrorEquals: errorEquals, Next: text };

const CATCHERS: Readonly<Record<QueryLanguage, Schema>> = {
  JSONPath: {
    ...CATCHER,
    ResultPath: resultPath,
    Assign: assign('JSONPath', payloadTemplate),
    Output: onlyIn('JSONata'),
  },
  JSONata: {
    ...CATCHER,
    Assign: assign('JSONata', jsonataValueInCatcher),
    Output: jsonataValueInCatcher,
    ResultPath: onlyIn('JSONPath'),
  },
};

function checkPolicies(
  kind: string,
  schema: Schema,
  needed: readonly string[],
  value: Json,
  pointer: string,
  complaints: Complaints,
): void {
  if (!Array.isArray(value)) {
    complaints.schema(pointer, `Expected an array of ${kind}s, found ${describe(value)}.`);
    return;
  }
  for (const [index, policy] of value.entries()) {
    const at = appendPointer(pointer, index);
    if (!isObject(policy)) {
      complaints.schema(at, `Expected a ${kind}, an object, found ${describe(policy)}.`);
      continue;
    }
    checkRequired(policy, needed, at, complaints);
    checkFields(policy, schema, at, complaints);
    const names = policy['ErrorEquals'];
    if (Array.isArray(names) && names.includes('States.ALL') && index < value.length - 1) {
      complaints.schema(
        appendPointer(at, 'ErrorEquals'),
        `Expected States.ALL in the last ${kind}, found it in number ${index + 1} of ${value.length}.`,
      );
    }
  }
}

function checkErrorName(name: Json, pointer: string, complaints: Complaints): void {
  text(name, pointer, complaints);
  if (typeof name === 'string' && name.startsWith('States.') && !isReservedError(name)) {
    complaints.warn(
      'UNKNOWN_ERROR_NAME',
      pointer,
      `No error is called '${name}'; names that begin with States. are reserved.`,
    );
  }
}
