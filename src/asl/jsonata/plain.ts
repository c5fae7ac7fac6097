import { type Json, type JsonObject, setField } from '../../std/json.js';

/** The value is a function, or has one in it. */
export class NotJson extends Error {
  override readonly name = 'NotJson';
}

/** The value is larger than any state may hand on, or nested deeper. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

/** A payload holds 256 KiB, and every value in it takes a byte: far more than this is no payload. */
const MAX_VALUES = 2 ** 21;
/** As deep as the engine turns values into text (`MAX_DEPTH` of engine/payload). */
const MAX_DEPTH = 1000;

/**
 * What an evaluation has given, as plain JSON: sequences without their marks, objects with a prototype,
 * nothing shared with the evaluation. Infinity and NaN become text, as AWS answers.
 * @throws NotJson for functions; TooLarge, so that values that share parts many times over end here.
 */
export function toPlain(value: unknown, budget = newBudget()): Json {
  return convert(value, 0, budget);
}

/** How many values may still be made. */
export interface Budget {
  left: number;
}

/** For all that one state makes at a time: each of its expressions may give the whole input. */
export function newBudget(): Budget {
  return { left: MAX_VALUES };
}

function convert(value: unknown, depth: number, budget: Budget): Json {
  budget.left -= 1;
  if (budget.left < 0 || depth > MAX_DEPTH) throw new TooLarge();
  switch (typeof value) {
    case 'string':
      budget.left -= value.length / 8;
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'boolean':
      return value;
    case 'object':
      break;
    default:
      throw new NotJson();
  }
  if (value === null) return null;
  if (Array.isArray(value)) return convertList(value, depth, budget);
  if (isFunctionObject(value)) throw new NotJson();
  const plain: JsonObject = {};
  for (const key of Object.keys(value)) {
    const field: unknown = (value as Record<string, unknown>)[key];
    if (field !== undefined) setField(plain, key, convert(field, depth + 1, budget));
  }
  return plain;
}

function convertList(list: readonly unknown[], depth: number, budget: Budget): Json[] {
  const plain: Json[] = [];
  for (const item of list) if (item !== undefined) plain.push(convert(item, depth + 1, budget));
  return plain;
}

/** The library's functions are objects with these marks, which its expressions cannot set. */
function isFunctionObject(value: object): boolean {
  return '_jsonata_lambda' in value || '_jsonata_function' in value;
}
