import { createHash } from 'node:crypto';
import type jsonata from 'jsonata';
import type { Json } from '../../std/json.js';
import type { Entropy } from '../scope.js';
import { seededRandom } from './java-random.js';
import { toMillis } from './timestamps.js';
import { OutOfMemory } from './watch.js';

/** What the functions of one evaluation may ask for. */
export interface Call {
  /** Milliseconds since the epoch. */
  nowMs: number;
  entropy: Entropy;
}

/** Under this name an evaluation finds its Call. No expression can say it, since a name has no blank. */
export const CALL = ' call';

/**
 * Gives an expression the functions that AWS adds to JSONata, and takes from it the one that AWS removes
 * (https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html). Time and chance come from
 * the Call: the library's own belong to the compiled expression, and read the clock.
 */
export function addFunctions(expression: jsonata.Expression, text: string): void {
  for (const [name, [signature, run]] of Object.entries(FUNCTIONS)) {
    // Only what is named can be called; each function costs an expression a kilobyte.
    if (text.includes(name)) expression.registerFunction(name, run, signature);
  }
  // Found as nothing, so that a call of it fails with T1006, as on AWS.
  if (text.includes('eval')) expression.assign('eval', undefined);
}

type Implementation = Parameters<jsonata.Expression['registerFunction']>[1];

const FUNCTIONS: Readonly<Record<string, readonly [signature: string, run: Implementation]>> = {
  now: ['<s?s?:s>', now],
  millis: [
    '<:n>',
    function () {
      return callOf(this).nowMs;
    },
  ],
  uuid: [
    '<:s>',
    function () {
      return callOf(this).entropy.uuid();
    },
  ],
  random: [
    '<n?:n>',
    function (seed?: number) {
      if (seed === undefined) return callOf(this).entropy.random();
      return seededRandom(Math.trunc(seed));
    },
  ],
  hash: ['<xs?:s>', hash],
  parse: ['<s-:x>', parse],
  partition: ['<an:a>', partition],
  range: ['<nnn:a>', range],
  // The library's own take time and memory without measure.
  pad: ['<s-ns?:s>', pad],
  distinct: ['<x:x>', distinct],
  toMillis: ['<s-s?:n>', toMillis],
};

function callOf(focus: jsonata.Focus): Call {
  return focus.environment.lookup(CALL) as Call;
}

function now(this: jsonata.Focus, picture?: string, timezone?: string): unknown {
  const { nowMs } = callOf(this);
  const format: unknown = this.environment.lookup('fromMillis');
  // The expression may have a `$fromMillis` of its own.
  if (typeof format !== 'object' || format === null || !('implementation' in format)) {
    return new Date(nowMs).toISOString();
  }
  const { implementation } = format as { implementation: (...args: unknown[]) => unknown };
  return implementation.call(this, nowMs, picture, timezone);
}

const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['MD5', 'md5'],
  ['SHA-1', 'sha1'],
  ['SHA-256', 'sha256'],
  ['SHA-384', 'sha384'],
  ['SHA-512', 'sha512'],
]);

/** Lower-case hexadecimal; SHA-256 is what AWS takes when no algorithm is named. */
function hash(data?: unknown, name = 'SHA-256'): unknown {
  if (data === undefined) return undefined;
  const text = typeof data === 'string' ? data : (JSON.stringify(data) ?? '');
  const algorithm = ALGORITHMS.get(name);
  if (algorithm === undefined) {
    throw new Error(`$hash() takes one of ${[...ALGORITHMS.keys()].join(', ')}, but was given ${name}`);
  }
  return createHash(algorithm).update(text, 'utf8').digest('hex');
}

function parse(text?: string): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new Error('$parse() was given a text that is not JSON');
  }
}

/** Arguments that are not whole lose their fraction, as on AWS: of the size, and of all that `$range` takes. */
function partition(list?: unknown[], size?: number): unknown {
  if (list === undefined || size === undefined) return undefined;
  const length = Math.trunc(size);
  if (length < 1) throw new Error(`$partition() takes a size of at least 1, but was given ${String(size)}`);
  const chunks: unknown[] = [];
  for (let at = 0; at < list.length; at += length) chunks.push(list.slice(at, at + length));
  return chunks;
}

/** Like all sequences, one item is that item, and none is nothing. */
function range(this: jsonata.Focus, first?: number, last?: number, step?: number): unknown {
  if (first === undefined || last === undefined || step === undefined) return undefined;
  const [from, to, by] = [Math.trunc(first), Math.trunc(last), Math.trunc(step)];
  if (by === 0) throw new Error('$range() takes a step other than 0');
  const length = Math.max(0, Math.floor((to - from) / by) + 1);
  if (length > MAX_RANGE) {
    throw new Error(`$range() gives at most ${String(MAX_RANGE)} items, but would give ${String(length)}`);
  }
  if (length === 0) return undefined;
  if (length === 1) return from;
  return Array.from({ length }, (_, index) => from + index * by);
}

/** More than this the library's sequences may not hold either. */
const MAX_RANGE = 873_782;

const MAX_PADDED = 2 ** 22;

/** To the right of the text when the width is positive, else to the left, by code points. */
function pad(text?: string, width?: number, filler = ' '): unknown {
  if (text === undefined || width === undefined) return text;
  const missing = Math.abs(Math.trunc(width)) - [...text].length;
  if (missing <= 0) return text;
  if (missing > MAX_PADDED) throw new OutOfMemory('The evaluation exceeded the memory limit.');
  const characters = [...(filler === '' ? ' ' : filler)];
  const whole = Math.floor(missing / characters.length);
  const padding =
    characters.join('').repeat(whole) + characters.slice(0, missing % characters.length).join('');
  return width > 0 ? text + padding : padding + text;
}

function distinct(this: jsonata.Focus, list?: unknown): unknown {
  if (!Array.isArray(list) || list.length <= 1) return list;
  const seen = new Set<unknown>();
  const kept: unknown[] = [];
  for (const item of list as unknown[]) {
    const mark = typeof item === 'object' && item !== null ? canonicalText(item) : markOf(item);
    if (seen.has(mark)) continue;
    seen.add(mark);
    kept.push(item);
  }
  // A sequence stays one, so that a single item counts as itself.
  return 'sequence' in list ? Object.assign(kept, { sequence: true }) : kept;
}

/** A text that is no object's, so that `"{}"` is not `{}`. */
function markOf(value: unknown): unknown {
  return typeof value === 'string' ? `s${value}` : value;
}

/** The same for values that are the same JSON. */
function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
