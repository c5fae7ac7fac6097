import type { Json, JsonObject } from '../../std/json.js';
import { isDeeperThan, walkJson } from '../../std/json.js';
import { type Intrinsic, IntrinsicFault } from './signature.js';

/** How deep parsed JSON may nest: what Jackson, which AWS parses with, allows by default. */
const MAX_DEPTH = 1000;

/** JSON: StringToJson, JsonToString, JsonMerge. */
export const JSON_INTRINSICS: Record<string, Intrinsic> = {
  /** Blank text is null, as AWS answers. */
  'States.StringToJson': {
    takes: ['string'],
    run: ([text]) => ((text as string).trim() === '' ? null : parseJson(text as string)),
  },

  'States.JsonToString': { takes: ['any'], deep: true, run: ([value]) => JSON.stringify(value) },

  'States.JsonMerge': {
    takes: ['object', 'object', 'boolean'],
    run: ([left, right, deep]) => {
      if (deep === true)
        throw new IntrinsicFault('Deep merging is not supported: the third argument must be false.');
      return { ...(left as JsonObject), ...(right as JsonObject) };
    },
  },
};

function parseJson(text: string): Json {
  const value = tryParse(text);
  if (value === undefined) throw new IntrinsicFault('The argument is not valid JSON.');
  if (isDeeperThan(value, MAX_DEPTH))
    throw new IntrinsicFault(`JSON nests at most ${MAX_DEPTH} deep, but the argument nests deeper.`);
  if (MAY_OVERFLOW.test(text) && hasInfinite(value))
    throw new IntrinsicFault('The argument has a number that is larger than any number.');
  return value;
}

const MAY_OVERFLOW = /[eE]\+?\d{3}|\d{200}/;

/** JSON.parse makes `1e400` infinite, which is null when it is text again. */
function hasInfinite(root: Json): boolean {
  let found = false;
  walkJson(root, (value) => {
    found ||= typeof value === 'number' && !Number.isFinite(value);
    return !found;
  });
  return found;
}

function tryParse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined; // The caller says what is wrong; the parser's words differ between Node versions.
  }
}
