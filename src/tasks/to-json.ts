/**
 * What a handler returned, as JSON: the same value that `JSON.parse(JSON.stringify(value))` gives, made in one walk that
 * stops where the value is surely larger than a state may hand on. So nothing that a handler returns, a Buffer of a
 * gigabyte, a list of a thousand million holes, a value that has no end, costs its worker more than the limit does.
 */
import { MAX_PAYLOAD_BYTES } from '../asl/index.js';
import { type Json, type JsonObject, setField } from '../std/json.js';

export type JsonAnswer =
  | { ok: true; json: Json }
  | { ok: false; tooLarge: true }
  | { ok: false; reason: string };

/** What the engine takes; deeper is too large for it, too. */
const MAX_DEPTH = 1000;

/**
 * A JSON value, or why it is none. Never throws, whatever the value's getters, traps and `toJSON` do; one that does not
 * return keeps it from returning. `undefined` is null, as a function of AWS Lambda that returns nothing.
 */
export function toJson(value: unknown, maxBytes = MAX_PAYLOAD_BYTES): JsonAnswer {
  const walk: Walk = { left: maxBytes, path: [] };
  try {
    const json = convert(walk, '', value);
    if (json !== undefined) return { ok: true, json };
    return value === undefined
      ? { ok: true, json: null }
      : { ok: false, reason: `a ${typeof value} has no JSON form` };
  } catch (error) {
    if (error !== TOO_LARGE) return { ok: false, reason: messageOf(error) };
    const isCyclic = new Set(walk.path).size < walk.path.length;
    return isCyclic ? { ok: false, reason: 'it refers to itself' } : { ok: false, tooLarge: true };
  }
}

/** A copy that shares nothing with the value. Takes what `JSON.parse` may have made, at most MAX_DEPTH deep. */
export function copyJson<T extends Json>(value: T): T;
export function copyJson(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => copyJson(item));
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) setField(copy, key, copyJson(value[key] as Json));
  return copy;
}

interface Walk {
  /** Bytes that the text may still take; each part counts for the least that it can. */
  left: number;
  /** The objects that the walk is inside of. */
  path: object[];
}

const TOO_LARGE = Symbol('too large');

/** undefined: it has no JSON form, and is left out or null, depending on where it stands. */
function convert(walk: Walk, key: string, held: unknown): Json | undefined {
  const value = unwrapped(key, held, walk);
  switch (typeof value) {
    case 'string':
      spend(walk, value.length + 2);
      return value;
    case 'number':
      spend(walk, 1);
      // A minus before zero is lost in JSON.stringify.
      return Number.isFinite(value) ? value + 0 : null;
    case 'boolean':
      spend(walk, 4);
      return value;
    case 'bigint':
      throw new TypeError('a BigInt has no JSON form');
    case 'object':
      if (value !== null) return within(walk, value);
      spend(walk, 4);
      return null;
    default:
      return undefined;
  }
}

/** What stands for the value: its `toJSON`, and of a boxed primitive the primitive. */
function unwrapped(key: string, value: unknown, walk: Walk): unknown {
  let found = value;
  if ((typeof found === 'object' && found !== null) || typeof found === 'bigint') {
    // Bytes have a toJSON, or keys, that take a hundred times their room: each is an item of two bytes at least.
    if (ArrayBuffer.isView(found) && 'length' in found && 2 * Number(found.length) > walk.left)
      throw TOO_LARGE;
    const { toJSON } = found as { toJSON?: unknown };
    if (typeof toJSON === 'function') found = Reflect.apply(toJSON, found, [key]) as unknown;
  }
  if (typeof found !== 'object' || found === null) return found;
  if (found instanceof Number) return Number(found);
  if (found instanceof String) return String(found);
  if (found instanceof Boolean || found instanceof BigInt) return found.valueOf();
  return found;
}

function within(walk: Walk, value: object): Json {
  walk.path.push(value);
  if (walk.path.length > MAX_DEPTH) throw TOO_LARGE;
  // The separators of its items are one fewer than there are items.
  spend(walk, 1);
  const json = Array.isArray(value) ? list(walk, value) : object(walk, value as Record<string, unknown>);
  walk.path.pop();
  return json;
}

function list(walk: Walk, value: readonly unknown[]): Json[] {
  const json: Json[] = [];
  const { length } = value;
  for (let index = 0; index < length; index++) {
    spend(walk, 1);
    json.push(convert(walk, String(index), value[index]) ?? null);
  }
  return json;
}

function object(walk: Walk, value: Record<string, unknown>): JsonObject {
  const json: JsonObject = {};
  for (const key of Object.keys(value)) {
    const item = convert(walk, key, value[key]);
    if (item === undefined) continue;
    spend(walk, key.length + 4);
    setField(json, key, item);
  }
  return json;
}

function spend(walk: Walk, bytes: number): void {
  walk.left -= bytes;
  if (walk.left < 0) throw TOO_LARGE;
}

function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error);
  } catch {
    return 'it throws when it is looked at';
  }
}
