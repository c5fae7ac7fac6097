import type { Json } from '../std/json.js';
import { compareTimestamps, parseTimestamp, type Timestamp } from '../std/timestamp.js';
import type { ChoiceState } from './definition.js';
import { runtimeError, StatesError } from './errors.js';
import type { CompiledReferencePath } from './jsonpath/index.js';
import { lookUp, pathInMessages } from './resolve.js';
import type { Scope } from './scope.js';
import { matchesPattern, type StringPattern } from './string-pattern.js';

/** One rule of a Choice, compiled (https://states-language.net/spec.html#choice-state). */
export interface ChoiceRule {
  next: string;
  test: ChoiceTest;
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

/** The state that the first rule that holds leads to, or Default. Throws States.NoChoiceMatched when there is neither. */
export function chooseNext(state: ChoiceState, scope: Scope, input: Json): string {
  const rule = state.choices.find((candidate) => holds(candidate.test, scope, input));
  const next = rule?.next ?? state.default;
  if (next !== undefined) return next;
  throw new StatesError(
    'States.NoChoiceMatched',
    'Failed to transition out of the state. The state does not point to a next state.',
  );
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
