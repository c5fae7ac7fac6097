import { isObject, type Json, type JsonObject, setField } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import { type ChoiceOperator, findOperator } from '../choice-operators.js';
import type { QueryLanguage } from '../definition.js';
import { parsePattern } from '../string-pattern.js';
import { boolean, type Check, nonEmptyArray, number, text, timestamp } from './checks.js';
import { type Complaints, describe } from './complaints.js';
import { condition, jsonataValue } from './jsonata.js';
import { onlyIn } from './language.js';
import { checkFields, checkRequired, type Schema } from './object.js';
import { referencePath } from './paths.js';
import { payloadTemplate } from './template.js';
import { assign } from './variables.js';

/** The Choices of a Choice state (https://states-language.net/spec.html#choice-state). */
export function choices(language: QueryLanguage): Check {
  return (value, pointer, complaints) => {
    nonEmptyArray(value, pointer, complaints);
    if (!Array.isArray(value)) return;
    for (const [index, rule] of value.entries()) {
      const at = appendPointer(pointer, index);
      if (language === 'JSONata') checkConditional(rule, at, complaints);
      else checkRule(rule, at, complaints, true);
    }
  };
}

const CONDITIONAL: Schema = {
  Comment: text,
  Condition: condition,
  Next: text,
  Output: jsonataValue,
  Assign: assign('JSONata', jsonataValue),
};

/** A rule of a JSONata state. */
function checkConditional(rule: Json, pointer: string, complaints: Complaints): void {
  if (!isObject(rule)) {
    complaints.schema(pointer, `Expected a choice rule, an object, found ${describe(rule)}.`);
    return;
  }
  checkRequired(rule, ['Condition', 'Next'], pointer, complaints);
  const own: JsonObject = {};
  for (const [field, value] of Object.entries(rule)) {
    const jsonPath = field === 'Variable' || COMBINATIONS.has(field) || findOperator(field) !== undefined;
    if (jsonPath) onlyIn('JSONPath')(value, appendPointer(pointer, field), complaints);
    else setField(own, field, value);
  }
  checkFields(own, CONDITIONAL, pointer, complaints);
}

const COMBINATIONS: ReadonlySet<string> = new Set(['And', 'Or', 'Not']);
const assignInRule = assign('JSONPath', payloadTemplate);

function checkRule(rule: Json, pointer: string, complaints: Complaints, top: boolean): void {
  if (!isObject(rule)) {
    complaints.schema(pointer, `Expected a choice rule, an object, found ${describe(rule)}.`);
    return;
  }
  if (top && !Object.hasOwn(rule, 'Next')) complaints.schema(pointer, 'These fields are required: [Next]');
  const said: string[] = [];
  for (const [field, value] of Object.entries(rule)) {
    const at = appendPointer(pointer, field);
    const operator = findOperator(field);
    if (operator !== undefined) {
      said.push(field);
      checkOf(operator)(value, at, complaints);
    } else if (field === 'And' || field === 'Or' || field === 'Not') {
      said.push(field);
      checkCombined(field, value, at, complaints);
    } else {
      checkOther(field, value, at, complaints, top);
    }
  }
  checkShape(rule, said, pointer, complaints);
}

function checkCombined(field: string, value: Json, pointer: string, complaints: Complaints): void {
  if (field === 'Not') {
    checkRule(value, pointer, complaints, false);
    return;
  }
  nonEmptyArray(value, pointer, complaints);
  if (!Array.isArray(value)) return;
  for (const [index, part] of value.entries())
    checkRule(part, appendPointer(pointer, index), complaints, false);
}

function checkOther(field: string, value: Json, pointer: string, complaints: Complaints, top: boolean): void {
  if (field === 'Variable') referencePath(value, pointer, complaints);
  else if (field === 'Comment') text(value, pointer, complaints);
  else if (field === 'Next' && top) text(value, pointer, complaints);
  else if (field === 'Next')
    complaints.schema(
      pointer,
      "Field 'Next' is not supported in a nested rule, only in the rule that contains it.",
    );
  else if (field === 'Assign' && top) assignInRule(value, pointer, complaints);
  else if (field === 'Condition' || field === 'Output') onlyIn('JSONata')(value, pointer, complaints);
  else
    complaints.schema(
      pointer,
      `Field '${field}' is not supported in a choice rule. Expected Variable and a comparison operator, or And, Or, Not.`,
    );
}

/** One comparison of one Variable, or one And, Or, Not without a Variable. */
function checkShape(
  rule: JsonObject,
  said: readonly string[],
  pointer: string,
  complaints: Complaints,
): void {
  if (Object.hasOwn(rule, 'Condition')) return;
  if (said.length !== 1) {
    const found = said.length === 0 ? 'none' : `[${said.join(', ')}]`;
    complaints.schema(pointer, `Expected exactly one comparison operator or And, Or, Not, found ${found}.`);
    return;
  }
  const combines = said[0] === 'And' || said[0] === 'Or' || said[0] === 'Not';
  if (combines && Object.hasOwn(rule, 'Variable')) {
    complaints.schema(
      appendPointer(pointer, 'Variable'),
      `Field 'Variable' is not supported beside ${said[0]}.`,
    );
  }
  if (!combines && !Object.hasOwn(rule, 'Variable'))
    complaints.schema(pointer, 'These fields are required: [Variable]');
}

function checkOf(operator: ChoiceOperator): Check {
  if (operator.kind === 'type') return boolean;
  if (operator.kind === 'matches') return pattern;
  if (operator.byPath) return referencePath;
  switch (operator.operands) {
    case 'String':
      return text;
    case 'Numeric':
      return number;
    case 'Boolean':
      return boolean;
    case 'Timestamp':
      return timestamp;
  }
}

const pattern: Check = (value, pointer, complaints) => {
  text(value, pointer, complaints);
  if (typeof value === 'string' && parsePattern(value) === undefined) {
    complaints.schema(
      pointer,
      `Expected a pattern in which a backslash stands only before * or another backslash, found ${describe(value)}.`,
    );
  }
};
