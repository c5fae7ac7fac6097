import { ARRAY_INTRINSICS } from './arrays.js';
import { JSON_INTRINSICS } from './json.js';
import { NUMBER_INTRINSICS } from './numbers.js';
import type { Intrinsic } from './signature.js';
import { STRING_INTRINSICS } from './strings.js';

export { countPlaces } from './format.js';
export { type Intrinsic, IntrinsicFault, isOfKind } from './signature.js';

/** The 18 intrinsic functions by name. */
export const INTRINSICS: ReadonlyMap<string, Intrinsic> = new Map(
  [ARRAY_INTRINSICS, STRING_INTRINSICS, JSON_INTRINSICS, NUMBER_INTRINSICS].flatMap(Object.entries),
);
