import type { Json } from '../../std/json.js';
import { IntrinsicFault } from './signature.js';

/**
 * Fills the `{}` of a template with the values in order. `\{`, `\}` and `\\` are plain characters; a
 * string literal in a call keeps these escapes until it comes here. Throws IntrinsicFault if the counts differ.
 */
export function formatTemplate(template: string, values: readonly Json[]): string {
  const wanted = countPlaces(template);
  if (wanted !== values.length) {
    throw new IntrinsicFault(
      `The template has ${wanted} occurrences of {}, but ${values.length} values were given.`,
    );
  }
  let used = 0;
  return template.replace(TOKENS, (token) =>
    token === '{}' ? printJavaStyle(values[used++] as Json) : token.slice(1),
  );
}

const TOKENS = /\\[{}\\]|\{\}/g;

export function countPlaces(template: string): number {
  return (template.match(TOKENS) ?? []).filter((token) => token === '{}').length;
}

/** Objects and lists appear as Java prints them, `{a=1, b=[]}`: that is what AWS answers. */
export function printJavaStyle(value: Json): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(printJavaStyle).join(', ')}]`;
  return `{${Object.entries(value)
    .map(([key, field]) => `${key}=${printJavaStyle(field)}`)
    .join(', ')}}`;
}
