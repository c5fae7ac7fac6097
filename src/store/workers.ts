/**
 * Workers: who is alive. A worker's row is its lease and its fence at once.
 *
 * 1. Heartbeats and leases are reckoned by the database's clock alone.
 * 2. The reaper deletes an expired worker's row first. The DELETE waits for the flushes and claims that
 *    hold the row, so whatever the dead one got in is there when the next statement frees its executions,
 *    and nothing of it can come in later.
 */
import type pg from 'pg';
import { withSession, withTransaction } from './own-session.js';

export interface WorkerHello {
  workerId: string;
  host: string;
  pid: number;
  queues: readonly string[];
  concurrency: number;
  leaseMs: number;
}

/** Registers a worker; answers the database's time in ms. */
export async function registerWorker(pool: pg.Pool, hello: WorkerHello): Promise<number> {
  const { rows } = await pool.query<{ now_ms: number }>(
    `INSERT INTO workers (id, host, pid, queues, concurrency, running, lease_ms, started_at, heartbeat_at)
     VALUES ($1, $2, $3, $4, $5, '{}', $6, now(), now())
     RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms`,
    [hello.workerId, hello.host, hello.pid, JSON.stringify(hello.queues), hello.concurrency, hello.leaseMs],
  );
  return rows[0]?.now_ms ?? 0;
}

/** What a heartbeat learns. */
interface Beat {
  /** The database's time as of now, in ms. */
  nowMs: number;
  /** How long the answer took: `nowMs` is off by at most half of it. */
  roundTripMs: number;
}

/**
 * Says that a worker is alive, which queues it takes from and what it is advancing, by queue.
 * @param pool of its own: a heartbeat does not wait behind other statements.
 * @returns undefined if the worker's row is gone: it was declared dead.
 */
export async function beat(
  pool: pg.Pool,
  workerId: string,
  queues: readonly string[],
  running: Readonly<Record<string, number>>,
): Promise<Beat | undefined> {
  return withSession(pool, async (session) => {
    const startedAt = performance.now();
    const { rows } = await session.query<{ now_ms: number }>(
      `UPDATE workers SET heartbeat_at = now(), queues = $2, running = $3 WHERE id = $1
       RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms`,
      [workerId, JSON.stringify(queues), JSON.stringify(running)],
    );
    const roundTripMs = performance.now() - startedAt;
    // The database read its clock about half way through.
    return rows[0] === undefined ? undefined : { nowMs: rows[0].now_ms + roundTripMs / 2, roundTripMs };
  });
}

/** An execution that has just become runnable, and where to ring for it. */
export interface Freed {
  executionId: string;
  queue: string;
}

/**
 * Ends a worker's lease and frees what it owned, in one transaction: on its own request at shutdown.
 * @returns the executions that are runnable again.
 */
export function leaveWorkers(pool: pg.Pool, workerId: string): Promise<Freed[]> {
  return free(pool, 'id = $1', [workerId], 0);
}

/**
 * Declares dead whose lease has run out, and frees what they owned. While the database was away nobody could
 * beat, so a lease counts from the server's start at the earliest.
 */
export function reapWorkers(pool: pg.Pool): Promise<Freed[]> {
  const which = "greatest(heartbeat_at, pg_postmaster_start_time()) < now() - lease_ms * interval '1 ms'";
  return free(pool, which, [], 1);
}

async function free(
  pool: pg.Pool,
  which: string,
  values: readonly unknown[],
  deaths: 0 | 1,
): Promise<Freed[]> {
  return withTransaction(pool, async (session) => {
    const { rows: gone } = await session.query<{ id: string }>(
      `DELETE FROM workers WHERE ${which} RETURNING id`,
      [...values],
    );
    if (gone.length === 0) return [];
    // Statements of their own: their snapshots are younger than the last flush of the dead, and the second one shows all
    // signals that came in before the locks.
    await session.query(LOCK_OWNED, [gone.map(({ id }) => id)]);
    const { rows } = await session.query<{ id: string; queue: string; runnable: boolean }>(FREE, [
      gone.map(({ id }) => id),
      deaths,
      DEATHS_MAX,
      NOBODY,
    ]);
    return rows.filter(({ runnable }) => runnable).map(({ id, queue }) => ({ executionId: id, queue }));
  });
}

/**
 * Of a machine without a strategy: an execution that has seen so many workers die in a row, with no call back between, is
 * what kills them.
 */
const DEATHS_MAX = 20;

const LOCK_OWNED = `
SELECT 1 FROM executions WHERE end_time IS NULL AND wake_at <= now() + interval '1 s' AND owner = ANY($1::uuid[])
ORDER BY id FOR NO KEY UPDATE`;

/**
 * Whether a machine's strategy pauses the execution now, or its worker's death is one too many. One that is to be stopped
 * is stopped: it calls nothing any more.
 */
const PAUSES = `(o.died AND NOT o.stopping
      AND (coalesce(o.recovery->>'strategy' = 'pause', false) OR e.recoveries + 1 >= o.deaths_max))`;

/** Whether the machine hears of it, to skip or to fail what was interrupted. */
const TELLS = `(coalesce(o.recovery->>'strategy' IN ('skip', 'fail'), false) AND NOT ${PAUSES})`;

const FREE = `
WITH let_go AS (
  UPDATE batches SET owner = NULL WHERE owner = ANY($1::uuid[]) AND end_time IS NULL
), merged AS (
  DELETE FROM queue_totals WHERE worker_id = ANY($1::uuid[]) RETURNING queue, succeeded, failed
), kept AS (
  INSERT INTO queue_totals (queue, worker_id, succeeded, failed)
  SELECT queue, $4::uuid, sum(succeeded), sum(failed) FROM merged GROUP BY queue ORDER BY queue
  ON CONFLICT (queue, worker_id) DO UPDATE SET
    succeeded = queue_totals.succeeded + excluded.succeeded,
    failed = queue_totals.failed + excluded.failed
), owned AS MATERIALIZED (
  SELECT e.id, $2 > 0 AS died, CASE WHEN $2 > 0 THEN m.recovery END AS recovery,
    coalesce((m.recovery->>'maxRecoveries')::int + 1, $3) AS deaths_max,
    EXISTS (SELECT 1 FROM inbox i WHERE i.execution_id = e.id AND i.kind = 'stop') AS stopping
  FROM executions e LEFT JOIN state_machines m ON m.id = split_part(e.state_machine_id, '/', 1)
  WHERE e.end_time IS NULL AND e.wake_at <= now() + interval '1 s' AND e.owner = ANY($1::uuid[])
), freed AS (
  UPDATE executions e SET
    owner = NULL,
    recoveries = e.recoveries + $2,
    inbox_seq = e.inbox_seq + CASE WHEN ${TELLS} THEN 1 ELSE 0 END,
    paused_at = CASE WHEN ${PAUSES} THEN coalesce(e.paused_at, now()) ELSE e.paused_at END,
    pause_reason = CASE WHEN ${PAUSES} AND e.paused_at IS NULL
      THEN e.recoveries + 1 || ' in a row: a worker died while it was advancing it' ELSE e.pause_reason END,
    wake_at = CASE WHEN e.paused_at IS NOT NULL OR ${PAUSES} THEN NULL ELSE now() END
  FROM owned o WHERE e.id = o.id AND e.end_time IS NULL AND e.owner = ANY($1::uuid[])
  RETURNING e.id, e.queue, e.wake_at IS NOT NULL AS runnable, e.inbox_seq, o.recovery,
    coalesce(o.recovery->>'strategy' IN ('skip', 'fail'), false) AND (o.stopping OR e.recoveries < o.deaths_max) AS tells
), told AS (
  -- A strategy that is more than to try again; of what pauses, whoever resumes it tries again.
  INSERT INTO inbox (execution_id, seq, kind, data, created_at)
  SELECT f.id, f.inbox_seq, 'interrupted', (f.recovery - 'maxRecoveries')::text, now()
  FROM freed f WHERE f.tells
)
SELECT id, queue, runnable FROM freed
`;

/** The owner of the totals of workers that are gone. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Whether a worker of a host has a live heartbeat. */
export async function isWorkerAlive(pool: pg.Pool, host: string): Promise<boolean> {
  const { rows } = await pool.query(
    "SELECT 1 FROM workers WHERE host = $1 AND heartbeat_at >= now() - lease_ms * interval '1 ms' LIMIT 1",
    [host],
  );
  return rows.length > 0;
}
