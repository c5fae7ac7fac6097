import { isObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { Check } from './checks.js';
import { checkExpression } from './paths.js';

/** Parameters, ResultSelector, ItemSelector (https://states-language.net/spec.html#payload-template). */
export const payloadTemplate: Check = (value, pointer, complaints) => {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      payloadTemplate(item, appendPointer(pointer, index), complaints);
    return;
  }
  if (!isObject(value)) return;
  for (const [key, field] of Object.entries(value)) {
    if (!key.endsWith('.$')) {
      payloadTemplate(field, appendPointer(pointer, key), complaints);
      continue;
    }
    checkExpression(key, field, pointer, complaints);
    const name = key.slice(0, -2);
    if (Object.hasOwn(value, name)) {
      complaints.schema(pointer, `Expected one field that gives '${name}', found '${name}' and '${key}'.`);
    }
  }
};
