import type pg from 'pg';
import { appendInputs, CHUNK_MAX, openBatch, receiveBatch } from '../../src/store/batch-intake.js';
import { newId } from '../../src/store/ids.js';
import { batchEndRule } from '../../src/store/sql/batch-end.js';

export interface BatchOptions {
  mode?: 'distributed' | 'concurrent' | 'sequential';
  concurrency?: number;
  stopOnError?: boolean;
  namePrefix?: string;
  sourceStateName?: string;
  stateMachineId?: string;
}

/** A batch that is still RECEIVING. */
export async function insertReceiving(pool: pg.Pool, options: BatchOptions = {}): Promise<string> {
  const batchId = newId();
  await receiveBatch(pool, {
    batchId,
    stateMachineId: options.stateMachineId ?? 'target',
    version: 3,
    mode: options.mode ?? 'distributed',
    namePrefix: options.namePrefix ?? `p-${batchId}`,
    concurrency: options.concurrency ?? 3,
    stopOnError: options.stopOnError ?? false,
    queue: 'low',
    sourceStateName: options.sourceStateName,
    filter: undefined,
  });
  return batchId;
}

/** A RUNNING batch of `total` members; the input of each is its index. */
export async function insertBatch(pool: pg.Pool, total: number, options: BatchOptions = {}): Promise<string> {
  const batchId = await insertReceiving(pool, options);
  for (let from = 0; from < total; from += CHUNK_MAX) {
    const count = Math.min(CHUNK_MAX, total - from);
    await appendInputs(
      pool,
      batchId,
      from,
      Array.from({ length: count }, (_, n) => String(from + n)),
    );
  }
  await openBatch(pool, batchId, total);
  return batchId;
}

/** What a worker does to a member, as far as the tables go: it is claimed … */
export async function claimMember(pool: pg.Pool, workerId: string, id: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE executions SET owner = $2, epoch = epoch + 1
     WHERE id = $1 AND owner IS NULL AND end_time IS NULL AND wake_at <= now() + interval '25 ms'`,
    [id, workerId],
  );
  return rowCount === 1;
}

/** … and ends, counted by the rule that the real flush has. */
export async function endMember(
  pool: pg.Pool,
  id: string,
  status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' = 'SUCCEEDED',
): Promise<void> {
  await pool.query(
    `WITH ended AS (
       UPDATE executions SET status = $2, end_time = now(), owner = NULL, wake_at = NULL
       WHERE id = $1 AND end_time IS NULL RETURNING batch_id, coalesce(item_count, 1) AS items
     )
     UPDATE batches b SET ${batchEndRule({
       succeeded: "($2 = 'SUCCEEDED')::int",
       failed: "($2 IN ('FAILED', 'TIMED_OUT'))::int",
       timedOut: "($2 = 'TIMED_OUT')::int",
       aborted: "($2 = 'ABORTED')::int",
       items: {
         succeeded: "($2 = 'SUCCEEDED')::int * e.items",
         failed: "($2 IN ('FAILED', 'TIMED_OUT'))::int * e.items",
         timedOut: "($2 = 'TIMED_OUT')::int * e.items",
         aborted: "($2 = 'ABORTED')::int * e.items",
       },
     })}
     FROM ended e WHERE b.id = e.batch_id`,
    [id, status],
  );
}

export async function batchRow(pool: pg.Pool, batchId: string): Promise<Record<string, unknown>> {
  const { rows } = await pool.query('SELECT * FROM batches WHERE id = $1', [batchId]);
  return rows[0];
}

export async function membersOf(
  pool: pg.Pool,
  batchId: string,
): Promise<{ id: string; name: string; batch_index: number; input: string; status: string }[]> {
  const { rows } = await pool.query(
    'SELECT id, name, batch_index, input, status FROM executions WHERE batch_id = $1 ORDER BY batch_index',
    [batchId],
  );
  return rows;
}
