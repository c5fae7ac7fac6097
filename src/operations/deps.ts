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
 * Rings for executions that are runnable, without waiting: the truth is in PostgreSQL, and if the queue is down
 * the sweeper rings later.
 */
export function ringSoon({ queues, log }: Deps, queue: string, ids: readonly string[]): void {
  queues.producer
    .ring(queue, ids)
    .catch((error: unknown) =>
      log.warn({ err: error, queue, executions: ids.length }, 'the doorbell did not ring'),
    );
}
