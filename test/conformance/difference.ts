/** Whether one value is as recorded, by the rules of the corpus's README. */
import { isObject, type Json, type JsonObject } from '../../src/std/json.js';
import { type Case, isExpress } from './corpus.js';
import { ANYTHING, type Bindings, matches } from './placeholders.js';
import { readText } from './recorded-text.js';

/**
 * What differs, in words, or undefined when nothing does. Placeholders that were given a meaning by what was
 * found the same before keep it; what is found different gives none a meaning.
 */
export type Same = (path: string, want: Json | undefined, have: Json | undefined) => string | undefined;

/** The comparison for one case, and one run of it. */
export function sameFor(one: Case): Same {
  const { definition, definitionText, input, inputText } = one;
  const literal = JSON.stringify([definition ?? definitionText ?? null, input ?? inputText ?? null]);
  let known: Bindings = new Map();
  return (path, want, have) => {
    const bindings: Bindings = new Map(known);
    const found = differ(
      { path, want: readText(want), have: readText(have) },
      { literal, bindings, isExpress: isExpress(one) },
    );
    if (found === undefined) known = bindings;
    return found;
  };
}

interface Rules {
  literal: string;
  bindings: Bindings;
  isExpress: boolean;
}

interface Pair {
  path: string;
  want: Json | undefined;
  have: Json | undefined;
}

function differ({ path, want, have }: Pair, rules: Rules): string | undefined {
  const told = (): string => `${path}: expected ${JSON.stringify(want)}, got ${JSON.stringify(have)}`;
  if (want === undefined || have === undefined) return want === have ? undefined : told();
  if (typeof want === 'string') {
    if (want === ANYTHING) return undefined;
    if (typeof have !== 'string') return told();
    return matches(want, have, rules.literal, rules.bindings) ? undefined : told();
  }
  if (Array.isArray(want)) {
    if (!Array.isArray(have) || have.length !== want.length) return told();
    for (const [at, value] of want.entries()) {
      const found = differ({ path: `${path}[${String(at)}]`, want: value, have: have[at] }, rules);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isObject(want)) return Object.is(want, have) || want === have ? undefined : told();
  if (!isObject(have)) return told();
  for (const key of new Set([...Object.keys(want), ...Object.keys(have)])) {
    if (isIgnored(key, want, have, rules)) continue;
    const found = differ({ path: `${path}.${key}`, want: want[key], have: have[key] }, rules);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What runs differ in: transport and billing; of a function's failure, all but its type and message. */
function isIgnored(key: string, want: JsonObject, have: JsonObject, { isExpress }: Rules): boolean {
  if (TRANSPORT.has(key)) return true;
  // Some recordings are older or newer than these members; an Express execution never has them.
  if (REDRIVE.has(key)) return !isExpress && (!(key in want) || !(key in have));
  return PER_CALL.has(key) && 'errorType' in want && 'errorMessage' in want;
}

const TRANSPORT = new Set(['SdkHttpMetadata', 'SdkResponseMetadata', 'billingDetails']);
const PER_CALL = new Set(['requestId', 'stackTrace', 'trace']);
const REDRIVE = new Set(['RedriveCount', 'redriveCount', 'redriveStatus']);
