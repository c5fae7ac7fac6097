import type { Json } from '../../std/json.js';
import { getField, isObject, withField } from '../../std/json.js';
import type { CompiledReferencePath } from './path.js';

/**
 * `root` with `value` at the path's place; what is not on the way is shared, not copied. Fields that are
 * missing are made, indexes must exist. Returns undefined when the place cannot be reached: a step meets
 * a value that is neither object nor list (https://states-language.net/spec.html#using-paths).
 */
export function assignAt(path: CompiledReferencePath, root: Json, value: Json): Json | undefined {
  return assignFrom(path.places, 0, root, value);
}

function assignFrom(
  places: readonly (string | number)[],
  at: number,
  node: Json | undefined,
  value: Json,
): Json | undefined {
  const place = places[at];
  if (place === undefined) return value;
  if (typeof place === 'number') {
    if (!Array.isArray(node) || place < 0 || place >= node.length) return undefined;
    const item = assignFrom(places, at + 1, node[place], value);
    return item === undefined ? undefined : node.with(place, item);
  }
  const object = node === undefined ? {} : node;
  if (!isObject(object)) return undefined;
  const child = assignFrom(places, at + 1, getField(object, place), value);
  return child === undefined ? undefined : withField(object, place, child);
}
