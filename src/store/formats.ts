/**
 * Executions that a later release has advanced, found by a worker that cannot read them. They are paused, not failed and
 * not tried again and again, until a worker comes by that can.
 */
import type pg from 'pg';
import type { Woken } from './waking.js';

export interface TooLate {
  executionId: string;
  epoch: number;
  /** The format of its frames, and the latest that this worker reads. */
  format: number;
  known: number;
}

/**
 * Gives back an execution for others to take up. One that somebody has paused meanwhile stays so for them.
 * @returns false: it was not this worker's any more.
 */
export async function setAside(pool: pg.Pool, workerId: string, late: TooLate): Promise<boolean> {
  const { executionId, epoch, format, known } = late;
  const reason = `Its frames have format ${format}, of a later release; the worker that claimed it reads ${known}. A worker that reads ${format} resumes it.`;
  const { rowCount } = await pool.query(
    `UPDATE executions SET owner = NULL, wake_at = NULL, paused_at = coalesce(paused_at, now()),
       pause_reason = CASE WHEN paused_at IS NULL THEN $4 ELSE pause_reason END,
       needs_format = CASE WHEN paused_at IS NULL THEN $5::int END
     WHERE id = $2 AND owner = $1 AND epoch = $3 AND end_time IS NULL`,
    [workerId, executionId, epoch, reason, format],
  );
  return rowCount === 1;
}

/** Resumes what was set aside and can be read from here on. Plan: executions_paused_idx, of which there are few. */
export async function resumeKnownFormats(pool: pg.Pool, known: number): Promise<Woken[]> {
  const { rows } = await pool.query<Woken>(
    `UPDATE executions SET paused_at = NULL, pause_reason = NULL, needs_format = NULL, wake_at = now()
     WHERE paused_at IS NOT NULL AND needs_format <= $1 AND end_time IS NULL AND owner IS NULL
     RETURNING id AS "executionId", queue, owner`,
    [known],
  );
  return rows;
}
