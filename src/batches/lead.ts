import type { Bell } from './bell.js';
import type { BatchDoorbell, BatchStore, Runner, SlotPool } from './ports.js';

/** What every way of leading a batch has at hand. */
export interface Lead {
  workerId: string;
  batchId: string;
  store: BatchStore;
  doorbell: BatchDoorbell;
  pool: SlotPool;
  runner: Runner;
  /** Rung when somebody says that there may be news of the batch. */
  news: Bell;
  /** Aborts when the worker shuts down or has lost its row: let go at once. */
  signal: AbortSignal;
  /** Told of what went wrong and is tried again. */
  onFault: (error: unknown, batchId: string) => void;
}

/** Rings, and leaves it to the sweeper when that fails: the executions are in PostgreSQL. */
export async function ringMembers(
  lead: Lead,
  queue: string,
  executionIds: readonly string[],
  chunkSize: number,
): Promise<void> {
  if (executionIds.length === 0) return;
  try {
    await lead.doorbell.ringChunks(queue, executionIds, chunkSize);
  } catch (error) {
    lead.onFault(error, lead.batchId);
  }
}
