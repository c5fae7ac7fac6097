/**
 * Dice that fall the same for the same seed. Each part of a run throws its own (`fork`), so that a throw more in one part
 * changes nothing in another: without that, a fault that is left out would change the whole run.
 */
export class Random {
  #state: number;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#state = mixed(this.#seed);
  }

  /** Dice of their own for a part of the run. */
  fork(part: string): Random {
    let hash = this.#seed ^ 0x9e3779b9;
    for (let at = 0; at < part.length; at++) hash = mixed(hash ^ part.charCodeAt(at));
    return new Random(hash);
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    return mixed(this.#state) / 2 ** 32;
  }

  /** A whole number, from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    const one = from[Math.floor(this.next() * from.length)];
    if (one === undefined) throw new Error('nothing to pick from');
    return one;
  }
}

/** A hash of 32 bits to 32 bits in which every bit counts. */
function mixed(from: number): number {
  let z = from >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}
