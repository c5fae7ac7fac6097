/** The sweeper's questions: what is overdue, what is due soon, and who may sweep. */
import type pg from 'pg';
import type { Freed } from './workers.js';

/** Any number that nothing else takes as an advisory lock. */
const SWEEP_LOCK = 7_315_001;

/**
 * Runs `sweep` unless another process is at it.
 * @returns whether it ran.
 */
export async function withSweepLock(pool: pg.Pool, sweep: () => Promise<void>): Promise<boolean> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const { rows } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS mine', [
      SWEEP_LOCK,
    ]);
    const mine = rows[0]?.mine === true;
    if (mine) await sweep();
    await client.query('COMMIT');
    return mine;
  } catch (error) {
    broken = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * What is runnable, unowned and was due before its queue's cutoff: its doorbell is lost.
 * Plan: Index Scan on executions_wake_at_idx, oldest first.
 */
export async function overdueExecutions(
  pool: pg.Pool,
  cutoffs: readonly { queue: string; beforeMs: number }[],
  limit: number,
): Promise<Freed[]> {
  const { rows } = await pool.query<{ id: string; queue: string }>(
    `SELECT e.id, e.queue FROM executions e
     JOIN unnest($1::text[], $2::float8[]) q (queue, before_ms) ON q.queue = e.queue
     WHERE e.end_time IS NULL AND e.owner IS NULL
       AND e.wake_at < to_timestamp($3::float8 / 1000) AND e.wake_at < to_timestamp(q.before_ms / 1000)
     ORDER BY e.wake_at LIMIT $4`,
    [
      cutoffs.map(({ queue }) => queue),
      cutoffs.map(({ beforeMs }) => beforeMs),
      Math.max(0, ...cutoffs.map(({ beforeMs }) => beforeMs)),
      limit,
    ],
  );
  return rows.map(({ id, queue }) => ({ executionId: id, queue }));
}

/** Parked executions whose timer is due in (afterMs, untilMs], by the database's clock. */
export async function dueExecutions(
  pool: pg.Pool,
  afterMs: number,
  untilMs: number,
  limit: number,
): Promise<(Freed & { wakeAtMs: number })[]> {
  const { rows } = await pool.query<{ id: string; queue: string; wake_ms: number }>(
    `SELECT id, queue, (extract(epoch FROM wake_at) * 1000)::float8 AS wake_ms FROM executions
     WHERE end_time IS NULL AND owner IS NULL
       AND wake_at > to_timestamp($1::float8 / 1000) AND wake_at <= to_timestamp($2::float8 / 1000)
     ORDER BY wake_at LIMIT $3`,
    [afterMs, untilMs, limit],
  );
  return rows.map((row) => ({ executionId: row.id, queue: row.queue, wakeAtMs: row.wake_ms }));
}

/** Frees what is owned by a worker that has no row: what a crash in the middle of a registration could leave. */
export async function freeOrphans(pool: pg.Pool): Promise<Freed[]> {
  const { rows } = await pool.query<{ id: string; queue: string }>(
    `UPDATE executions e SET owner = NULL, wake_at = now()
     WHERE e.end_time IS NULL AND e.wake_at <= now() - interval '1 minute' AND e.owner IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = e.owner)
     RETURNING id, queue`,
  );
  return rows.map(({ id, queue }) => ({ executionId: id, queue }));
}
