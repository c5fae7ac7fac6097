/**
 * Executions whose time is up while children that they wait for run. Their doorbells wait for a slot, and those children may
 * have all of them: then only their parent's timeout would free one.
 */
import type pg from 'pg';

/** A parent that is due for longer than this has got no slot. */
const OVERDUE = "interval '1 s'";

export interface OverdueParents {
  parents: string[];
  /** The last child that was looked at; undefined: it came to the end. */
  last: string | undefined;
}

/** Walks through the children that are waited for, a page at a time. Plan: executions_awaited_idx, then primary keys. */
export async function overdueParents(pool: pg.Pool, afterId: string, limit: number): Promise<OverdueParents> {
  const { rows } = await pool.query<{ last: string | null; looked: number; parents: string[] | null }>(
    OVERDUE_PARENTS,
    [afterId, limit],
  );
  const { last, looked, parents } = rows[0] ?? { last: null, looked: 0, parents: null };
  return { parents: parents ?? [], last: last === null || looked < limit ? undefined : last };
}

/** The same for the children of distributed Maps. Plan: batches_open_idx, then the primary key. */
export async function overdueMapRunParents(pool: pg.Pool, limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT DISTINCT p.id FROM batches b, ${parentOf('b')}
     WHERE b.end_time IS NULL AND b.mode = 'mapRun' AND ${isOverdue('p')} ORDER BY p.id LIMIT $1`,
    [limit],
  );
  return rows.map(({ id }) => id);
}

/** By its primary key: OFFSET keeps the planner from reading all that is overdue, which may be a backlog of any length. */
function parentOf(child: string): string {
  return `LATERAL (SELECT e.id, e.end_time, e.owner, e.wake_at FROM executions e WHERE e.id = ${child}.parent_id OFFSET 0) p`;
}

/** What is paused has no `wake_at`. */
function isOverdue(row: string): string {
  return `${row}.end_time IS NULL AND ${row}.owner IS NULL AND ${row}.wake_at <= now() - ${OVERDUE}`;
}

/** $1 the child after which to begin, $2 how many. */
export const OVERDUE_PARENTS = `
WITH page AS MATERIALIZED (
  SELECT id, parent_id FROM executions WHERE notify_parent AND end_time IS NULL AND id > $1 ORDER BY id LIMIT $2
)
SELECT max(id::text) AS last, count(*)::int AS looked,
  (SELECT array_agg(DISTINCT p.id) FROM page c, ${parentOf('c')} WHERE ${isOverdue('p')}) AS parents
FROM page`;
