/**
 * Looks at every value that an evaluation makes, and ends it when they grow beyond all use. For expressions
 * that can grow without end only (`canGrow`): a look costs a turn of the microtask queue.
 *
 * 1. A text may have 2^22 characters, as on AWS.
 * 2. A value counts with all that is in it, as often as it is in it: parts that are shared over and over
 *    (`[$x, $x]`, sixty times) would keep a comparison busy for ever.
 * 3. All values that are made count together, since all might be kept.
 * 4. Every so many values the process has a turn for its timers, its heartbeat and its neighbours.
 */
const MAX_TEXT = 2 ** 22;
const MAX_SIZE = 2 ** 22;
const MAX_SUM = 2 ** 25;

/** What is thrown, without a code: the library's own limits have codes. */
export class OutOfMemory extends Error {
  override readonly name = 'OutOfMemory';
}

type Watch = (
  expression: { type: string },
  input: unknown,
  environment: unknown,
  result: unknown,
) => Promise<void> | undefined;

/** A few milliseconds of an evaluation. */
const PAUSE_EVERY = 2000;

/** @param pause resolves after the event loop has had a turn; undefined: it has none. */
export function createWatch(pause: (() => Promise<void>) | undefined): Watch {
  const sizes = new WeakMap<object, number>();
  let sum = 0;
  let seen = 0;
  return ({ type }, _input, _environment, result) => {
    seen += 1;
    if (MAKES.has(type)) {
      const size = sizeOf(result, sizes, 0);
      sum += shallow(result);
      if (size > MAX_SIZE || sum > MAX_SUM)
        throw new OutOfMemory('The evaluation exceeded the memory limit.');
    }
    return seen % PAUSE_EVERY === 0 ? pause?.() : undefined;
  };
}

/** The kinds of expression that make values; the others hand on what there is. */
const MAKES: ReadonlySet<string> = new Set(['binary', 'unary', 'function', 'apply', 'path', 'transform']);

function shallow(value: unknown): number {
  return typeof value === 'string' || Array.isArray(value) ? value.length : 1;
}

function sizeOf(value: unknown, sizes: WeakMap<object, number>, depth: number): number {
  if (typeof value === 'string') {
    return value.length > MAX_TEXT ? Number.POSITIVE_INFINITY : 1 + value.length / 64;
  }
  if (typeof value !== 'object' || value === null || depth > 1000) return 1;
  const known = sizes.get(value);
  if (known !== undefined) return known;
  // For a value that holds itself, which only the library's own functions do.
  sizes.set(value, 1);
  if (!Array.isArray(value) && '_jsonata_lambda' in value) return 1;
  let size = 1;
  for (const part of Array.isArray(value) ? value : Object.values(value)) {
    size += sizeOf(part, sizes, depth + 1);
  }
  sizes.set(value, size);
  return size;
}
