import type { Producer, Queues } from '../queue/index.js';
import type { Database, Endings, StoreLog } from '../store/index.js';

/** What the operations are made from. */
export interface OperationsParts {
  database: Database;
  queues: { producer: Pick<Producer, 'ring' | 'ringBatch'> } & Pick<Queues, 'ping'>;
  config: OperationsConfig;
  log: StoreLog;
}

export interface OperationsConfig {
  /** The largest input, in bytes of JSON text. */
  payloadLimit: number;
  /** Weights that differ from the built-in ones, by queue. */
  queueWeights: Readonly<Record<string, number>>;
}

/** What each noun gets. */
export interface Deps extends OperationsParts {
  endings: Endings;
}

/**
 * Rings for executions that are runnable, now or at a time, without waiting: the truth is in PostgreSQL, and if
 * the queue is down the sweeper rings later. What is due only in ten minutes or more is left to the sweeper
 * too, so that a queue holds no jobs for next year.
 */
export function ringSoon({ queues, log }: Deps, queue: string, ids: readonly string[], at?: Date): void {
  const delayMs = at === undefined ? 0 : Math.max(0, at.getTime() - Date.now());
  if (delayMs > RING_AHEAD_MS) return;
  queues.producer
    .ring(queue, ids, { delayMs })
    .catch((error: unknown) =>
      log.warn({ err: error, queue, executions: ids.length }, 'the doorbell did not ring'),
    );
}

const RING_AHEAD_MS = 10 * 60_000;
