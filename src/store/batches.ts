/** Batches, read: by id, in lists, and member by member. A batch that is RECEIVING is not there yet; map runs are in map-runs.ts. */
import type pg from 'pg';
import type { BatchMode, BatchStatus } from '../batches/index.js';
import { decodeCursor, encodeCursor, type PageOf, type PageQuery, pageOf } from './cursor.js';
import type { ExecutionStatus } from './execution-filter.js';
import { isUuid } from './ids.js';
import { BATCH_STOP_CHANNEL, batchCancelRule } from './sql/batch-end.js';

export interface BatchRow {
  batchId: string;
  stateMachineId: string;
  version: number;
  mode: BatchMode;
  status: Exclude<BatchStatus, 'RECEIVING'>;
  namePrefix: string;
  concurrency: number;
  stopOnError: boolean;
  queue: string;
  total: number;
  started: number;
  succeeded: number;
  failed: number;
  aborted: number;
  createdAt: Date;
  endTime: Date | null;
  /** The database's time at which it was read. */
  readAt: Date;
}

/** One member: an execution, or what would have become one if the batch had not been stopped: then its error is the batch's to tell. */
export interface MemberRow {
  index: number;
  sourceExecutionId: string | null;
  executionId: string | null;
  status: ExecutionStatus;
  error: string | null;
}

const COLUMNS = `id AS "batchId", state_machine_id AS "stateMachineId", version, mode, status, name_prefix AS "namePrefix",
  concurrency, stop_on_error AS "stopOnError", queue, total, started, succeeded, failed, aborted,
  created_at AS "createdAt", end_time AS "endTime", now() AS "readAt"`;

const OPEN = ['RUNNING', 'STOPPING', 'CANCELLING'];

/** A batch; undefined when there is none of this id, whatever the id looks like. */
export async function getBatch(pool: pg.Pool, batchId: string): Promise<BatchRow | undefined> {
  if (!isUuid(batchId)) return undefined;
  const { rows } = await pool.query<BatchRow>(
    `SELECT ${COLUMNS} FROM batches WHERE id = $1 AND status <> 'RECEIVING' AND mode <> 'mapRun'`,
    [batchId],
  );
  return rows[0];
}

/**
 * Newest first. RUNNING finds those that are being stopped too.
 * Plan: Index Scan Backward on batches_pkey, Filter.
 */
export async function listBatches(
  pool: pg.Pool,
  filter: { stateMachineId?: string | undefined; status?: string | undefined },
  { limit, cursor }: PageQuery,
): Promise<PageOf<BatchRow>> {
  const { rows } = await pool.query<BatchRow>(
    `SELECT ${COLUMNS} FROM batches
     WHERE status <> 'RECEIVING' AND mode <> 'mapRun'
       AND ($1::text IS NULL OR state_machine_id = $1)
       AND ($2::text[] IS NULL OR status = ANY($2))
       AND ($3::uuid IS NULL OR id < $3)
     ORDER BY id DESC LIMIT $4`,
    [
      filter.stateMachineId ?? null,
      filter.status === undefined ? null : filter.status === 'RUNNING' ? OPEN : [filter.status],
      cursor === undefined ? null : decodeCursor(LIST, cursor, ['uuid'])[0],
      limit + 1,
    ],
  );
  return pageOf(rows, limit, ({ batchId }) => encodeCursor(LIST, [batchId]));
}

const LIST = 'batches';

/**
 * Asks a batch to stop. What was never created is counted as aborted at once; the leader sees to the rest.
 * @returns the batch, `over` if it had ended before; undefined: there is none.
 */
export async function cancelBatch(
  pool: pg.Pool,
  batchId: string,
): Promise<{ batch: BatchRow; over: boolean } | undefined> {
  if (!isUuid(batchId)) return undefined;
  const { rows } = await pool.query<BatchRow>(
    `WITH cancelled AS (
       UPDATE batches b SET ${batchCancelRule()}
       WHERE b.id = $1 AND b.end_time IS NULL AND b.status <> 'RECEIVING' AND b.mode <> 'mapRun'
       RETURNING *
     ), told AS (
       SELECT count(pg_notify('escapement_ended', id::text)) AS n FROM cancelled WHERE end_time IS NOT NULL
     ), called AS (
       SELECT count(pg_notify('${BATCH_STOP_CHANNEL}', id::text)) AS n FROM cancelled WHERE end_time IS NULL
     )
     SELECT ${COLUMNS}, (SELECT n FROM told) AS told, (SELECT n FROM called) AS called FROM cancelled`,
    [batchId],
  );
  if (rows[0] !== undefined) return { batch: rows[0], over: false };
  const batch = await getBatch(pool, batchId);
  return batch && { batch, over: true };
}

/** A page of `listMembers`. While the batch runs, the last page is that of the members created so far. */
export async function pageMembers(
  pool: pg.Pool,
  batch: Pick<BatchRow, 'batchId' | 'status' | 'started' | 'total'>,
  { limit, cursor }: PageQuery,
): Promise<PageOf<MemberRow>> {
  const from = cursor === undefined ? 0 : decodeCursor(MEMBERS, cursor, ['integer'])[0];
  const found = await listMembers(pool, batch, from, limit + 1);
  return pageOf(found, limit, ({ index }) => encodeCursor(MEMBERS, [index + 1]));
}

const MEMBERS = 'members';

/**
 * Members from an index on, in order, at most `limit`. Those that were never created are there too, once
 * it is certain that they will not be.
 */
export async function listMembers(
  pool: pg.Pool,
  batch: Pick<BatchRow, 'batchId' | 'status' | 'started' | 'total'>,
  from: number,
  limit: number,
): Promise<MemberRow[]> {
  const members = from < batch.started ? await createdMembers(pool, batch.batchId, from, limit) : [];
  const next = from + members.length;
  const to = Math.min(from + limit, batch.total);
  if (batch.status === 'RUNNING' || next < batch.started || next >= to) return members;
  return [...members, ...(await uncreatedMembers(pool, batch.batchId, next, to))];
}

/** Plan: Index Scan on executions_batch_id_batch_index_idx. */
async function createdMembers(
  pool: pg.Pool,
  batchId: string,
  from: number,
  limit: number,
): Promise<MemberRow[]> {
  const { rows } = await pool.query<MemberRow>(
    `SELECT batch_index AS "index", source_execution_id AS "sourceExecutionId", id AS "executionId", status, error
     FROM executions WHERE batch_id = $1 AND batch_index >= $2 ORDER BY batch_index LIMIT $3`,
    [batchId, from, limit],
  );
  return rows;
}

/** Plan: for each index, Index Scan Backward on batch_chunks_pkey, one row. */
async function uncreatedMembers(
  pool: pg.Pool,
  batchId: string,
  from: number,
  to: number,
): Promise<MemberRow[]> {
  const { rows } = await pool.query<MemberRow>(
    `SELECT i AS "index", c.source_ids[i - c.first_index + 1] AS "sourceExecutionId", NULL::uuid AS "executionId",
       'ABORTED' AS status, NULL::text AS error
     FROM generate_series($2::int, $3::int - 1) i
     LEFT JOIN LATERAL (
       SELECT first_index, source_ids FROM batch_chunks WHERE batch_id = $1 AND first_index <= i
       ORDER BY first_index DESC LIMIT 1
     ) c ON true
     ORDER BY i`,
    [batchId, from, to],
  );
  return rows;
}
