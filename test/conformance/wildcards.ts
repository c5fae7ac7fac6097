/** The places of a recorded answer that a case says are masked, by their JSONPath. */
import { evaluatePath, parsePath } from '../../src/asl/jsonpath/index.js';
import { isObject, type Json } from '../../src/std/json.js';
import { ANYTHING } from './placeholders.js';

export interface Wildcard {
  /** Into the recorded answer. */
  path: string;
  /** What the recording has there instead. */
  value: Json;
}

/**
 * The answer with `ANYTHING` where a wildcard's path leads to its mask. A path that cannot be read, or that
 * leads nowhere since it begins above the part that the case holds, masks its text wherever that stands.
 */
export function maskWildcards<T extends object>(answer: T, wildcards: readonly Wildcard[]): T {
  // What is recorded is JSON, and masks do not change its shape.
  return wildcards.reduce((masked, wildcard) => maskOne(masked as Json, wildcard) as T, answer);
}

function maskOne(answer: Json, { path, value }: Wildcard): Json {
  const mask = JSON.stringify(value);
  // Each place that could be the mask gets a mark of its own, so that what the path finds says where it was.
  const marks = new Set<Json>();
  const marked = replace(answer, (item) => {
    if (JSON.stringify(item) !== mask) return undefined;
    const mark = `\u0000mark ${String(marks.size)}`;
    marks.add(mark);
    return mark;
  });
  const found = new Set<Json>();
  replace(findAll(path, marked), (item) => {
    if (marks.has(item)) found.add(item);
    return undefined;
  });
  return replace(marked, (item) => {
    if (!marks.has(item)) return undefined;
    return found.size === 0 || found.has(item) ? ANYTHING : value;
  });
}

function findAll(path: string, root: Json): Json[] {
  try {
    const compiled = parsePath(path);
    const found = evaluatePath(compiled, root);
    return found === undefined ? [] : [found];
  } catch {
    // A path in a dialect that ours does not know.
    return [];
  }
}

/** A copy in which everything that `change` has an answer for is replaced by it, from the outside in. */
function replace(value: Json, change: (value: Json) => Json | undefined): Json {
  const changed = change(value);
  if (changed !== undefined) return changed;
  if (Array.isArray(value)) return value.map((item) => replace(item, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replace(item, change)]));
}
