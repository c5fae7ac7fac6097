import { formatTemplate } from './format.js';
import { type Intrinsic, IntrinsicFault } from './signature.js';

/** AWS's own limit for texts that are encoded, decoded or hashed, in characters. */
export const MAX_TEXT = 10_000;

/** Texts: Format, StringSplit, Base64Encode, Base64Decode. */
export const STRING_INTRINSICS: Record<string, Intrinsic> = {
  'States.Format': {
    takes: ['string', 'any'],
    deep: true,
    variadic: true,
    run: ([template, ...values]) => formatTemplate(template as string, values),
  },

  /** The separator is a set of characters, and empty parts are dropped, as AWS answers. */
  'States.StringSplit': {
    takes: ['string', 'string'],
    run: ([text, separators]) => split(text as string, new Set(separators as string)),
  },

  'States.Base64Encode': {
    takes: ['string'],
    run: ([text]) => Buffer.from(limited(text as string), 'utf8').toString('base64'),
  },

  'States.Base64Decode': {
    takes: ['string'],
    run: ([text]) => {
      if (
        !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(
          limited(text as string),
        )
      ) {
        throw new IntrinsicFault('The argument is not valid Base64.');
      }
      return Buffer.from(text as string, 'base64').toString('utf8');
    },
  },
};

export function limited(text: string): string {
  if (text.length > MAX_TEXT) {
    throw new IntrinsicFault(`The text must have at most ${MAX_TEXT} characters, but has ${text.length}.`);
  }
  return text;
}

function split(text: string, separators: ReadonlySet<string>): string[] {
  const parts: string[] = [];
  let part = '';
  for (const character of text) {
    if (!separators.has(character)) {
      part += character;
      continue;
    }
    if (part !== '') parts.push(part);
    part = '';
  }
  if (part !== '') parts.push(part);
  return parts;
}
