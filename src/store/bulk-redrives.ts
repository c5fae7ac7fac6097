/**
 * Redrives of all executions that a filter finds. What was asked for is a row with a cursor; workers advance it, a page in a
 * transaction, so it goes on whatever dies. Each execution is looked at once: those that had ended when it was asked for.
 */
import type pg from 'pg';
import type { Json } from '../std/json.js';
import { Conditions } from './conditions.js';
import { decodeCursor, encodeCursor, type PageOf, type PageQuery, pageOf } from './cursor.js';
import { conditionsOf, type ExecutionFilter } from './execution-filter.js';
import { isUuid, newId } from './ids.js';
import { withTransaction } from './own-session.js';
import { type Redriven, redriveExecutions } from './redrives.js';

/** Without a status: all that ended without success. */
export type BulkRedriveFilter = Omit<ExecutionFilter, 'status' | 'paused' | 'held'> & {
  status?: 'FAILED' | 'TIMED_OUT' | 'ABORTED';
};

export interface BulkRedriveRecord {
  redriveId: string;
  /** As it was asked for; instants as text. */
  filter: Json;
  redriven: number;
  /** Found, and not redriven: too old, of a deleted machine, or with nothing left to be taken up. */
  refused: number;
  /** It was cancelled before it had looked at all of them. */
  aborted: boolean;
  createdAt: Date;
  endTime: Date | null;
}

export type BulkRedriveStatus = 'RUNNING' | 'SUCCEEDED' | 'ABORTED';

/** Asks for the redrives. */
export async function createBulkRedrive(
  pool: pg.Pool,
  filter: BulkRedriveFilter,
): Promise<BulkRedriveRecord> {
  const { rows } = await pool.query<BulkRedriveRecord>(
    `INSERT INTO bulk_redrives AS r (id, filter, cursor, created_at) VALUES ($1, $2, $3, now()) RETURNING ${COLUMNS}`,
    [newId(), JSON.stringify(filter), FIRST],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('an insert returned nothing');
  return row;
}

/** undefined: there is none of this id. */
export async function findBulkRedrive(pool: pg.Pool, id: string): Promise<BulkRedriveRecord | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await pool.query<BulkRedriveRecord>(
    `SELECT ${COLUMNS} FROM bulk_redrives r WHERE r.id = $1`,
    [id],
  );
  return rows[0];
}

/** Newest first. Plan: Index Scan Backward on bulk_redrives_pkey; those that are open: bulk_redrives_open_idx. */
export async function listBulkRedrives(
  pool: pg.Pool,
  { status }: { status?: BulkRedriveStatus | undefined },
  { limit, cursor }: PageQuery,
): Promise<PageOf<BulkRedriveRecord>> {
  const where = new Conditions();
  if (status !== undefined) where.add(() => IN_STATUS[status]);
  if (cursor !== undefined) {
    const [before] = decodeCursor(LIST, cursor, ['uuid']);
    where.add((p) => `r.id < ${p(before)}`);
  }
  const { rows } = await pool.query<BulkRedriveRecord>(
    `SELECT ${COLUMNS} FROM bulk_redrives r ${where.sql} ORDER BY r.id DESC LIMIT ${where.place(limit + 1)}`,
    where.values,
  );
  return pageOf(rows, limit, ({ redriveId }) => encodeCursor(LIST, [redriveId]));
}

const LIST = 'redrives';

const IN_STATUS: Record<BulkRedriveStatus, string> = {
  RUNNING: 'r.end_time IS NULL',
  SUCCEEDED: 'r.end_time IS NOT NULL AND NOT r.aborted',
  ABORTED: 'r.end_time IS NOT NULL AND r.aborted',
};

/**
 * No further page is redriven; one that is under way is, and counted, first. What has been redriven stays so.
 * @returns the redrive, `over` if it had ended before; undefined: there is none.
 */
export async function cancelBulkRedrive(
  pool: pg.Pool,
  id: string,
): Promise<{ redrive: BulkRedriveRecord; over: boolean } | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await pool.query<BulkRedriveRecord>(
    `UPDATE bulk_redrives r SET aborted = true, end_time = now() WHERE r.id = $1 AND r.end_time IS NULL RETURNING ${COLUMNS}`,
    [id],
  );
  if (rows[0] !== undefined) return { redrive: rows[0], over: false };
  const redrive = await findBulkRedrive(pool, id);
  return redrive && { redrive, over: true };
}

/**
 * Redrives the next page of the oldest that is open.
 * @returns what is runnable again: somebody should ring. undefined: nothing is open, or others are at it.
 */
export function advanceBulkRedrives(pool: pg.Pool, limit: number): Promise<readonly Redriven[] | undefined> {
  return withTransaction(pool, async (session) => {
    const { rows } = await session.query<Open>(NEXT);
    const open = rows[0];
    if (open === undefined) return undefined;
    const where = conditionsOf(filterIn(open.filter));
    where.add((p) => `e.id > ${p(open.cursor)}`);
    where.add((p) => `e.end_time <= ${p(open.created_at)}`);
    where.add(() => "e.status IN ('FAILED', 'TIMED_OUT', 'ABORTED')");
    const { rows: found } = await session.query<{ id: string }>(
      `SELECT e.id FROM executions e ${where.sql} ORDER BY e.id LIMIT ${where.place(limit)}`,
      where.values,
    );
    const ids = found.map(({ id }) => id);
    const redriven = await redriveExecutions(session, ids);
    await session.query(ADVANCE, [
      open.id,
      ids.at(-1) ?? open.cursor,
      redriven.length,
      ids.length - redriven.length,
      ids.length < limit,
    ]);
    return redriven;
  });
}

interface Open {
  id: string;
  filter: StoredFilter;
  cursor: string;
  created_at: Date;
}

/** As JSON has it. */
type StoredFilter = Omit<BulkRedriveFilter, 'startedAfter' | 'startedBefore'> & {
  startedAfter?: string;
  startedBefore?: string;
};

/** Plan: bulk_redrives_open_idx. */
const NEXT = `
SELECT id, filter, cursor, created_at FROM bulk_redrives WHERE end_time IS NULL ORDER BY id LIMIT 1
FOR NO KEY UPDATE SKIP LOCKED`;

const ADVANCE = `
UPDATE bulk_redrives SET cursor = $2, redriven = redriven + $3, refused = refused + $4,
  end_time = CASE WHEN $5::bool THEN now() END
WHERE id = $1`;

const COLUMNS = `r.id AS "redriveId", r.filter, r.redriven, r.refused, r.aborted,
  r.created_at AS "createdAt", r.end_time AS "endTime"`;

const FIRST = '00000000-0000-0000-0000-000000000000';

function filterIn({ startedAfter, startedBefore, ...filter }: StoredFilter): ExecutionFilter {
  return {
    ...filter,
    ...(startedAfter !== undefined && { startedAfter: new Date(startedAfter) }),
    ...(startedBefore !== undefined && { startedBefore: new Date(startedBefore) }),
  };
}
