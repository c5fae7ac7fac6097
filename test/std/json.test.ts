import { describe, expect, test } from '@jest/globals';
import { getField, isDeeperThan, type Json, sameJson, walkJson, withField } from '../../src/std/json.js';
import { appendPointer } from '../../src/std/pointer.js';

describe('fields', () => {
  test('inherited names are not found', () => {
    expect(getField({}, 'toString')).toBeUndefined();
    expect(getField({}, '__proto__')).toBeUndefined();
  });

  test('a field called __proto__ is set and kept like any other', () => {
    const object = withField({}, '__proto__', 1);
    expect(JSON.stringify(withField(object, 'a', 2))).toBe('{"__proto__":1,"a":2}');
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
  });

  test('withField leaves the original alone', () => {
    const original = { a: 1 };
    expect(withField(original, 'a', 2)).toEqual({ a: 2 });
    expect(original).toEqual({ a: 1 });
  });
});

describe('sameJson', () => {
  test.each<[Json, Json, boolean]>([
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [[1, 2], [2, 1], false],
    [[1], [1, 2], false],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: 1 }, { b: 1 }, false],
    [{}, [], false],
    [null, {}, false],
    ['1', 1, false],
    [{ a: [{ b: null }] }, { a: [{ b: null }] }, true],
  ])('%j and %j: %p', (left, right, expected) => {
    expect(sameJson(left, right)).toBe(expected);
  });
});

test('nesting is measured, walked and compared without recursion', () => {
  const nest = (): Json => {
    let value: Json = [];
    for (let level = 1; level < 100_000; level++) value = [value];
    return value;
  };
  const deep = nest();
  expect(isDeeperThan(deep, 99_999)).toBe(true);
  expect(isDeeperThan(deep, 100_000)).toBe(false);
  expect(sameJson(deep, nest())).toBe(true);
  let visited = 0;
  walkJson([[[1]]], (_value, depth, pointer) => {
    visited++;
    expect(pointer).toBe('/0'.repeat(depth));
    return true;
  });
  expect(visited).toBe(4);
});

test('pointers escape what would divide or escape', () => {
  expect(appendPointer('', 'a/b', 0, '~')).toBe('/a~1b/0/~0');
});
