/** A StringMatches pattern: the plain texts between its wildcards. One text alone means equality. */
export type StringPattern = readonly string[];

/**
 * Parses a pattern in which `*` stands for any characters, `\*` for a star and `\\` for a backslash
 * (https://states-language.net/spec.html#choice-state). Undefined for any other use of the backslash.
 */
export function parsePattern(text: string): StringPattern | undefined {
  const parts: string[] = [];
  let part = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '*') {
      parts.push(part);
      part = '';
    } else if (character === '\\') {
      const escaped = text.charAt(++at);
      if (escaped !== '*' && escaped !== '\\') return undefined;
      part += escaped;
    } else {
      part += character;
    }
  }
  return [...parts, part];
}

/** Whether a text fits: each part at its first place after the part before it. Linear, so no pattern is hostile. */
export function matchesPattern(pattern: StringPattern, text: string): boolean {
  const first = pattern[0] ?? '';
  if (pattern.length === 1) return text === first;
  const last = pattern.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of pattern.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
