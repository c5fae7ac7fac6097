import type pg from 'pg';
import { newId } from './ids.js';
import { RELEASE_FAULT } from './sql/release.js';

export interface FaultRelease {
  executionId: string;
  epoch: number;
  error: string;
  /** How many signals its inbox had had at the claim. */
  inboxSeq: number;
  /** After so many faults in a row it becomes a dead letter. */
  attempts: number;
  /** The first pause, in ms; twice as long for each further fault. */
  backoffMs: number;
}

/**
 * Gives back an execution that infrastructure kept this worker from advancing.
 * @returns where to ring for it and when (ms since the epoch; null: never, it is a dead letter now);
 *   undefined if it was not this worker's any more.
 */
export async function releaseFault(
  pool: pg.Pool,
  workerId: string,
  fault: FaultRelease,
): Promise<{ queue: string; wakeAtMs: number | null; faults: number } | undefined> {
  const { rows } = await pool.query<{ queue: string; wake_ms: number | null; faults: number }>(
    RELEASE_FAULT,
    [
      workerId,
      fault.executionId,
      fault.epoch,
      fault.attempts,
      fault.backoffMs,
      newId(),
      fault.error,
      fault.inboxSeq,
    ],
  );
  const row = rows[0];
  return row === undefined ? undefined : { queue: row.queue, wakeAtMs: row.wake_ms, faults: row.faults };
}
