import type { Arns } from '../engine/index.js';
import { type Producer, type Queues, RING_AHEAD_MS } from '../queue/index.js';
import type { Database, Endings, StoreLog, TaskBell, Vault, Woken } from '../store/index.js';

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
  /** The most sources of a batch; absent: any number. */
  batchLimit?: number;
  /** Weights that differ from the built-in ones, by queue. */
  queueWeights: Readonly<Record<string, number>>;
  /** Of ARNs. */
  region: string;
  accountId: string;
  /** What seals secrets, the first of them, and opens them; absent: none are kept. */
  secretsKeys?: readonly string[];
}

/** What each noun gets. */
export interface Deps extends OperationsParts {
  endings: Endings;
  tasks: TaskBell;
  arns: Arns;
  /** Absent: no secrets are kept. */
  vault?: Vault | undefined;
}

/** Rings for those of the woken that nobody is advancing; the others have been told already. */
export function ringWoken(deps: Deps, woken: readonly Woken[]): void {
  for (const { owner, queue, executionId } of woken) if (owner === null) ringSoon(deps, queue, [executionId]);
}

/**
 * Rings for executions that are runnable, now or at a time, without waiting: the truth is in PostgreSQL, and if
 * the queue is down the sweeper rings later.
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
