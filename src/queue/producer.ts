import type { BulkJobOptions } from 'bullmq';
import type { Backend, RetryPolicy } from './backend.js';
import { ANSWER_MS, QueueUnavailable, within } from './backend.js';
import { chunksOf, type DoorbellData } from './doorbell.js';
import { assertQueueName } from './names.js';
import type { OpenQueues } from './open-queues.js';

export interface RingOptions {
  /** Ring only after so many ms. */
  delayMs?: number;
  /** While a job of this id is there, another is not added. With several executions: `<jobId>-<n>`. */
  jobId?: string;
}

/** Rings the bells. Everything rejects with `QueueUnavailable`, soon, when the queue cannot be reached. */
export interface Producer {
  /** One job for each execution, so that any worker can take any of them. */
  ring(queue: string, ids: readonly string[], options?: RingOptions): Promise<void>;
  /** One job for so many executions (at most 50): for the members of a batch. */
  ringChunks(queue: string, ids: readonly string[], chunkSize?: number): Promise<void>;
  /** Asks for somebody to lead a batch. */
  ringBatch(queue: string, batchId: string, options?: Pick<RingOptions, 'jobId'>): Promise<void>;
}

/**
 * How far ahead anybody rings for a timer, in ms. What is due later is left to the sweeper, so that a queue holds
 * no jobs for next year.
 */
export const RING_AHEAD_MS = 10 * 60_000;

export function createProducer(backend: Backend, queues: OpenQueues, policy: RetryPolicy): Producer {
  const bells = new Map<string, Bell>();
  const add = async (queue: string, entries: readonly Entry[]): Promise<void> => {
    assertQueueName(queue);
    let bell = bells.get(queue);
    if (bell === undefined) {
      bell = new Bell(async (jobs) => {
        await backend.reach();
        await within(
          ANSWER_MS,
          queues.use(queue, (open) => open.addBulk(jobs.map(toJob))),
        );
      });
      bells.set(queue, bell);
    }
    try {
      await bell.add(entries);
    } finally {
      if (bell.idle) bells.delete(queue);
    }
  };
  const toJob = ({ data, options }: Entry): { name: string; data: DoorbellData; opts: BulkJobOptions } => ({
    name: 'bell',
    data,
    opts: {
      attempts: policy.attempts,
      backoff: { type: 'exponential', delay: policy.backoffMs },
      removeOnComplete: true,
      // What has failed for good is kept for who wonders why; but one with an id would stand in the way of
      // the next of that id.
      removeOnFail: options?.jobId === undefined ? { count: 100 } : true,
      ...(options?.delayMs === undefined ? {} : { delay: Math.max(0, Math.ceil(options.delayMs)) }),
      ...(options?.jobId === undefined ? {} : { jobId: options.jobId }),
    },
  });

  return {
    ring(queue, ids, options = {}) {
      const many = ids.length > 1;
      const entries = ids.map((id, n) => {
        const jobId = options.jobId !== undefined && many ? `${options.jobId}-${n}` : options.jobId;
        return { data: { ids: [id] }, options: { ...options, ...(jobId === undefined ? {} : { jobId }) } };
      });
      return add(queue, entries);
    },
    ringChunks: (queue, ids, chunkSize = 50) =>
      add(
        queue,
        chunksOf(ids, chunkSize).map((data) => ({ data })),
      ),
    ringBatch: (queue, batchId, options) =>
      add(queue, [{ data: { batchId }, ...(options === undefined ? {} : { options }) }]),
  };
}

interface Entry {
  data: DoorbellData;
  options?: RingOptions;
}

/** Jobs that one round trip carries, and jobs that may wait for theirs. */
const BULK = 1_000;
const MAX_WAITING = 100_000;

/**
 * Collects what is rung while a round trip is on its way; the next one carries it all. When none is on its
 * way, it leaves at once, with what was rung in the same turn of the event loop.
 */
class Bell {
  readonly #send: (entries: readonly Entry[]) => Promise<void>;
  #waiting: { entry: Entry; settle: Settle }[] = [];
  #flying = false;

  constructor(send: (entries: readonly Entry[]) => Promise<void>) {
    this.#send = send;
  }

  get idle(): boolean {
    return !this.#flying && this.#waiting.length === 0;
  }

  add(entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return Promise.resolve();
    if (this.#waiting.length + entries.length > MAX_WAITING) {
      return Promise.reject(new QueueUnavailable(`${this.#waiting.length} jobs wait already`));
    }
    return new Promise((resolve, reject) => {
      let left = entries.length;
      const settle: Settle = (error) => {
        left -= 1;
        if (error !== undefined) reject(error);
        else if (left === 0) resolve();
      };
      for (const entry of entries) this.#waiting.push({ entry, settle });
      if (this.#flying) return;
      this.#flying = true;
      queueMicrotask(() => this.#fly());
    });
  }

  async #fly(): Promise<void> {
    while (this.#waiting.length > 0) {
      const flight = this.#waiting.splice(0, BULK);
      const outcome = await this.#send(flight.map(({ entry }) => entry)).then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
      );
      for (const { settle } of flight) settle(outcome);
    }
    this.#flying = false;
  }
}

type Settle = (error: Error | undefined) => void;
