import type { BulkJobOptions, Job, WorkerOptions } from 'bullmq';
import type { DoorbellData } from './doorbell.js';

/** The queue could not be reached in time. What was to be rung is in PostgreSQL, and the sweeper rings it. */
export class QueueUnavailable extends Error {
  override readonly name = 'QueueUnavailable';
}

/** How long somebody who rings waits for a connection, and then for an answer, in ms. */
export const PATIENCE_MS = 300;
export const ANSWER_MS = 1_000;

export interface RetryPolicy {
  attempts: number;
  /** The first pause; each further one is twice as long. */
  backoffMs: number;
}

/** BullMQ on one of its two stores: how to reach it, and its queues and workers on shared connections. */
export interface Backend {
  /** Resolves when the store can be asked. @throws QueueUnavailable after `PATIENCE_MS`, or at once when it is known to be down. */
  reach(): Promise<void>;
  /** Asks the store something small. @throws when it does not answer. */
  ping(): Promise<void>;
  /** Only after `reach` has resolved once. Its close is ours to call, and leaves the connections. */
  openQueue(name: string): OpenQueue;
  /** When the oldest job that waits or is active became due, in ms since the epoch. */
  oldest(name: string, queue: OpenQueue): Promise<number | undefined>;
  /** Resolves when workers can be opened; patient where `reach` is not. */
  reachForWork(): Promise<void>;
  openWorker(name: string, options: Omit<WorkerOptions, 'connection'>, work: Work): OpenWorker;
  /** What waits for the store to come back fails now: the process is about to stop. */
  giveUpWaiting(): void;
  close(): Promise<void>;
}

/** What we want of a BullMQ queue, on whichever store it lies. */
export interface OpenQueue {
  addBulk(jobs: { name: string; data: DoorbellData; opts: BulkJobOptions }[]): Promise<unknown>;
  getJobCounts(...states: JobState[]): Promise<Record<string, number>>;
  getJobs(states: JobState[], start: number, end: number, oldestFirst: boolean): Promise<(Job | undefined)[]>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

type JobState = 'wait' | 'active' | 'delayed' | 'failed';

/** What a worker does with a job; the token proves that the job is ours. */
export type Work = (job: Job, token: string | undefined) => Promise<void>;

export interface OpenWorker {
  /** Takes no more, waits for what is in its hands, and lets go of its connection. */
  close(): Promise<void>;
}

/**
 * Waits for the queue's answer, but not longer than this; what was asked for may still happen.
 * @throws QueueUnavailable when it takes longer, or with what went wrong as its cause.
 */
export async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new QueueUnavailable(`no answer from the queue within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([answer, limit]);
  } catch (error) {
    if (error instanceof QueueUnavailable) throw error;
    throw new QueueUnavailable('the queue did not do what it was asked for', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
