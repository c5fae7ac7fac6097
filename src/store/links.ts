/** Links: what an execution came from, and what came of it. */
import type pg from 'pg';
import { decodeCursor, encodeCursor, type PageOf, type PageQuery, pageOf } from './cursor.js';

/** What the other end of a link is to the execution. */
export type Relation = 'source' | 'parent' | 'batch' | 'mapRun' | 'chained' | 'child';

export interface LinkRow {
  relation: Relation;
  /** Of an execution; of a batch or a map run where the relation says so. */
  id: string;
  stateMachineId: string;
  /** An execution's, a map run's Map state, or the prefix of a batch's members. */
  name: string;
  status: string;
  /** Chaining: the state whose output was taken; null: the execution's own was. */
  stateName: string | null;
  startTime: Date;
}

/**
 * What an execution came from, at most one of each relation.
 * Plan: Index Scans on executions_pkey and batches_pkey, one row each.
 */
export async function readOrigins(pool: pg.Pool, executionId: string): Promise<LinkRow[]> {
  const { rows } = await pool.query<LinkRow>(
    `WITH own AS MATERIALIZED (
       SELECT source_execution_id, source_state_name, parent_id, batch_id FROM executions WHERE id = $1
     )
     SELECT 'source' AS relation, ${ofExecution('own.source_state_name')}
     FROM own JOIN executions e ON e.id = own.source_execution_id
     UNION ALL
     SELECT 'parent', ${ofExecution('NULL::text')} FROM own JOIN executions e ON e.id = own.parent_id
     UNION ALL
     SELECT CASE WHEN b.mode = 'mapRun' THEN 'mapRun' ELSE 'batch' END, ${OF_BATCH}
     FROM own JOIN batches b ON b.id = own.batch_id`,
    [executionId],
  );
  return rows;
}

/**
 * What came of an execution, newest first: executions chained from it, children that its states started, and its map
 * runs, whose children are theirs.
 * Plan: Index Scans on executions_source_execution_id_idx, executions_parent_id_parent_key_key and
 * batches_parent_id_idx, each of them sorted: what one execution leads to is never much.
 */
export async function listOutcomes(
  pool: pg.Pool,
  executionId: string,
  { limit, cursor }: PageQuery,
): Promise<PageOf<LinkRow>> {
  const [beforeTime, beforeId] =
    cursor === undefined ? [null, null] : decodeCursor(LIST, cursor, ['instant', 'uuid']);
  const { rows } = await pool.query<LinkRow>(LIST_OUTCOMES, [executionId, beforeTime, beforeId, limit + 1]);
  return pageOf(rows, limit, ({ startTime, id }) => encodeCursor(LIST, [startTime.getTime(), id]));
}

const LIST = 'links';

function ofExecution(stateName: string): string {
  return `e.id, e.state_machine_id AS "stateMachineId", e.name, e.status, ${stateName} AS "stateName", e.start_time AS "startTime"`;
}

/** While its rest is being stopped it still runs. */
const OF_BATCH = `b.id, b.state_machine_id AS "stateMachineId", coalesce(b.map_state, b.name_prefix) AS name,
  CASE WHEN b.status IN ('STOPPING', 'CANCELLING') THEN 'RUNNING' ELSE b.status END AS status,
  NULL::text AS "stateName", b.created_at AS "startTime"`;

/** $1 execution, $2 and $3 the last link of the page before, $4 how many. */
export const LIST_OUTCOMES = `
SELECT relation, id, "stateMachineId", name, status, "stateName", "startTime" FROM (
  SELECT 'chained' AS relation, ${ofExecution('e.source_state_name')}
  FROM executions e WHERE e.source_execution_id = $1
  UNION ALL
  SELECT 'child', ${ofExecution('NULL::text')}
  FROM executions e WHERE e.parent_id = $1 AND e.parent_key IS NOT NULL
  UNION ALL
  SELECT 'mapRun', ${OF_BATCH}
  FROM batches b WHERE b.parent_id = $1 AND b.mode = 'mapRun' AND b.status <> 'RECEIVING'
) links
WHERE $2::float8 IS NULL OR ("startTime", id) < (to_timestamp($2 / 1000), $3::uuid)
ORDER BY "startTime" DESC, id DESC LIMIT $4`;
