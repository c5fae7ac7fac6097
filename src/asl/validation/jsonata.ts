import { isObject, type Json } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import { JsonataSyntaxError, parseJsonata } from '../jsonata/expression.js';
import { unsupportedReferences } from '../jsonata/references.js';
import { expressionIn, isExpression } from '../jsonata/syntax.js';
import { type Check, text } from './checks.js';
import { type Complaints, describe } from './complaints.js';

/** Any value, with expressions at any depth: Arguments, Output, ItemSelector (https://states-language.net/spec.html#jsonata). */
export const jsonataValue: Check = (value, pointer, complaints) => {
  checkValue(value, pointer, complaints, false);
};

/** As jsonataValue, in a Catcher: there is an error output to read. */
export const jsonataValueInCatcher: Check = (value, pointer, complaints) => {
  checkValue(value, pointer, complaints, true);
};

/** An expression, or what the field takes when it is written out. */
export function expressionOr(check: Check): Check {
  return (value, pointer, complaints) => {
    if (isExpression(value)) checkExpression(value, pointer, complaints, false);
    else check(value, pointer, complaints);
  };
}

/** The Condition of a choice rule: an expression, or true or false. */
export const condition: Check = expressionOr((value, pointer, complaints) => {
  if (typeof value !== 'boolean') {
    complaints.schema(pointer, `Expected a JSONata expression {% … %}, found ${describe(value)}.`);
  }
});

export const jsonataText: Check = expressionOr((value, pointer, complaints) => {
  text(value, pointer, complaints);
  if (typeof value === 'string') checkBrackets(value, pointer, complaints);
});

function checkValue(value: Json, pointer: string, complaints: Complaints, inCatcher: boolean): void {
  if (isExpression(value)) checkExpression(value, pointer, complaints, inCatcher);
  else if (typeof value === 'string') checkBrackets(value, pointer, complaints);
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      checkValue(item, appendPointer(pointer, index), complaints, inCatcher);
  } else if (isObject(value)) {
    for (const [name, field] of Object.entries(value))
      checkValue(field, appendPointer(pointer, name), complaints, inCatcher);
  }
}

/** What is opened must be closed; a text that has neither bracket at its very ends is only text. */
function checkBrackets(value: string, pointer: string, complaints: Complaints): void {
  const [opens, closes] = [value.startsWith('{%'), value.endsWith('%}')];
  if (!opens && !closes) return;
  complaints.add(
    'INVALID_JSONATA_EXPRESSION',
    pointer,
    opens
      ? "Expected a text that begins with '{%' to end with '%}'."
      : "Expected a text that ends with '%}' to begin with '{%'.",
  );
}

function checkExpression(value: string, pointer: string, complaints: Complaints, inCatcher: boolean): void {
  try {
    const tree = parseJsonata(expressionIn(value));
    for (const { message } of unsupportedReferences(tree, inCatcher))
      complaints.add('UNSUPPORTED_JSONATA_EXPRESSION', pointer, message);
  } catch (error) {
    if (!(error instanceof JsonataSyntaxError)) throw error;
    complaints.add('INVALID_JSONATA_EXPRESSION', pointer, error.message);
  }
}
