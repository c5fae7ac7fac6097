/**
 * One number in [0, 1) from a seed, as `new java.util.Random(seed).nextDouble()` gives it: that is what AWS's
 * `$random(seed)` answers, bit for bit. A 48-bit linear congruential generator
 * (https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Random.html).
 * @param seed a whole number
 */
export function seededRandom(seed: number): number {
  let state = (BigInt.asIntN(64, BigInt(seed)) ^ MULTIPLIER) & MASK;
  const next = (bits: bigint): bigint => {
    state = (state * MULTIPLIER + 0xbn) & MASK;
    return state >> (48n - bits);
  };
  return Number((next(26n) << 27n) + next(27n)) / 2 ** 53;
}

const MULTIPLIER = 0x5deece66dn;
const MASK = (1n << 48n) - 1n;
