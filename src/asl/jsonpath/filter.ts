import type { Json } from '../../std/json.js';
import { isObject, sameJson } from '../../std/json.js';
import { type Effort, spend, workOf } from '../work.js';
import { evaluateSteps } from './evaluate.js';
import { readQuoted, readSteps } from './parse.js';
import type { Step } from './path.js';
import type { Reader } from './reader.js';

/** The condition of `[?( ... )]`. */
export type Filter =
  | { kind: 'and' | 'or'; parts: readonly Filter[] }
  | { kind: 'not'; part: Filter }
  | { kind: 'exists'; operand: Operand }
  | { kind: 'compare'; operator: Operator; left: Operand; right: Operand };

type Operand = { kind: 'literal'; value: Json } | { kind: 'path'; ofItem: boolean; steps: readonly Step[] };

const OPERATORS = [
  '===',
  '!==',
  '==',
  '!=',
  '<=',
  '>=',
  '<',
  '>',
  'nin',
  'in',
  'contains',
  'subsetof',
  'anyof',
  'noneof',
  'size',
  'empty',
] as const;
type Operator = (typeof OPERATORS)[number];

/** Parentheses and negations in one filter; more would only serve to exhaust the stack. */
const MAX_DEPTH = 50;

/** Reads a condition up to the parenthesis that closes it. Throws PathSyntaxError. */
export function parseFilter(reader: Reader, depth = 0): Filter {
  if (depth > MAX_DEPTH) reader.fail(`a filter nests at most ${MAX_DEPTH} deep, found more`);
  return readList(reader, 'or', '||', () => readList(reader, 'and', '&&', () => readTerm(reader, depth)));
}

/** Whether an item passes. `root` is what `$` means inside the filter. */
export function passesFilter(filter: Filter, item: Json, root: Json, effort: Effort): boolean {
  spend(effort, 1);
  switch (filter.kind) {
    case 'and':
      return filter.parts.every((part) => passesFilter(part, item, root, effort));
    case 'or':
      return filter.parts.some((part) => passesFilter(part, item, root, effort));
    case 'not':
      return !passesFilter(filter.part, item, root, effort);
    case 'exists':
      return operandValue(filter.operand, item, root, effort) !== undefined;
    case 'compare':
      return compare(
        filter.operator,
        operandValue(filter.left, item, root, effort),
        operandValue(filter.right, item, root, effort),
        effort,
      );
  }
}

function readList(reader: Reader, kind: 'and' | 'or', sign: string, read: () => Filter): Filter {
  const first = read();
  const parts = [first];
  for (reader.skipSpace(); reader.take(sign); reader.skipSpace()) parts.push(read());
  return parts.length === 1 ? first : { kind, parts };
}

function readTerm(reader: Reader, depth: number): Filter {
  reader.skipSpace();
  if (reader.next === '!' && reader.text.charAt(reader.at + 1) !== '=') {
    reader.take('!');
    if (depth > MAX_DEPTH) reader.fail(`a filter nests at most ${MAX_DEPTH} deep, found more`);
    return { kind: 'not', part: readTerm(reader, depth + 1) };
  }
  if (reader.take('(')) {
    const inner = parseFilter(reader, depth + 1);
    reader.skipSpace();
    reader.expect(')');
    return inner;
  }
  const left = readOperand(reader);
  reader.skipSpace();
  if (reader.next === '=' && reader.text.charAt(reader.at + 1) === '~') {
    reader.fail('regular expressions (=~) are not supported in filters');
  }
  const operator = OPERATORS.find((candidate) => reader.take(candidate));
  if (operator === undefined) return { kind: 'exists', operand: left };
  reader.skipSpace();
  return { kind: 'compare', operator, left, right: readOperand(reader) };
}

function readOperand(reader: Reader): Operand {
  if (reader.take('@')) return { kind: 'path', ofItem: true, steps: readSteps(reader, true) };
  if (reader.take('$')) return { kind: 'path', ofItem: false, steps: readSteps(reader, true) };
  return { kind: 'literal', value: readLiteral(reader) };
}

function readLiteral(reader: Reader): Json {
  if (reader.next === "'" || reader.next === '"') return readQuoted(reader);
  if (reader.next === '[') return readArray(reader);
  const word = reader.match(/true\b|false\b|null\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
  if (word === undefined)
    reader.fail("expected a path ('@' or '$'), a string in quotes, a number, true, false, null or a list");
  return JSON.parse(word) as Json;
}

function readArray(reader: Reader): Json[] {
  reader.expect('[');
  const items: Json[] = [];
  for (reader.skipSpace(); !reader.take(']'); reader.skipSpace()) {
    if (items.length > 0) reader.expect(',');
    reader.skipSpace();
    if (reader.next === '[') reader.fail('a list in a filter holds plain values');
    items.push(readLiteral(reader));
  }
  return items;
}

function operandValue(operand: Operand, item: Json, root: Json, effort: Effort): Json | undefined {
  return operand.kind === 'literal'
    ? operand.value
    : evaluateSteps(operand.steps, operand.ofItem ? item : root, effort);
}

/** Values of different types are unequal and have no order, as in Jayway's JsonPath. */
function compare(
  operator: Operator,
  left: Json | undefined,
  right: Json | undefined,
  effort: Effort,
): boolean {
  switch (operator) {
    case '==':
    case '===':
      return left !== undefined && right !== undefined && isSame(left, right, effort);
    case '!=':
    case '!==':
      return !compare('==', left, right, effort);
    case '<':
      return order(left, right, (a, b) => a < b);
    case '<=':
      return order(left, right, (a, b) => a <= b);
    case '>':
      return order(left, right, (a, b) => a > b);
    case '>=':
      return order(left, right, (a, b) => a >= b);
    case 'in':
      return isMember(left, right, effort);
    case 'nin':
      return !isMember(left, right, effort);
    case 'contains':
      return typeof left === 'string'
        ? typeof right === 'string' && includes(left, right, effort)
        : isMember(right, left, effort);
    case 'subsetof':
      return (
        Array.isArray(left) && Array.isArray(right) && left.every((item) => isMember(item, right, effort))
      );
    case 'anyof':
      return (
        Array.isArray(left) && Array.isArray(right) && left.some((item) => isMember(item, right, effort))
      );
    case 'noneof':
      return (
        Array.isArray(left) && Array.isArray(right) && !left.some((item) => isMember(item, right, effort))
      );
    case 'size':
      return (
        sizeOf(left) !== undefined && sizeOf(left) === (typeof right === 'number' ? right : sizeOf(right))
      );
    case 'empty':
      return sizeOf(left) !== undefined && (sizeOf(left) === 0) === right;
  }
}

function includes(text: string, part: string, effort: Effort): boolean {
  spend(effort, text.length / 64);
  return text.includes(part);
}

function order(
  left: Json | undefined,
  right: Json | undefined,
  holds: (a: number | string, b: number | string) => boolean,
): boolean {
  const comparable =
    (typeof left === 'number' && typeof right === 'number') ||
    (typeof left === 'string' && typeof right === 'string');
  return comparable && holds(left, right);
}

function isMember(item: Json | undefined, list: Json | undefined, effort: Effort): boolean {
  return item !== undefined && Array.isArray(list) && list.some((member) => isSame(member, item, effort));
}

function isSame(left: Json, right: Json, effort: Effort): boolean {
  spend(effort, workOf(left) + workOf(right));
  return sameJson(left, right);
}

function sizeOf(value: Json | undefined): number | undefined {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : undefined;
}
