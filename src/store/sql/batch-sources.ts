import { type ExecutionFilter, executionConditions } from '../execution-filter.js';

/** The executions that a batch is made from. */
export interface SourceFilter extends ExecutionFilter {
  limit?: number | undefined;
  offset?: number | undefined;
  /** Leaves out the sources that the batch's machine was run for already, with the same source state. */
  applyUnique?: boolean | undefined;
}

/**
 * Writes down the sources of a batch, in one statement and so as of one instant, oldest first, in chunks.
 * Plan: Index Scan on executions_state_machine_id_id_idx (or the primary key) in the order of ids, so a
 * limit ends it early; for applyUnique an anti join on executions_source_execution_id_idx.
 */
export function insertSources(
  batch: { batchId: string; stateMachineId: string; sourceStateName: string | undefined },
  filter: SourceFilter,
  chunkSize: number,
): { text: string; values: unknown[] } {
  const values: unknown[] = [batch.batchId, chunkSize];
  let conditions = executionConditions(filter, values);
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  if (filter.applyUnique === true) {
    conditions += ` AND NOT EXISTS (
      SELECT 1 FROM executions x WHERE x.source_execution_id = e.id
        AND x.state_machine_id = ${parameter(batch.stateMachineId)}
        AND x.source_state_name IS NOT DISTINCT FROM ${parameter(batch.sourceStateName ?? null)}::text)`;
  }
  const limit = filter.limit === undefined ? '' : `LIMIT ${parameter(filter.limit)}::bigint`;
  const offset = filter.offset === undefined ? '' : `OFFSET ${parameter(filter.offset)}::bigint`;
  const text = `
WITH receiving AS (
  UPDATE batches SET updated_at = now() WHERE id = $1 AND status = 'RECEIVING' RETURNING id
), sources AS (
  SELECT e.id FROM executions e WHERE ${conditions} ORDER BY e.id ${limit} ${offset}
), numbered AS (
  SELECT id, (row_number() OVER (ORDER BY id) - 1)::int AS n FROM sources
), chunks AS (
  INSERT INTO batch_chunks (batch_id, first_index, count, source_ids)
  SELECT r.id, s.n / $2::int * $2::int, count(*), array_agg(s.id ORDER BY s.n)
  FROM receiving r, numbered s GROUP BY r.id, s.n / $2::int
  RETURNING count
)
SELECT (SELECT count(*) FROM receiving)::int AS receiving, coalesce((SELECT sum(count) FROM chunks), 0)::int AS total`;
  return { text, values };
}
