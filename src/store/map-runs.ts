/** Map runs, read; and what becomes of them between their parents and their children. */
import type pg from 'pg';
import type { BatchStatus } from '../batches/index.js';
import { decodeCursor, encodeCursor, type PageOf, type PageQuery, pageOf } from './cursor.js';
import { isUuid } from './ids.js';
import { BATCH_STOP_CHANNEL, batchCancelRule } from './sql/batch-end.js';
import { WOKEN, type Woken, type WokenRow, wakeWith, wokenOf } from './waking.js';

export interface MapRunRow {
  mapRunId: string;
  /** The execution whose Map state it belongs to. */
  parentId: string;
  /** Of the children. */
  stateMachineId: string;
  version: number;
  label: string;
  mapState: string;
  status: Exclude<BatchStatus, 'RECEIVING'>;
  queue: string;
  /** 0: no limit of the definition's. */
  maxConcurrency: number;
  toleratedCount: number | null;
  toleratedPercentage: number | null;
  executions: MapRunCounts;
  items: MapRunCounts;
  startTime: Date;
  endTime: Date | null;
  redriveCount: number;
  redriveDate: Date | null;
}

/** `failed` counts neither those that timed out nor those that were aborted; aborted are also those never started. */
export interface MapRunCounts {
  total: number;
  /** Ended without success, and to be taken up again by a redrive. */
  toRedrive: number;
  started: number;
  succeeded: number;
  failed: number;
  timedOut: number;
  aborted: number;
}

const COLUMNS = `id AS "mapRunId", parent_id AS "parentId", state_machine_id AS "stateMachineId", version, label,
  map_state AS "mapState", status, queue, concurrency AS "maxConcurrency", tolerated_count AS "toleratedCount",
  tolerated_percentage AS "toleratedPercentage", created_at AS "startTime", end_time AS "endTime",
  redrive_count AS "redriveCount", redrive_date AS "redriveDate",
  json_build_object('total', total, 'toRedrive', to_redrive, 'started', started, 'succeeded', succeeded, 'failed', failed - timed_out,
    'timedOut', timed_out, 'aborted', aborted) AS executions,
  json_build_object('total', item_total, 'toRedrive', items_to_redrive, 'started', items_started, 'succeeded', items_succeeded,
    'failed', items_failed - items_timed_out, 'timedOut', items_timed_out, 'aborted', items_aborted) AS items`;

/** A map run; undefined when there is none of this id, or its items are still being read. */
export async function getMapRun(pool: pg.Pool, mapRunId: string): Promise<MapRunRow | undefined> {
  if (!isUuid(mapRunId)) return undefined;
  const { rows } = await pool.query<MapRunRow>(
    `SELECT ${COLUMNS} FROM batches WHERE id = $1 AND mode = 'mapRun' AND status <> 'RECEIVING'`,
    [mapRunId],
  );
  return rows[0];
}

/** Those of an execution, newest first. Plan: Index Scan on batches_parent_id_idx, Sort. */
export async function listMapRuns(
  pool: pg.Pool,
  parentId: string,
  { limit, cursor }: PageQuery,
): Promise<PageOf<MapRunRow>> {
  const [beforeTime, beforeId] =
    cursor === undefined ? [null, null] : decodeCursor(LIST, cursor, ['instant', 'uuid']);
  const { rows } = await pool.query<MapRunRow>(
    `SELECT ${COLUMNS} FROM batches
     WHERE parent_id = $1 AND mode = 'mapRun' AND status <> 'RECEIVING'
       AND ($2::float8 IS NULL OR (created_at, id) < (to_timestamp($2 / 1000), $3::uuid))
     ORDER BY created_at DESC, id DESC LIMIT $4`,
    [parentId, beforeTime, beforeId, limit + 1],
  );
  return pageOf(rows, limit, ({ startTime, mapRunId }) =>
    encodeCursor(LIST, [startTime.getTime(), mapRunId]),
  );
}

const LIST = 'map-runs';

/**
 * Tells the parents of map runs that are over, each once whoever tells and however often.
 * @returns who has been woken. One statement a run: a statement that wrote to several parents could wait for a
 *   flush that waits for it.
 */
export async function tellMapRunParents(pool: pg.Pool, mapRunIds: readonly string[]): Promise<Woken[]> {
  const woken: Woken[] = [];
  for (const id of mapRunIds) {
    const { rows } = await pool.query<WokenRow>(TELL, [id]);
    const parent = wokenOf(rows[0]);
    if (parent !== undefined) woken.push(parent);
  }
  return woken;
}

/**
 * The run's row is taken by who comes first; a second waits for it, and finds nothing to tell. The rows of ended
 * runs are locked by nobody else, so the order (run, parent) is safe.
 */
const TELL = `
WITH told AS (
  UPDATE batches b SET notify_parent = false
  WHERE b.id = $1 AND b.notify_parent AND b.end_time IS NOT NULL AND b.mode = 'mapRun'
  RETURNING b.parent_id AS execution_id, json_build_object('frameId', b.parent_frame, 'key', b.parent_key,
    'run', json_strip_nulls(json_build_object(
      'status', b.status,
      'error', CASE WHEN b.status = 'FAILED' THEN 'States.ExceedToleratedFailureThreshold' END,
      'cause', CASE WHEN b.status = 'FAILED' THEN 'The specified tolerated failure threshold was exceeded' END,
      'total', b.total, 'succeeded', b.succeeded, 'failed', b.failed - b.timed_out, 'timedOut', b.timed_out,
      'aborted', b.aborted)))::text AS data
), ${wakeWith('told', "'mapRunEnded'")}
SELECT ${WOKEN} FROM woken w`;

/** Map runs that are over and whose parents have not heard: what a crash left. Plan: Index Scan on batches_untold_idx. */
export async function untoldMapRuns(pool: pg.Pool, limit = 1000): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    'SELECT id FROM batches WHERE notify_parent AND end_time IS NOT NULL ORDER BY id LIMIT $1',
    [limit],
  );
  return rows.map(({ id }) => id);
}

/** A map run that is being stopped, and wants a leader. */
interface StoppingMapRun {
  mapRunId: string;
  queue: string;
}

/**
 * Nobody waits for it any more: its children are stopped, and its parent is not told. One whose items are
 * still being read is gone. One that is waited for under another key since, after a redrive, is let be.
 * @returns where to ring for a leader; undefined: there is nothing to stop.
 */
export async function cancelMapRun(
  pool: pg.Pool,
  mapRunId: string,
  parentKey: string,
): Promise<StoppingMapRun | undefined> {
  const [run] = await cancel(pool, '', 'b.id = $1 AND b.parent_key = $2', [mapRunId, parentKey]);
  if (run !== undefined) return run;
  await pool.query(
    `WITH gone AS (
       DELETE FROM batches WHERE id = $1 AND parent_key = $2 AND mode = 'mapRun' AND status = 'RECEIVING' RETURNING id
     )
     DELETE FROM batch_chunks c USING gone g WHERE c.batch_id = g.id`,
    [mapRunId, parentKey],
  );
  return undefined;
}

/**
 * The same for those whose parent has ended: what a crash left between a parent's end and the release.
 * Plan: Index Scan on batches_open_idx, Index Scan on executions_pkey for each.
 */
export function cancelOrphanedMapRuns(pool: pg.Pool): Promise<StoppingMapRun[]> {
  return cancel(pool, 'JOIN executions p ON true', 'p.id = b.parent_id AND p.end_time IS NOT NULL', []);
}

async function cancel(
  pool: pg.Pool,
  joined: string,
  which: string,
  values: readonly unknown[],
): Promise<StoppingMapRun[]> {
  const { rows } = await pool.query<{ id: string; queue: string }>(
    `WITH picked AS MATERIALIZED (
       SELECT b.id FROM batches b ${joined}
       WHERE ${which} AND b.mode = 'mapRun' AND b.end_time IS NULL AND b.status IN ('RUNNING', 'STOPPING')
       ORDER BY b.id FOR NO KEY UPDATE OF b
     ), cancelled AS (
       UPDATE batches b SET ${batchCancelRule()}, notify_parent = false FROM picked p WHERE b.id = p.id
       RETURNING b.id, b.queue, b.end_time
     ), called AS (
       SELECT count(pg_notify('${BATCH_STOP_CHANNEL}', id::text)) AS n FROM cancelled WHERE end_time IS NULL
     )
     SELECT id, queue, (SELECT n FROM called) AS called FROM cancelled WHERE end_time IS NULL`,
    [...values],
  );
  return rows.map(({ id, queue }) => ({ mapRunId: id, queue }));
}
