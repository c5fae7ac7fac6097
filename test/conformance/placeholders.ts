/** What stands in a recording for a value of that one run. */

/** What each numbered placeholder of a case stood for: the same number is the same value. */
export type Bindings = Map<string, string>;

/** Stands in a recording, after `maskWildcards`, for anything at all. */
export const ANYTHING = '\u0000anything';

/**
 * Whether a text is as recorded. A `<word>` stands for any text that is not empty, unless `literal`, the
 * definition and the input, has that very word; what a numbered one stands for is kept in `bindings`.
 */
export function matches(want: string, have: string, literal: string, bindings: Bindings): boolean {
  if (want === have) return true;
  if (MASKS.has(want)) return have.length > 0;
  const parts = want.split(/(<[A-Za-z][\w:-]*>)/);
  const words: string[] = [];
  const pattern = parts.map((part, at) => {
    if (at % 2 === 0 || literal.includes(part)) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    words.push(part);
    // The same word twice in one text is the same value twice.
    const before = isNumbered(part) ? words.indexOf(part) + 1 : words.length;
    return before < words.length ? `(\\${String(before)})` : '([\\s\\S]+)';
  });
  const found = new RegExp(`^${pattern.join('')}$`).exec(have);
  if (found === null) return false;
  for (const [at, word] of words.entries()) {
    if (!isNumbered(word)) continue;
    const value = found[at + 1] ?? '';
    if ((bindings.get(word) ?? value) !== value) return false;
    bindings.set(word, value);
  }
  return true;
}

/** What stands for a point in time, or for the role given at creation, as a whole text. */
const MASKS = new Set(['date', 'datetime', 'timestamp', 'snf_role_arn', 'sfn_role_arn']);

/** `<uuid:1>`, `<ArnPart_0idx>`; not `<request-id>`, of which a run has many. */
function isNumbered(word: string): boolean {
  return /(:\d+|_\d+idx)>$/.test(word);
}
