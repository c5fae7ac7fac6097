/** Row locks and advisory locks, by name. Who cannot have all that it wants waits, holding none of them. */
import type { Lock } from './statement.js';

/** Who holds locks: a transaction, or a statement that is one by itself. */
export type Holder = object;

interface Held {
  exclusive: Holder | undefined;
  shared: Set<Holder>;
}

export class Locks {
  readonly #held = new Map<string, Held>();
  readonly #waiting = new Set<() => boolean>();

  isLocked(key: string, by: Holder): boolean {
    return !this.#isFree(key, false, by);
  }

  /** Takes all of them, or none. */
  take(holder: Holder, wanted: readonly Lock[]): boolean {
    if (!wanted.every(({ key, shared = false }) => this.#isFree(key, shared, holder))) return false;
    for (const { key, shared = false } of wanted) {
      const held = this.#held.get(key) ?? { exclusive: undefined, shared: new Set() };
      if (shared) held.shared.add(holder);
      else held.exclusive = holder;
      this.#held.set(key, held);
    }
    return true;
  }

  /** `attempt` is made again whenever locks come free, until it answers that it has what it wants. */
  /** Answers a function that gives up waiting, and says whether it did wait. */
  wait(attempt: () => boolean): () => boolean {
    this.#waiting.add(attempt);
    return () => this.#waiting.delete(attempt);
  }

  release(holder: Holder): void {
    for (const [key, held] of this.#held) {
      held.shared.delete(holder);
      if (held.exclusive === holder) held.exclusive = undefined;
      if (held.exclusive === undefined && held.shared.size === 0) this.#held.delete(key);
    }
    for (const attempt of [...this.#waiting]) {
      // Out of the way first: what it does may release locks, too.
      if (this.#waiting.delete(attempt) && !attempt()) this.#waiting.add(attempt);
    }
  }

  #isFree(key: string, shared: boolean, by: Holder): boolean {
    const held = this.#held.get(key);
    if (held === undefined) return true;
    if (held.exclusive !== undefined && held.exclusive !== by) return false;
    return shared || [...held.shared].every((holder) => holder === by);
  }
}
