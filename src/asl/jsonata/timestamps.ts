import jsonata from 'jsonata';

/**
 * `$toMillis`, where its picture cannot keep the process busy: the library makes a RegExp of the picture, in which
 * every name and number may end anywhere, so twenty of them side by side try a text in more ways than there is time.
 * @throws Error when the text is too long for a picture, or the picture joins too many parts.
 */
export async function toMillis(this: jsonata.Focus, text?: string, picture?: string): Promise<unknown> {
  if (text === undefined) return undefined;
  if (picture !== undefined && looseJoins(picture) > 0) {
    if (text.length > MAX_TEXT) {
      throw new Error(
        `$toMillis() takes a text of at most ${String(MAX_TEXT)} characters with a picture, but was given ${String(text.length)}`,
      );
    }
    if (looseJoins(picture) > MAX_JOINS) {
      throw new Error(
        `$toMillis() takes a picture in which at most ${String(MAX_JOINS)} parts follow each other without a separator`,
      );
    }
  }
  own ??= functionIn(await jsonata('$toMillis').evaluate(undefined));
  return own.call(this, text, picture);
}

/** 100 characters can be cut in four places in four million ways: some hundredths of a second. */
const MAX_TEXT = 100;
const MAX_JOINS = 4;

type Implementation = (this: jsonata.Focus, ...args: unknown[]) => unknown;

/** The library's own, found out at the first call: only an evaluation gives it. */
let own: Implementation | undefined;

function functionIn(found: unknown): Implementation {
  if (typeof found === 'object' && found !== null && 'implementation' in found) {
    const { implementation } = found;
    if (typeof implementation === 'function') return implementation as Implementation;
  }
  throw new Error('the jsonata library has no $toMillis');
}

/** How often two parts follow each other so that a text can be cut between them in more than one place. */
function looseJoins(picture: string): number {
  const parts = [...picture.matchAll(/\[([^\]]*)\]([^[]*)/g)];
  return parts.filter(([, part = '', separator = ''], at) => {
    const next = parts[at + 1]?.[1];
    if (next === undefined) return false;
    // Numbers that touch have the width that the picture gives them.
    if (separator === '') return !isNumber(part) || !isNumber(next);
    return !/[^a-zA-Z0-9, -]/.test(separator) && !(isNumber(part) && /[^0-9]/.test(separator));
  }).length;
}

/** A component in digits: no name, no letters, no words, no fraction. */
function isNumber(part: string): boolean {
  return /^[YMDdWwXxHhms]\d*(?:,[\d*-]*)?$/.test(part);
}
