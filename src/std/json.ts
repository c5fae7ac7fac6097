import { appendPointer } from './pointer.js';

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A JSON object. */
export type JsonObject = { [key: string]: Json };

/** Whether a JSON value is an object (neither null nor an array). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of an object's own field; undefined when it has none, so that `toString` or `__proto__` are never found. */
export function getField(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets a field of an object that the caller made, also one called `__proto__`, which plain assignment loses. */
export function setField(object: JsonObject, key: string, value: Json): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

/** A copy of an object with one field replaced or added. The other values are shared, not copied. */
export function withField(object: JsonObject, key: string, value: Json): JsonObject {
  const copy = { ...object };
  setField(copy, key, value);
  return copy;
}

/** Whether two values are the same JSON: the order of keys does not matter, the order of items does. */
export function sameJson(left: Json, right: Json): boolean {
  const pairs: [Json, Json][] = [[left, right]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [a, b] = pair;
    if (a === b) continue;
    if (Array.isArray(a) && Array.isArray(b)) {
      if (a.length !== b.length) return false;
      for (const [index, item] of a.entries()) pairs.push([item, b[index] as Json]);
    } else if (isObject(a) && isObject(b)) {
      const keys = Object.keys(a);
      if (keys.length !== Object.keys(b).length) return false;
      for (const key of keys) {
        const other = getField(b, key);
        if (other === undefined) return false;
        pairs.push([a[key] as Json, other]);
      }
    } else {
      return false;
    }
  }
  return true;
}

/**
 * Visits every value below and including `root`, parents first, without recursion, so that no nesting
 * is too deep for it. `visit` gets the value, its depth (0 for the root) and its JSON Pointer;
 * it stops the walk by returning false.
 */
export function walkJson(
  root: unknown,
  visit: (value: unknown, depth: number, pointer: string) => boolean,
): void {
  const stack: [unknown, number, string][] = [[root, 0, '']];
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const [value, depth, pointer] = entry;
    if (!visit(value, depth, pointer)) return;
    if (typeof value !== 'object' || value === null) continue;
    const children = Object.entries(value);
    for (let index = children.length - 1; index >= 0; index--) {
      const [key, child] = children[index] as [string, unknown];
      stack.push([child, depth + 1, appendPointer(pointer, key)]);
    }
  }
}

/** Whether a value nests deeper than `limit` levels of arrays and objects. */
export function isDeeperThan(root: unknown, limit: number): boolean {
  const stack: [unknown, number][] = [[root, 0]];
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const [value, depth] = entry;
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= limit) return true;
    for (const child of Object.values(value)) stack.push([child, depth + 1]);
  }
  return false;
}
