/** The right to advance one execution. Releasing it twice is releasing it once. */
export interface Slot {
  readonly queue: string;
  release(): void;
}

/** Thrown to who waits for a slot when its queue is no longer taken from. */
export class NoSlot extends Error {
  override readonly name = 'NoSlot';
}

/**
 * The slots of one process, shared by all its queues: as many executions as it advances at once.
 *
 * When several queues wait, slots are granted in proportion to their weights; when one waits alone, it gets
 * everything. This is start-time fair queueing: each queue has a mark on a common scale, a grant moves its
 * mark by 1/weight, and the queue whose mark is furthest behind is next. A queue that comes back from being
 * idle starts where the others are now, so that it neither pays for its absence nor is paid for it. Every
 * mark is passed in the end, so nobody starves, whatever the weights.
 */
export class SlotPool {
  readonly #lanes = new Map<string, Lane>();
  #size: number;
  #busy = 0;
  #waiting = 0;
  /** The mark of the latest grant: where "now" is on the scale. */
  #now = 0;

  constructor(size: number) {
    this.#size = checkedSize(size);
  }

  get size(): number {
    return this.#size;
  }

  /** A smaller pool takes effect as slots come back. */
  set size(size: number) {
    this.#size = checkedSize(size);
    this.#grantFree();
  }

  get busy(): number {
    return this.#busy;
  }

  /** How many slots each queue holds right now. */
  running(): Record<string, number> {
    const held: Record<string, number> = {};
    for (const [queue, lane] of this.#lanes) if (lane.held > 0) held[queue] = lane.held;
    return held;
  }

  setWeight(queue: string, weight: number): void {
    if (!(weight > 0 && Number.isFinite(weight))) throw new RangeError(`weight ${weight} is not positive`);
    this.#lane(queue).weight = weight;
  }

  /**
   * Resolves with a slot when it is this queue's turn; within a queue, first come, first served.
   * @throws NoSlot when the queue is cancelled meanwhile, or when it takes longer than `withinMs`.
   */
  acquire(queue: string, withinMs?: number): Promise<Slot> {
    const lane = this.#lane(queue);
    if (this.#waiting === 0 && this.#busy < this.#size) return Promise.resolve(this.#grant(lane));
    return new Promise((resolve, reject) => {
      if (lane.first === undefined) lane.mark = Math.max(lane.mark, this.#now);
      const waiter: Waiter = { resolve, reject, timer: undefined, previous: lane.last, next: undefined };
      if (withinMs !== undefined) {
        waiter.timer = setTimeout(() => {
          this.#leave(lane, waiter);
          reject(new NoSlot(`no slot came free for queue '${queue}' in ${withinMs} ms`));
        }, withinMs);
      }
      if (lane.last === undefined) lane.first = waiter;
      else lane.last.next = waiter;
      lane.last = waiter;
      this.#waiting += 1;
    });
  }

  /** Sends away who waits for a slot of this queue, and forgets the queue once it holds none. */
  cancel(queue: string): void {
    const lane = this.#lanes.get(queue);
    if (lane === undefined) return;
    let waiter = lane.first;
    lane.first = undefined;
    lane.last = undefined;
    for (; waiter !== undefined; waiter = waiter.next) {
      this.#waiting -= 1;
      clearTimeout(waiter.timer);
      waiter.reject(new NoSlot(`queue '${queue}' is no longer taken from`));
    }
    lane.forgotten = true;
    if (lane.held === 0) this.#lanes.delete(queue);
  }

  #lane(queue: string): Lane {
    let lane = this.#lanes.get(queue);
    if (lane === undefined) {
      lane = {
        queue,
        weight: 1,
        mark: this.#now,
        held: 0,
        forgotten: false,
        first: undefined,
        last: undefined,
      };
      this.#lanes.set(queue, lane);
    }
    lane.forgotten = false;
    return lane;
  }

  #grant(lane: Lane): Slot {
    this.#now = Math.max(this.#now, lane.mark);
    lane.mark = this.#now + 1 / lane.weight;
    lane.held += 1;
    this.#busy += 1;
    let released = false;
    return {
      queue: lane.queue,
      release: () => {
        if (released) return;
        released = true;
        lane.held -= 1;
        this.#busy -= 1;
        if (lane.forgotten && lane.held === 0) this.#lanes.delete(lane.queue);
        this.#grantFree();
      },
    };
  }

  #grantFree(): void {
    while (this.#waiting > 0 && this.#busy < this.#size) {
      const lane = this.#mostBehind();
      const waiter = lane?.first;
      if (lane === undefined || waiter === undefined) throw new Error('the pool has lost count of who waits');
      this.#leave(lane, waiter);
      waiter.resolve(this.#grant(lane));
    }
  }

  /** Takes a waiter out of its lane. */
  #leave(lane: Lane, waiter: Waiter): void {
    clearTimeout(waiter.timer);
    if (waiter.previous === undefined) lane.first = waiter.next;
    else waiter.previous.next = waiter.next;
    if (waiter.next === undefined) lane.last = waiter.previous;
    else waiter.next.previous = waiter.previous;
    this.#waiting -= 1;
  }

  /** A scan of all queues: there are tens of them, and a grant is followed by milliseconds of work. */
  #mostBehind(): Lane | undefined {
    let best: Lane | undefined;
    for (const lane of this.#lanes.values()) {
      if (lane.first !== undefined && (best === undefined || lane.mark < best.mark)) best = lane;
    }
    return best;
  }
}

interface Lane {
  readonly queue: string;
  weight: number;
  mark: number;
  held: number;
  forgotten: boolean;
  first: Waiter | undefined;
  last: Waiter | undefined;
}

interface Waiter {
  resolve(slot: Slot): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout | undefined;
  previous: Waiter | undefined;
  next: Waiter | undefined;
}

function checkedSize(size: number): number {
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`a pool of ${size} slots makes no sense`);
  return size;
}
