/** The sweeper's questions: what is overdue, what is due soon, and who may sweep. */
import type pg from 'pg';
import { withTransaction } from './own-session.js';
import type { Freed } from './workers.js';

/** Any number that nothing else takes as an advisory lock. */
const SWEEP_LOCK = 7_315_001;

/**
 * Runs `sweep` unless another process is at it.
 * @returns whether it ran.
 */
export async function withSweepLock(pool: pg.Pool, sweep: () => Promise<void>): Promise<boolean> {
  return withTransaction(pool, async (session) => {
    const { rows } = await session.query<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS mine', [
      SWEEP_LOCK,
    ]);
    const mine = rows[0]?.mine === true;
    if (mine) await sweep();
    return mine;
  });
}

/** A place in the order of `wake_at` and id. */
export interface Position {
  wakeAtMs: number;
  executionId: string;
}

/**
 * What is runnable, unowned and was due before its queue's cutoff: its doorbell is lost. Oldest first, from a
 * position on.
 * Plan: Index Scan on executions_wake_at_idx, Incremental Sort by id.
 */
export async function overdueExecutions(
  pool: pg.Pool,
  cutoffs: readonly { queue: string; beforeMs: number }[],
  after: Position | undefined,
  limit: number,
): Promise<(Freed & Position)[]> {
  const { rows } = await pool.query<DueRow>(
    `SELECT e.id, e.queue, ${WAKE_MS} AS wake_ms FROM executions e
     JOIN unnest($1::text[], $2::float8[]) q (queue, before_ms) ON q.queue = e.queue
     WHERE e.end_time IS NULL AND e.owner IS NULL
       AND e.wake_at < to_timestamp($3::float8 / 1000) AND e.wake_at < to_timestamp(q.before_ms / 1000)
       AND e.wake_at >= to_timestamp($4::float8 / 1000) AND (e.wake_at, e.id) > (to_timestamp($4::float8 / 1000), $5::uuid)
     ORDER BY e.wake_at, e.id LIMIT $6`,
    [
      cutoffs.map(({ queue }) => queue),
      cutoffs.map(({ beforeMs }) => beforeMs),
      Math.max(0, ...cutoffs.map(({ beforeMs }) => beforeMs)),
      after?.wakeAtMs ?? 0,
      after?.executionId ?? '00000000-0000-0000-0000-000000000000',
      limit,
    ],
  );
  return rows.map(toDue);
}

/** Parked executions whose timer is due after a position and until `untilMs`, by the database's clock. */
export async function dueExecutions(
  pool: pg.Pool,
  after: Position,
  untilMs: number,
  limit: number,
): Promise<(Freed & Position)[]> {
  const { rows } = await pool.query<DueRow>(
    `SELECT e.id, e.queue, ${WAKE_MS} AS wake_ms FROM executions e
     WHERE e.end_time IS NULL AND e.owner IS NULL AND e.wake_at <= to_timestamp($3::float8 / 1000)
       AND e.wake_at >= to_timestamp($1::float8 / 1000) AND (e.wake_at, e.id) > (to_timestamp($1::float8 / 1000), $2::uuid)
     ORDER BY e.wake_at, e.id LIMIT $4`,
    [after.wakeAtMs, after.executionId, untilMs, limit],
  );
  return rows.map(toDue);
}

interface DueRow {
  id: string;
  queue: string;
  wake_ms: number;
}

const WAKE_MS = '(extract(epoch FROM e.wake_at) * 1000)::float8';

function toDue({ id, queue, wake_ms }: DueRow): Freed & Position {
  return { executionId: id, queue, wakeAtMs: wake_ms };
}

/** Frees what is owned by a worker that has no row: what a crash in the middle of a registration could leave. */
export async function freeOrphans(pool: pg.Pool): Promise<Freed[]> {
  const { rows } = await pool.query<{ id: string; queue: string }>(
    `UPDATE executions e SET owner = NULL, wake_at = CASE WHEN e.paused_at IS NULL THEN now() END
     WHERE e.end_time IS NULL AND e.wake_at <= now() - interval '1 minute' AND e.owner IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = e.owner)
     RETURNING id, queue`,
  );
  return rows.map(({ id, queue }) => ({ executionId: id, queue }));
}
