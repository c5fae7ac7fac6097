import { conditionsOf, type ExecutionFilter } from '../execution-filter.js';

/** The executions that a batch is made from. */
export interface SourceFilter extends ExecutionFilter {
  limit?: number | undefined;
  offset?: number | undefined;
  /**
   * Leaves out the sources that the batch's machine was run for already, with the same source state. One that
   * ended without entering a state was never run: its source had no output, or it was stopped before its turn.
   */
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
  const where = conditionsOf(filter);
  if (filter.applyUnique === true) {
    where.add(
      (p) => `NOT EXISTS (
      SELECT 1 FROM executions x WHERE x.source_execution_id = e.id
        AND x.state_machine_id = ${p(batch.stateMachineId)}
        AND x.source_state_name IS NOT DISTINCT FROM ${p(batch.sourceStateName ?? null)}::text
        AND (x.end_time IS NULL OR x.current_state IS NOT NULL))`,
    );
  }
  const limit = filter.limit === undefined ? '' : `LIMIT ${where.place(filter.limit)}::bigint`;
  const offset = filter.offset === undefined ? '' : `OFFSET ${where.place(filter.offset)}::bigint`;
  const id = where.place(batch.batchId);
  const size = `${where.place(chunkSize)}::int`;
  const text = `
WITH receiving AS (
  UPDATE batches SET updated_at = now() WHERE id = ${id} AND status = 'RECEIVING' RETURNING id
), sources AS (
  SELECT e.id FROM executions e ${where.sql} ORDER BY e.id ${limit} ${offset}
), numbered AS (
  SELECT id, (row_number() OVER (ORDER BY id) - 1)::int AS n FROM sources
), chunks AS (
  INSERT INTO batch_chunks (batch_id, first_index, count, source_ids)
  SELECT r.id, s.n / ${size} * ${size}, count(*), array_agg(s.id ORDER BY s.n)
  FROM receiving r, numbered s GROUP BY r.id, s.n / ${size}
  RETURNING count
)
SELECT (SELECT count(*) FROM receiving)::int AS receiving, coalesce((SELECT sum(count) FROM chunks), 0)::int AS total`;
  return { text, values: where.values };
}
