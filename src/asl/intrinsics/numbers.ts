import { createHash } from 'node:crypto';
import { type Intrinsic, IntrinsicFault, roundHalfUp } from './signature.js';
import { limited } from './strings.js';

const ALGORITHMS: Record<string, string> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

/** Numbers, hashes and identifiers: MathAdd, MathRandom, Hash, UUID. */
export const NUMBER_INTRINSICS: Record<string, Intrinsic> = {
  'States.MathAdd': {
    takes: ['number', 'number'],
    run: ([left, right]) => finite(roundHalfUp(left as number) + roundHalfUp(right as number)),
  },

  /** From the first number up to, not including, the second. A seed makes it the same number every time. */
  'States.MathRandom': {
    takes: ['number', 'number', 'number'],
    optional: 1,
    run: ([first, last, seed], entropy) => {
      const start = roundHalfUp(first as number);
      const end = roundHalfUp(last as number);
      if (start >= end) throw new IntrinsicFault(`The start ${start} must be less than the end ${end}.`);
      const random = seed === undefined ? entropy.random() : seededRandom(roundHalfUp(seed as number));
      return start + Math.floor(random * finite(end - start));
    },
  },

  'States.Hash': {
    takes: ['any', 'string'],
    deep: true,
    run: ([data, name]) => {
      const algorithm = Object.hasOwn(ALGORITHMS, name as string) ? ALGORITHMS[name as string] : undefined;
      if (algorithm === undefined) {
        throw new IntrinsicFault(
          `The algorithm must be one of ${Object.keys(ALGORITHMS).join(', ')}, but was ${String(name)}.`,
        );
      }
      const text = typeof data === 'string' ? data : JSON.stringify(data);
      return createHash(algorithm).update(limited(text), 'utf8').digest('hex');
    },
  },

  'States.UUID': { takes: [], run: (_args, entropy) => entropy.uuid() },
};

/** JSON has no infinite numbers: as text they would be null. */
function finite(number: number): number {
  if (Number.isFinite(number)) return number;
  throw new IntrinsicFault('The result is larger than any number.');
}

/** One number in [0, 1) that depends on the seed alone: the first four bytes of the seed's hash. */
function seededRandom(seed: number): number {
  return createHash('sha256').update(String(seed)).digest().readUInt32BE(0) / 2 ** 32;
}
