/**
 * Many small writes, one statement. While a flush is on its way the next one collects; every submitter
 * awaits its own item. One flush is in flight at a time, so a flush is as large as the load asks for.
 *
 * 1. `submit` resolves only when the flush that carried its item has committed.
 * 2. A bad item never fails its neighbours: a flush refused for what it holds is split in two and tried
 *    again, down to the item that is to blame (bisecting 200 takes 17 statements at most).
 * 3. A flush is capped by items and by bytes, so that one fat neighbour does not hold up the others for
 *    long (16 MB in one statement hold a flush for 0.4 s).
 */
interface GroupCommitOptions<T, R> {
  /** Writes the items in one statement and answers for each, in order. */
  flush: (items: readonly T[]) => Promise<readonly R[]>;
  /** Whether an error is about the items themselves, so that a part of them might be accepted. */
  isItemFault: (error: unknown) => boolean;
  /** Roughly what an item weighs, in bytes. */
  sizeOf: (item: T) => number;
  maxItems: number;
  maxBytes: number;
}

interface Waiting<T, R> {
  item: T;
  resolve: (answer: R) => void;
  reject: (error: unknown) => void;
}

export class GroupCommit<T, R> {
  readonly #options: GroupCommitOptions<T, R>;
  #waiting: Waiting<T, R>[] = [];
  #running: Promise<void> | undefined;

  constructor(options: GroupCommitOptions<T, R>) {
    this.#options = options;
  }

  /** Adds an item to the next flush; resolves with its answer once that flush has committed. */
  submit(item: T): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing is collected or in flight. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // One turn of the event loop's microtasks, so that what is submitted together flushes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#flush(this.#take());
    this.#running = undefined;
  }

  #take(): Waiting<T, R>[] {
    const { maxItems, maxBytes, sizeOf } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const { item } of this.#waiting) {
      bytes += sizeOf(item);
      if (count === maxItems || (count > 0 && bytes > maxBytes)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #flush(group: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const answers = await this.#options.flush(group.map(({ item }) => item));
      group.forEach(({ resolve, reject }, index) => {
        if (index < answers.length) resolve(answers[index] as R);
        else reject(new Error('the flush gave fewer answers than it had items'));
      });
    } catch (error) {
      if (group.length === 1 || !this.#options.isItemFault(error)) {
        for (const { reject } of group) reject(error);
        return;
      }
      const half = group.length >> 1;
      await this.#flush(group.slice(0, half));
      await this.#flush(group.slice(half));
    }
  }
}
