import type { Json, JsonObject } from '../std/json.js';
import { getField, isObject } from '../std/json.js';
import type { ChoiceRule, ChoiceTest } from './choice.js';
import { findOperator } from './choice-operators.js';
import { compileJsonataField, compileLeaving } from './compile-template.js';
import type { QueryLanguage } from './definition.js';
import { Fields } from './fields.js';
import { parseReferencePath } from './jsonpath/index.js';
import { parsePattern } from './string-pattern.js';

/** Compiles the Choices of a validated Choice state. */
export function compileChoices(rules: readonly Json[], language: QueryLanguage): ChoiceRule[] {
  return rules.map((rule, index) => {
    const object = needObject(rule);
    const fields = new Fields(object, 'a choice rule');
    const at = `Choices[${String(index)}]`;
    return {
      next: fields.needText('Next'),
      test: language === 'JSONata' ? compileCondition(fields, at) : compileTest(object),
      ...compileLeaving(fields, language, `${at}/`),
    };
  });
}

function compileCondition(fields: Fields, at: string): ChoiceRule['test'] {
  const value = fields.any('Condition');
  if (typeof value === 'boolean') return { kind: 'condition', condition: value };
  return { kind: 'condition', condition: compileJsonataField(fields, 'Condition', `${at}/Condition`) };
}

function compileTest(rule: JsonObject): ChoiceTest {
  for (const [field, kind] of [
    ['And', 'and'],
    ['Or', 'or'],
  ] as const) {
    const parts = getField(rule, field);
    if (Array.isArray(parts)) return { kind, tests: parts.map((part) => compileTest(needObject(part))) };
  }
  const negated = getField(rule, 'Not');
  if (negated !== undefined) return { kind: 'not', test: compileTest(needObject(negated)) };
  return compileComparison(rule);
}

function compileComparison(rule: JsonObject): ChoiceTest {
  const variable = parseReferencePath(new Fields(rule, 'a choice rule').needText('Variable'));
  for (const [field, value] of Object.entries(rule)) {
    const operator = findOperator(field);
    if (operator === undefined) continue;
    switch (operator.kind) {
      case 'type':
        return { kind: 'type', variable, type: operator.type, expected: value === true };
      case 'matches': {
        const pattern = typeof value === 'string' ? parsePattern(value) : undefined;
        if (pattern === undefined) throw new TypeError('StringMatches of a choice rule must be a pattern');
        return { kind: 'matches', variable, pattern };
      }
      case 'compare': {
        const { operands, relation } = operator;
        const expected = operator.byPath
          ? { kind: 'path' as const, path: parseReferencePath(String(value)) }
          : { kind: 'value' as const, value };
        return { kind: 'compare', variable, operands, relation, expected };
      }
    }
  }
  throw new TypeError('a choice rule must have an operator');
}

function needObject(value: Json): JsonObject {
  if (!isObject(value)) throw new TypeError('a choice rule must be an object');
  return value;
}
