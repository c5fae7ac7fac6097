/** What became of a map run's children, in the order of the items, read a page at a time. */
import type pg from 'pg';
import { splitInputs } from './batch-leading.js';
import type { ExecutionStatus } from './execution-filter.js';

export interface ChildRow {
  index: number;
  /** Also its name. undefined: it was never created, since the run was stopped before. */
  executionId: string | undefined;
  status: ExecutionStatus | 'PENDING';
  /** JSON text. */
  input: string;
  /** JSON text. */
  output: string | null;
  error: string | null;
  cause: string | null;
  startTime: Date | null;
  endTime: Date | null;
}

interface ChildReading {
  /** The children's inputs, and those that were never created: what a ResultWriter writes. */
  whole: boolean;
}

/** All children of a map run; a page in memory, and no more. */
export async function* readMapRunChildren(
  pool: pg.Pool,
  mapRunId: string,
  { whole }: ChildReading,
): AsyncGenerator<ChildRow, void, undefined> {
  let next = 0;
  for (;;) {
    const { rows } = await pool.query<ChildRow>({
      name: 'map_run_children',
      text: CHILDREN,
      values: [mapRunId, next, PAGE_ROWS, PAGE_BYTES, whole],
    });
    const last = rows.at(-1);
    if (last === undefined) break;
    yield* rows;
    next = last.index + 1;
  }
  if (whole) yield* neverCreated(pool, mapRunId, next);
}

const PAGE_ROWS = 500;
const PAGE_BYTES = 4 * 1024 * 1024;

/**
 * $1 map run, $2 from index, $3 rows, $4 bytes, $5 whether a succeeded child's input is wanted too. At least one row, if there is any.
 * Plan: Index Scan on executions_batch_id_batch_index_idx, Limit; the window adds up sizes without fetching values.
 */
const CHILDREN = `
SELECT batch_index AS "index", id AS "executionId", status, CASE WHEN $5 OR status <> 'SUCCEEDED' THEN input ELSE 'null' END AS input,
  output, error, cause, start_time AS "startTime", end_time AS "endTime"
FROM (
  SELECT c.*, sum(c.bytes) OVER (ORDER BY c.batch_index) - c.bytes AS before
  FROM (
    SELECT id, batch_index, status, input, output, error, cause, start_time, end_time,
      octet_length(input) + coalesce(octet_length(output), 0) AS bytes
    FROM executions WHERE batch_id = $1 AND batch_index >= $2 ORDER BY batch_index LIMIT $3
  ) c
) p WHERE before < $4 ORDER BY batch_index`;

/** Plan: Index Scan on batch_chunks_pkey, a chunk at a time. */
async function* neverCreated(pool: pg.Pool, mapRunId: string, from: number): AsyncGenerator<ChildRow> {
  let next = from;
  for (;;) {
    const { rows } = await pool.query<{ first_index: number; count: number; inputs: string }>(
      `SELECT first_index, count, inputs FROM batch_chunks
       WHERE batch_id = $1 AND first_index + count > $2 ORDER BY first_index LIMIT 1`,
      [mapRunId, next],
    );
    const [chunk] = rows;
    if (chunk === undefined) return;
    const inputs = splitInputs(chunk.inputs);
    for (let at = next - chunk.first_index; at < inputs.length; at++) {
      const input = inputs[at];
      if (input === undefined) break;
      yield {
        index: chunk.first_index + at,
        executionId: undefined,
        status: 'PENDING',
        input,
        output: null,
        error: null,
        cause: null,
        startTime: null,
        endTime: null,
      };
    }
    next = chunk.first_index + chunk.count;
  }
}
