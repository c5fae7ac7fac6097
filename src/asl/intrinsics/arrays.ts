import type { Json } from '../../std/json.js';
import { isObject, sameJson } from '../../std/json.js';
import { type Intrinsic, IntrinsicFault, roundHalfUp } from './signature.js';

/** AWS's own limit on what ArrayRange may give. */
const MAX_RANGE = 1000;

/** States.Array… (https://states-language.net/spec.html#appendix-b). */
export const ARRAY_INTRINSICS: Record<string, Intrinsic> = {
  'States.Array': { takes: ['any'], variadic: true, run: (args) => [...args] },

  'States.ArrayPartition': {
    takes: ['array', 'number'],
    run: ([array, size]) => partition(array as Json[], roundHalfUp(size as number)),
  },

  'States.ArrayContains': {
    takes: ['array', 'any'],
    deep: true,
    run: ([array, wanted]) => (array as Json[]).some((item) => sameJson(item, wanted as Json)),
  },

  'States.ArrayRange': {
    takes: ['number', 'number', 'number'],
    run: ([first, last, step]) =>
      range(roundHalfUp(first as number), roundHalfUp(last as number), roundHalfUp(step as number)),
  },

  'States.ArrayGetItem': {
    takes: ['array', 'number'],
    run: ([array, index]) => {
      const item =
        Number.isInteger(index) && (index as number) >= 0 ? (array as Json[])[index as number] : undefined;
      if (item !== undefined) return item;
      throw new IntrinsicFault(
        `The index ${String(index)} is out of the range of an array of ${(array as Json[]).length}.`,
      );
    },
  },

  'States.ArrayLength': { takes: ['array'], run: ([array]) => (array as Json[]).length },

  'States.ArrayUnique': { takes: ['array'], deep: true, run: ([array]) => unique(array as Json[]) },
};

function partition(array: Json[], size: number): Json[] {
  if (size < 1) throw new IntrinsicFault(`The chunk size must be a positive integer, but was ${size}.`);
  const chunks: Json[] = [];
  for (let at = 0; at < array.length; at += size) chunks.push(array.slice(at, at + size));
  return chunks;
}

function range(first: number, last: number, step: number): Json[] {
  if (step === 0) throw new IntrinsicFault('The increment of a range must not be zero.');
  const length = Math.max(0, Math.floor((last - first) / step) + 1);
  if (length > MAX_RANGE)
    throw new IntrinsicFault(`A range has at most ${MAX_RANGE} items, but this one has ${length}.`);
  return Array.from({ length }, (_, index) => first + index * step);
}

/** By a set, since to compare each with each takes minutes for a payload of small lists. */
function unique(array: Json[]): Json[] {
  const seen = new Set<Json>();
  const nested = new Set<string>();
  return array.filter((item) => {
    const marks: Set<Json> = typeof item === 'object' && item !== null ? nested : seen;
    const before = marks.size;
    marks.add(typeof item === 'object' && item !== null ? canonicalText(item) : item);
    return marks.size > before;
  });
}

/** The same text for values that are the same JSON, whatever the order of their keys. */
function canonicalText(value: Json): string {
  return JSON.stringify(value, (_key, part: Json) => {
    if (!isObject(part)) return part;
    // A list of pairs, since an object's keys that are numbers always come first.
    return { '': Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)) };
  });
}
