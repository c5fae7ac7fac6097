/** Fields that both query languages have, under different names. */
import type { JsonObject } from '../../src/std/json.js';

export type Language = 'JSONPath' | 'JSONata';

/** What a Pass makes of `v`. */
export function passing(language: Language, v: string): JsonObject {
  return language === 'JSONata' ? { Output: { v } } : { Parameters: { 'v.$': v } };
}

/** What a task is given: `v`, and constants. Its result is left as it is. */
export function taking(language: Language, constants: JsonObject, v: 'v'): JsonObject {
  return language === 'JSONata'
    ? {
        Arguments: { ...constants, [v]: `{% $states.input.${v} %}` },
        Output: { [v]: `{% $states.result.${v} %}` },
      }
    : { Parameters: { ...constants, [`${v}.$`]: `$.${v}` } };
}
