import type { Json, JsonObject } from '../../std/json.js';
import { isDeeperThan } from '../../std/json.js';
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
  return value;
}

function tryParse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined; // The caller says what is wrong; the parser's words differ between Node versions.
  }
}
