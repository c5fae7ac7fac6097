import type { JsonObject } from '../std/json.js';
import { getField, isObject, walkJson } from '../std/json.js';

/** AWS's own limit for a label, in characters. */
export const MAX_LABEL = 40;

/** The labels that a definition's Map states have been given. */
export function givenLabels(definition: JsonObject): Set<string> {
  const labels = new Set<string>();
  walkJson(definition, (value) => {
    const label = isObject(value) && getField(value, 'Type') === 'Map' ? getField(value, 'Label') : undefined;
    if (typeof label === 'string') labels.add(label);
    return true;
  });
  return labels;
}

/**
 * A label for a Map that has none, made from its state's name, and taken from now on. AWS makes up an id instead; a
 * name tells more, and is the same whenever the definition is compiled.
 */
export function makeLabel(stateName: string, taken: Set<string>): string {
  const plain = stateName.replace(/[^\w-]/g, '-');
  let label = plain.slice(0, MAX_LABEL);
  for (let number = 2; taken.has(label); number++) {
    const ending = `-${String(number)}`;
    label = plain.slice(0, MAX_LABEL - ending.length) + ending;
  }
  taken.add(label);
  return label;
}
