import type pg from 'pg';

/** Tables whose rows are of use only while their execution runs. */
type Leftover = 'inbox' | 'message_correlations';

/**
 * Deletes the rows of executions that have ended, a page of executions at a time.
 * @returns the last execution that was looked at; undefined: it came to the end.
 */
export async function clearLeftovers(
  pool: pg.Pool,
  table: Leftover,
  afterId: string,
  limit: number,
): Promise<string | undefined> {
  const { rows } = await pool.query<{ last: string | null; looked: number }>(
    `WITH page AS MATERIALIZED (
       SELECT execution_id FROM ${table} WHERE execution_id > $1 GROUP BY execution_id ORDER BY execution_id LIMIT $2
     ), gone AS (
       DELETE FROM ${table} t USING page p, executions e
       WHERE t.execution_id = p.execution_id AND e.id = p.execution_id AND e.end_time IS NOT NULL
     )
     SELECT max(execution_id::text) AS last, count(*)::int AS looked FROM page`,
    [afterId, limit],
  );
  const row = rows[0];
  return row === undefined || row.last === null || row.looked < limit ? undefined : row.last;
}
