import type { Json } from '../../std/json.js';
import { isObject } from '../../std/json.js';

/** A function at the end of a path, `$.items.length()`. Gets the value, or the list of an indefinite path. */
export type PathFunction = (value: Json) => Json | undefined;

/** The path functions of Jayway's JsonPath, which is what AWS reads paths with, that need no argument. */
export function findPathFunction(name: string): PathFunction | undefined {
  return FUNCTIONS.get(name);
}

const FUNCTIONS: ReadonlyMap<string, PathFunction> = new Map<string, PathFunction>([
  [
    'length',
    (value) =>
      Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : undefined,
  ],
  [
    'size',
    (value) =>
      Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : undefined,
  ],
  ['keys', (value) => (isObject(value) ? Object.keys(value) : undefined)],
  ['first', (value) => (Array.isArray(value) ? value[0] : undefined)],
  ['last', (value) => (Array.isArray(value) ? value.at(-1) : undefined)],
  ['min', ofNumbers((numbers) => numbers.reduce((a, b) => Math.min(a, b)))],
  ['max', ofNumbers((numbers) => numbers.reduce((a, b) => Math.max(a, b)))],
  ['sum', ofNumbers(sum)],
  ['avg', ofNumbers((numbers) => sum(numbers) / numbers.length)],
  ['stddev', ofNumbers(standardDeviation)],
]);

function ofNumbers(compute: (numbers: number[]) => number): PathFunction {
  return (value) => {
    if (!Array.isArray(value)) return undefined;
    const numbers = value.filter((item) => typeof item === 'number');
    const result = numbers.length === 0 ? undefined : compute(numbers);
    // JSON has no infinite numbers: as text they would be null.
    return Number.isFinite(result) ? result : undefined;
  };
}

function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function standardDeviation(numbers: number[]): number {
  const mean = sum(numbers) / numbers.length;
  return Math.sqrt(sum(numbers.map((n) => (n - mean) ** 2)) / numbers.length);
}
