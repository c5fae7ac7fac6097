import type pg from 'pg';
import { type Sample, Void } from '../contender.js';
import { STEPS } from '../orders.js';

/**
 * Looks into the database whether the executions of a machine have all succeeded, each with a history
 * without a gap and as long as the others'.
 * @throws Void when they have not.
 */
export async function checkExecutions(
  pool: pg.Pool,
  stateMachineId: string,
  wanted: number,
): Promise<Sample> {
  const { rows } = await pool.query<Facts>(FACTS, [stateMachineId]);
  const facts = rows[0];
  if (facts === undefined) throw new Void('the database did not say what is there');
  const { total, succeeded, gaps, shortest, longest, bytes } = facts;
  if (total !== wanted) throw new Void(`${wanted} executions were started, ${total} are there`);
  if (succeeded !== wanted) throw new Void(`${succeeded} of ${wanted} executions succeeded`);
  if (gaps > 0) throw new Void(`${gaps} histories have gaps`);
  if (shortest !== longest) throw new Void(`histories have from ${shortest} to ${longest} events`);
  return { historyBytesPerState: bytes / STEPS.length };
}

interface Facts {
  total: number;
  succeeded: number;
  gaps: number;
  shortest: number;
  longest: number;
  bytes: number;
}

const FACTS = `
WITH histories AS (
  SELECT e.status, coalesce(h.events, 0) AS events, coalesce(h.bytes, 0) AS bytes,
    h.events IS NOT DISTINCT FROM h.last AND h.first = 1 AS whole
  FROM executions e
  LEFT JOIN (
    SELECT execution_id, sum(event_count) AS events, min(first_event_id) AS first,
      max(first_event_id + event_count - 1) AS last, sum(octet_length(events)) AS bytes
    FROM journal GROUP BY execution_id
  ) h ON h.execution_id = e.id
  WHERE e.state_machine_id = $1
)
SELECT count(*)::int AS total, count(*) FILTER (WHERE status = 'SUCCEEDED')::int AS succeeded,
  count(*) FILTER (WHERE whole IS NOT TRUE)::int AS gaps,
  coalesce(min(events), 0)::int AS shortest, coalesce(max(events), 0)::int AS longest,
  coalesce(avg(bytes), 0)::float8 AS bytes
FROM histories
`;
