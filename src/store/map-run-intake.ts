/**
 * Taking in a map run: a batch of mode 'mapRun' is RECEIVING until the inputs of all its children are written
 * down, and then RUNNING, as any batch.
 *
 * 1. An intake that is begun anew, since its worker died or lost the database, begins under the same id, with
 *    nothing of the one before. While it is RECEIVING the row's owner is not a worker but the attempt: whatever a
 *    zombie still appends or opens is refused.
 * 2. A run that has begun to run is never taken in again.
 */
import type pg from 'pg';
import { writeInputs } from './batch-intake.js';
import { withTransaction } from './own-session.js';

export interface NewMapRun {
  mapRunId: string;
  /** Of the children. */
  stateMachineId: string;
  version: number;
  queue: string;
  parentId: string;
  parentFrame: number;
  parentKey: string;
  label: string;
  mapState: string;
  /** 0: no limit of the definition's. */
  maxConcurrency: number;
  toleratedCount: number | undefined;
  toleratedPercentage: number | undefined;
  /** Its children have several items each. */
  batched: boolean;
}

/** How a map run stands that is not to be taken in (any more). */
interface TakenIn {
  total: number;
  over: boolean;
}

/**
 * Begins an intake, or begins it anew. `attempt` is a UUID of this attempt's own.
 * @returns how the run stands if it runs or is over; undefined: it is to be taken in.
 */
export function receiveMapRun(pool: pg.Pool, run: NewMapRun, attempt: string): Promise<TakenIn | undefined> {
  return withTransaction(pool, async (session) => {
    const { rowCount } = await session.query(RECEIVE, [
      run.mapRunId,
      run.stateMachineId,
      run.version,
      run.maxConcurrency,
      run.queue,
      run.parentId,
      run.parentFrame,
      run.parentKey,
      run.label,
      run.mapState,
      run.toleratedCount ?? null,
      run.toleratedPercentage ?? null,
      run.batched,
      attempt,
    ]);
    // Statements of their own: the first may have waited for the attempt before, whose rows its snapshot lacks.
    if (rowCount === 1) {
      await session.query('DELETE FROM batch_chunks WHERE batch_id = $1', [run.mapRunId]);
      return undefined;
    }
    const { rows } = await session.query<TakenIn>(
      'SELECT total, end_time IS NOT NULL AS over FROM batches WHERE id = $1',
      [run.mapRunId],
    );
    return rows[0];
  });
}

const RECEIVE = `
INSERT INTO batches (id, state_machine_id, version, mode, status, name_prefix, concurrency, stop_on_error, queue,
  parent_id, parent_frame, parent_key, notify_parent, label, map_state, tolerated_count, tolerated_percentage, batched,
  owner, total, created_at, updated_at)
VALUES ($1, $2, $3, 'mapRun', 'RECEIVING', '', $4, false, $5, $6, $7, $8, true, $9, $10, $11, $12, $13, $14, 0, now(), now())
ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, created_at = now(), updated_at = now()
  WHERE batches.status = 'RECEIVING'
RETURNING id`;

/**
 * Writes down the children's inputs (JSON texts) as they come, a chunk in memory and no more.
 * @returns how many. Throws what the iteration throws, and when this attempt is no longer the one that counts.
 */
export function writeMapRunInputs(
  pool: pg.Pool,
  mapRunId: string,
  attempt: string,
  inputs: AsyncIterable<string>,
): Promise<number> {
  return writeInputs(pool, mapRunId, inputs, attempt);
}

/**
 * Everything is written down: the run is RUNNING from now on, or SUCCEEDED if there was nothing.
 * @throws when this attempt is no longer the one that counts.
 */
export async function openMapRun(
  pool: pg.Pool,
  mapRunId: string,
  attempt: string,
  { total, items }: { total: number; items: number },
): Promise<void> {
  const { rowCount } = await pool.query(
    `UPDATE batches SET total = $3, item_total = $4, owner = NULL, created_at = now(), updated_at = now(),
       status = CASE WHEN $3 = 0 THEN 'SUCCEEDED' ELSE 'RUNNING' END,
       end_time = CASE WHEN $3 = 0 THEN now() END
     WHERE id = $1 AND status = 'RECEIVING' AND owner = $2`,
    [mapRunId, attempt, total, items],
  );
  if (rowCount !== 1) throw new Error(`map run ${mapRunId} is not received by this attempt any more`);
}

/** Removes what this attempt took in, if it is the one that counts: the run has failed to begin. */
export async function dropMapRun(pool: pg.Pool, mapRunId: string, attempt: string): Promise<void> {
  await pool.query(
    `WITH gone AS (
       DELETE FROM batches WHERE id = $1 AND status = 'RECEIVING' AND owner = $2 RETURNING id
     )
     DELETE FROM batch_chunks c USING gone g WHERE c.batch_id = g.id`,
    [mapRunId, attempt],
  );
}
