/**
 * The queue: doorbells on their way to whoever takes from it. What is lost here, the sweeper has to find. The consumer is
 * that of `src/queue/consumer.ts` in small: a job is in hand until each of its executions has a slot.
 */
import {
  type ConsumeOptions,
  type Consumer,
  NoSlot,
  type Queues,
  QueueUnavailable,
} from '../../src/queue/index.js';
import type { Random } from './random.js';
import type { Proc, World } from './world.js';

interface Job {
  queue: string;
  ids: readonly string[];
  jobId: string | undefined;
  dueMs: number;
}

/** What becomes of one ring. */
export type RingFate = 'heard' | 'lost' | 'doubled' | { lateMs: number };

interface Taker {
  proc: Proc;
  take: (job: Job) => void;
}

/** A busy worker gives a job back after this. */
const HOLD_MS = 1_000;

export class Broker {
  readonly #world: World;
  readonly #random: Random;
  readonly #fateOf: (nth: number) => RingFate;
  readonly #takers = new Set<Taker>();
  readonly #jobs = new Set<Job>();
  readonly #waiting = new Set<Job>();
  #rings = 0;
  #downUntilMs = 0;

  constructor(world: World, random: Random, fateOf: (nth: number) => RingFate) {
    this.#world = world;
    this.#random = random;
    this.#fateOf = fateOf;
  }

  /** FLUSHALL, and nobody reaches it for so many ms. */
  flush(downMs: number): void {
    this.#world.note(`Redis is flushed and away for ${String(Math.round(downMs))} ms`);
    this.#jobs.clear();
    this.#waiting.clear();
    this.#downUntilMs = this.#world.nowMs + downMs;
  }

  /** The queues as one process has them. */
  open(proc: Proc): Queues {
    return {
      producer: {
        ring: async (queue, ids, { delayMs = 0, jobId } = {}) => {
          await this.#reach(proc);
          for (const id of ids) this.#ring(queue, [id], delayMs, jobId);
        },
        ringChunks: async (queue, ids, size = 50) => {
          await this.#reach(proc);
          for (let from = 0; from < ids.length; from += size)
            this.#ring(queue, ids.slice(from, from + size), 0, undefined);
        },
        ringBatch: () => Promise.resolve(),
      },
      consume: (options) => this.#consume(proc, options),
      stats: () => Promise.resolve({}),
      head: async (queue) => {
        await this.#reach(proc);
        const due = [...this.#waiting].filter((job) => job.queue === queue).map(({ dueMs }) => dueMs);
        return due.length === 0 ? undefined : Math.min(...due);
      },
      ping: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }

  async #reach(proc: Proc): Promise<void> {
    await new Promise<void>((resolve) => this.#world.after(0.3, proc, resolve));
    if (this.#world.nowMs < this.#downUntilMs) throw new QueueUnavailable('the queue is away');
  }

  #ring(queue: string, ids: readonly string[], delayMs: number, jobId: string | undefined): void {
    if (jobId !== undefined && [...this.#jobs].some((job) => job.jobId === jobId)) return;
    const fate = this.#fateOf(this.#rings++);
    if (fate === 'lost') {
      this.#world.note('a doorbell is lost');
      return;
    }
    const lateMs = typeof fate === 'object' ? fate.lateMs : 0;
    for (let times = fate === 'doubled' ? 2 : 1; times > 0; times--) {
      const afterMs = delayMs + lateMs + this.#random.next() * 2;
      const job = { queue, ids, jobId, dueMs: this.#world.nowMs + afterMs };
      this.#jobs.add(job);
      this.#world.after(afterMs, undefined, () => {
        if (this.#jobs.has(job)) this.#hand(job);
      });
    }
  }

  /** To one of those who take from it, or to whoever comes. */
  #hand(job: Job): void {
    const ready = [...this.#takers].filter(({ proc }) => proc.alive && proc.held === undefined);
    if (ready.length === 0) {
      this.#waiting.add(job);
      return;
    }
    this.#jobs.delete(job);
    const { proc, take } = this.#random.pick(ready);
    this.#world.after(0.2, proc, () => take(job));
  }

  #handAll(): void {
    for (const job of [...this.#waiting]) {
      this.#waiting.delete(job);
      this.#hand(job);
    }
  }

  #consume(proc: Proc, { pool, queues, onExecution }: ConsumeOptions): Consumer {
    let stopped = false;
    let names: string[] = [];
    const work = async (job: Job): Promise<void> => {
      for (const [n, id] of job.ids.entries()) {
        try {
          if (stopped) throw new NoSlot('stopped');
          onExecution(job.queue, id, await pool.acquire(job.queue, HOLD_MS));
        } catch (error) {
          if (!(error instanceof NoSlot)) throw error;
          const rest = { ...job, ids: job.ids.slice(n) };
          this.#jobs.add(rest);
          this.#world.after(1, undefined, () => this.#hand(rest));
          return;
        }
      }
    };
    const taker: Taker = { proc, take: (job) => void work(job) };
    const begin = async (): Promise<void> => {
      names = (await queues()).map(({ name }) => name);
      this.#takers.add(taker);
      proc.onKilled.add(() => this.#takers.delete(taker));
      this.#handAll();
    };
    void begin();
    return {
      queues: () => names,
      refresh: () => Promise.resolve(),
      stop: () => {
        stopped = true;
        this.#takers.delete(taker);
        for (const name of names) pool.cancel(name);
        return Promise.resolve();
      },
    };
  }

  /** Somebody may be there again: jobs that nobody could take are handed out. */
  look(): void {
    if ([...this.#takers].some(({ proc }) => proc.alive && proc.held === undefined)) this.#handAll();
  }
}
