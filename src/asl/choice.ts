import type { Json } from '../std/json.js';
import { after, type Maybe } from '../std/maybe.js';
import { compareTimestamps, parseTimestamp, type Timestamp } from '../std/timestamp.js';
import { type Completion, completionOf, evaluateBoth } from './dataflow.js';
import type { ChoiceState, JsonataExpression, Leaving } from './definition.js';
import { runtimeError } from './errors.js';
import { evaluateBoolean } from './jsonata/value.js';
import type { CompiledReferencePath } from './jsonpath/index.js';
import { lookUp, pathInMessages } from './resolve.js';
import type { Scope } from './scope.js';
import { matchesPattern, type StringPattern } from './string-pattern.js';

/** One rule of a Choice, compiled (https://states-language.net/spec.html#choice-state). */
export interface ChoiceRule extends Leaving {
  next: string;
  test: ChoiceTest | { kind: 'condition'; condition: boolean | JsonataExpression };
}

export type ChoiceTest =
  | { kind: 'and' | 'or'; tests: readonly ChoiceTest[] }
  | { kind: 'not'; test: ChoiceTest }
  | { kind: 'type'; variable: CompiledReferencePath; type: TypeTest; expected: boolean }
  | { kind: 'matches'; variable: CompiledReferencePath; pattern: StringPattern }
  | {
      kind: 'compare';
      variable: CompiledReferencePath;
      operands: OperandType;
      relation: Relation;
      /** What the operator names, or where its `…Path` twin finds it. */
      expected: { kind: 'value'; value: Json } | { kind: 'path'; path: CompiledReferencePath };
    };

export type TypeTest = 'IsNull' | 'IsPresent' | 'IsNumeric' | 'IsString' | 'IsBoolean' | 'IsTimestamp';
export type OperandType = 'String' | 'Numeric' | 'Boolean' | 'Timestamp';
export type Relation = 'Equals' | 'LessThan' | 'GreaterThan' | 'LessThanEquals' | 'GreaterThanEquals';

/** Where a Choice leads, and by which rule; without a rule: to Default. */
export interface Chosen {
  next: string;
  rule: ChoiceRule | undefined;
}

/** The first rule that holds, or Default. Throws States.Runtime when there is neither. */
export function choose(state: ChoiceState, scope: Scope, input: Json): Maybe<Chosen> {
  return chooseFrom(state, 0, scope, input);
}

function chooseFrom(state: ChoiceState, from: number, scope: Scope, input: Json): Maybe<Chosen> {
  for (let at = from; ; at += 1) {
    const rule = state.choices[at];
    if (rule === undefined) return byDefault(state);
    const { test } = rule;
    if (test.kind !== 'condition') {
      if (holds(test, scope, input)) return { next: rule.next, rule };
    } else if (typeof test.condition === 'boolean') {
      if (test.condition) return { next: rule.next, rule };
    } else {
      return after(evaluateBoolean(test.condition, scope), (fits) =>
        fits ? { next: rule.next, rule } : chooseFrom(state, at + 1, scope, input),
      );
    }
  }
}

function byDefault(state: ChoiceState): Chosen {
  if (state.default !== undefined) return { next: state.default, rule: undefined };
  // The specification calls this States.NoChoiceMatched; AWS fails with States.Runtime, which nothing catches.
  throw runtimeError('Failed to transition out of the state. The state does not point to a next state.');
}

/** The output and variables of a Choice that has chosen: the rule's own, or by Default the state's. */
export function choiceCompletion(
  state: ChoiceState,
  scope: Scope,
  input: Json,
  { rule }: Chosen,
): Maybe<Completion> {
  const leaving = rule ?? state;
  if (state.language === 'JSONata') return evaluateBoth(leaving, scope, input, {});
  return completionOf(state, scope, input, leaving.assign);
}

function holds(test: ChoiceTest, scope: Scope, input: Json): boolean {
  switch (test.kind) {
    case 'and':
      return test.tests.every((part) => holds(part, scope, input));
    case 'or':
      return test.tests.some((part) => holds(part, scope, input));
    case 'not':
      return !holds(test.test, scope, input);
    case 'type':
      return isOfType(test.type, variableOf(test, scope, input)) === test.expected;
    case 'matches': {
      const value = required(test.variable, scope, input);
      return typeof value === 'string' && matchesPattern(test.pattern, value);
    }
    case 'compare': {
      const value = required(test.variable, scope, input);
      const { expected } = test;
      const other = expected.kind === 'value' ? expected.value : required(expected.path, scope, input);
      const order = compareAs(test.operands, value, other);
      return order !== undefined && fits(test.relation, order);
    }
  }
}

function variableOf(test: ChoiceTest & { kind: 'type' }, scope: Scope, input: Json): Json | undefined {
  return test.type === 'IsPresent'
    ? lookUp(test.variable, scope, input)
    : required(test.variable, scope, input);
}

/** Only IsPresent may ask for what is not there. */
function required(path: CompiledReferencePath, scope: Scope, input: Json): Json {
  const value = lookUp(path, scope, input);
  if (value !== undefined) return value;
  throw runtimeError(
    `Invalid path '${pathInMessages(path)}': The choice state's condition path references an invalid value.`,
  );
}

function isOfType(type: TypeTest, value: Json | undefined): boolean {
  switch (type) {
    case 'IsPresent':
      return value !== undefined;
    case 'IsNull':
      return value === null;
    case 'IsNumeric':
      return typeof value === 'number';
    case 'IsString':
      return typeof value === 'string';
    case 'IsBoolean':
      return typeof value === 'boolean';
    case 'IsTimestamp':
      return typeof value === 'string' && parseTimestamp(value) !== undefined;
  }
}

/** Negative, zero or positive; undefined when one of the two is not of the operator's type: then nothing holds. */
function compareAs(operands: OperandType, left: Json, right: Json): number | undefined {
  switch (operands) {
    case 'Numeric':
      return typeof left === 'number' && typeof right === 'number' ? left - right : undefined;
    case 'Boolean':
      return typeof left === 'boolean' && typeof right === 'boolean'
        ? Number(left) - Number(right)
        : undefined;
    case 'String':
      // By UTF-16 code units, as Java compares and AWS with it.
      if (typeof left !== 'string' || typeof right !== 'string') return undefined;
      return left < right ? -1 : left > right ? 1 : 0;
    case 'Timestamp': {
      const [a, b] = [timestampOf(left), timestampOf(right)];
      return a === undefined || b === undefined ? undefined : compareTimestamps(a, b);
    }
  }
}

function timestampOf(value: Json): Timestamp | undefined {
  return typeof value === 'string' ? parseTimestamp(value) : undefined;
}

function fits(relation: Relation, order: number): boolean {
  switch (relation) {
    case 'Equals':
      return order === 0;
    case 'LessThan':
      return order < 0;
    case 'GreaterThan':
      return order > 0;
    case 'LessThanEquals':
      return order <= 0;
    case 'GreaterThanEquals':
      return order >= 0;
  }
}
