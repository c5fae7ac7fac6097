/** Reading executions: one, a page, how many, and statistics. */
import type pg from 'pg';
import { decodeCursor, encodeCursor, PAGE_BYTES, type PageOf, type PageQuery } from './cursor.js';
import {
  CURRENT_STATE,
  conditionsOf,
  type ExecutionFilter,
  type ExecutionStatus,
} from './execution-filter.js';
import { isUuid } from './ids.js';

export type { ExecutionFilter, ExecutionStatus } from './execution-filter.js';

export interface ExecutionRecord {
  executionId: string;
  stateMachineId: string;
  version: number;
  name: string;
  status: ExecutionStatus;
  currentState: string | null;
  /** JSON text. */
  input: string;
  /** JSON text. */
  output: string | null;
  error: string | null;
  cause: string | null;
  startTime: Date;
  endTime: Date | null;
  queue: string;
  batchId: string | null;
  sourceExecutionId: string | null;
  parentExecutionId: string | null;
  redriveCount: number;
  redriveDate: Date | null;
  pausedAt: Date | null;
  pauseReason: string | null;
  /** Since when, or from when on, it waits for a place in its limited machine; null: it does not. */
  heldAt: Date | null;
  scheduleId: string | null;
  /** The instant of its schedule that it was started for. */
  scheduledTime: Date | null;
}

/** An execution; undefined when there is none of this id, whatever the id looks like. */
export async function findExecution(pool: pg.Pool, id: string): Promise<ExecutionRecord | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await pool.query<ExecutionRecord>({
    name: 'find_execution',
    text: `SELECT ${COLUMNS} FROM executions e WHERE e.id = $1`,
    values: [id],
  });
  return rows[0];
}

/** Those that exist of the given (machine, name). Plan: Index Scan using executions_state_machine_id_name_key. */
export async function findByNames(
  pool: pg.Pool,
  keys: readonly { stateMachineId: string; name: string }[],
): Promise<ExecutionRecord[]> {
  const { rows } = await pool.query<ExecutionRecord>(
    `SELECT ${COLUMNS} FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) k (state_machine_id, name)
     JOIN executions e ON e.state_machine_id = k.state_machine_id AND e.name = k.name`,
    [keys.map(({ stateMachineId }) => stateMachineId), keys.map(({ name }) => name)],
  );
  return rows;
}

/**
 * A page, newest first, by keyset on the id, which is ordered by time. A row that comes in meanwhile is newer
 * than every page to come, so pages neither repeat nor skip.
 * Plan: Index Scan Backward using executions_state_machine_id_id_idx, or executions_pkey without a machine;
 * the window adds up sizes without fetching the values.
 */
export async function listExecutions(
  pool: pg.Pool,
  filter: ExecutionFilter,
  { limit, cursor }: PageQuery,
): Promise<PageOf<ExecutionRecord>> {
  const where = conditionsOf(filter);
  if (cursor !== undefined) where.add((p) => `e.id < ${p(decodeCursor(LIST, cursor, ['uuid'])[0])}`);
  const { rows } = await pool.query<ExecutionRecord & { more: boolean }>(
    `SELECT ${COLUMNS}, e.more FROM (
       SELECT p.*, lead(p.id) OVER newest IS NOT NULL AS more,
         sum(octet_length(p.input) + coalesce(octet_length(p.output), 0)) OVER newest
           - octet_length(p.input) - coalesce(octet_length(p.output), 0) AS bytes_before
       FROM (SELECT e.* FROM executions e ${where.sql} ORDER BY e.id DESC LIMIT ${where.place(limit + 1)}) p
       WINDOW newest AS (ORDER BY p.id DESC)
     ) e
     WHERE e.bytes_before < ${PAGE_BYTES} ORDER BY e.id DESC LIMIT ${where.place(limit)}`,
    where.values,
  );
  const last = rows.at(-1);
  return {
    items: rows.map(({ more: _, ...record }) => record),
    nextCursor: last?.more === true ? encodeCursor(LIST, [last.executionId]) : null,
  };
}

const LIST = 'executions';

/** How many there are. Reads them all: it is what was asked for. */
export async function countExecutions(pool: pg.Pool, filter: ExecutionFilter): Promise<number> {
  const where = conditionsOf(filter);
  const { rows } = await pool.query<{ n: number }>(
    `SELECT count(*)::float8 AS n FROM executions e ${where.sql}`,
    where.values,
  );
  return rows[0]?.n ?? 0;
}

/** Durations are of executions that have ended, in milliseconds; null: none has. */
export interface StatusStatistics {
  status: ExecutionStatus;
  count: number;
  averageMs: number | null;
  minMs: number | null;
  maxMs: number | null;
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
  /** When the first and the last of them started. */
  first: Date | null;
  last: Date | null;
}

/** Durations of a machine's executions by status; only of statuses that there are. Reads them all. */
export async function executionStatistics(
  pool: pg.Pool,
  filter: Pick<ExecutionFilter, 'stateMachineId' | 'startedAfter' | 'startedBefore'>,
): Promise<StatusStatistics[]> {
  const where = conditionsOf(filter);
  const { rows } = await pool.query<StatusStatistics & { percentiles: [number, number, number] | null }>(
    `SELECT status, count(*)::float8 AS count, avg(ms) AS "averageMs", min(ms) AS "minMs", max(ms) AS "maxMs",
       percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ms) AS percentiles,
       min(start_time) AS first, max(start_time) AS last
     FROM (
       SELECT e.status, e.start_time, (extract(epoch FROM e.end_time - e.start_time) * 1000)::float8 AS ms
       FROM executions e ${where.sql}
     ) d GROUP BY status`,
    where.values,
  );
  return rows.map(({ percentiles, ...row }) => ({
    ...row,
    averageMs: toMicroseconds(row.averageMs),
    p50Ms: toMicroseconds(percentiles?.[0] ?? null),
    p95Ms: toMicroseconds(percentiles?.[1] ?? null),
    p99Ms: toMicroseconds(percentiles?.[2] ?? null),
  }));
}

/** What lies between two durations, or is their mean, is known no finer than PostgreSQL's clock counts. */
function toMicroseconds(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 1000) / 1000;
}

/** From now on its end is told on the channel of endings. Answers false when it has ended, or there is none. */
export async function markWaited(pool: pg.Pool, id: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    'UPDATE executions SET waited = true WHERE id = $1 AND end_time IS NULL',
    [id],
  );
  return rowCount === 1;
}

const COLUMNS = `e.id AS "executionId", e.state_machine_id AS "stateMachineId", e.version, e.name, e.status,
  ${CURRENT_STATE} AS "currentState", e.input, e.output, e.error, e.cause, e.start_time AS "startTime",
  e.end_time AS "endTime", e.queue, e.batch_id AS "batchId", e.source_execution_id AS "sourceExecutionId",
  e.parent_id AS "parentExecutionId", e.redrive_count AS "redriveCount", e.redrive_date AS "redriveDate",
  e.paused_at AS "pausedAt", e.pause_reason AS "pauseReason", e.held_at AS "heldAt",
  e.schedule_id AS "scheduleId", e.scheduled_for AS "scheduledTime"`;
