/**
 * Creates members of a batch, exactly once whoever tries.
 *
 * - The leader's own row in `workers` is locked first, as in every flush: a reaped leader creates nothing.
 * - The machine's row, if it has one, is locked next, FOR SHARE, as for a start: what is of a limited machine is held (gate.ts).
 *   A map run's children have no machine of their own, and no limit but the map run's.
 * - The batch's row is locked then, and must be where the leader believes it to be. Under READ COMMITTED a
 *   statement that waited for the lock sees the row's new version, so of two that try the same step the
 *   second finds `started` moved and creates nothing.
 * - A member without an input is FAILED from the start, with a whole history, and is counted here.
 * - A plain INSERT: a name that is taken (the prefix was used before) refuses the statement, which is then
 *   repeated in the second form, with an index probe for each name.
 * - Plan: Index Scan on workers_pkey and batches_pkey, one row each; Function Scan on unnest.
 */
import { batchEndRule } from './batch-end.js';
import { eventsOfUnstarted, framesOfUnstarted } from './batch-history.js';
import { callGate, isLimited } from './gate.js';

/** A map run's children are named by their own ids, as AWS names them by ids of its own. */
const PLAIN_NAME = `CASE WHEN h.mode = 'mapRun' THEN m.id::text ELSE h.name_prefix || '-' || (h.started + m.ordinal - 1) END`;

/** The end of a batch's id is random; its beginning is the time. */
const OTHER_NAME = `CASE WHEN NOT EXISTS (
    SELECT 1 FROM executions x WHERE x.state_machine_id = h.state_machine_id AND x.name = ${PLAIN_NAME})
  THEN ${PLAIN_NAME} ELSE ${PLAIN_NAME} || '-' || right(h.id::text, 8) END`;

/** $1 worker, $2 batch, $3 from, $4 ids, $5 inputs, $6 errors, $7 causes, $8 source executions, $9 how many have an error, $10 how many items each has (null: one), $11 how many all of them have. */
export const CREATE_MEMBERS = createMembers(PLAIN_NAME);

/** The same, where a name is taken: `<prefix>-<index>-<last 8 characters of the batch's id>`. */
export const CREATE_RENAMED_MEMBERS = createMembers(OTHER_NAME);

function createMembers(name: string): string {
  return `
WITH me AS MATERIALIZED (
  SELECT id FROM workers WHERE id = $1 FOR KEY SHARE
), machine AS MATERIALIZED (
  SELECT m.id, m.max_concurrent_executions, m.starts_per_second
  FROM me, batches b JOIN state_machines m ON m.id = b.state_machine_id WHERE b.id = $2
  FOR SHARE OF m
), held AS MATERIALIZED (
  SELECT b.id, b.state_machine_id, b.version, b.mode, b.name_prefix, b.queue, b.source_state_name, b.parent_id, b.started,
    coalesce(${isLimited('m')}, false) AS limited,
    coalesce((SELECT q.depth + 1 FROM executions q WHERE q.id = b.parent_id), 0) AS depth
  FROM me, batches b LEFT JOIN machine m ON true
  WHERE b.id = $2 AND b.owner = me.id AND b.status = 'RUNNING' AND b.started = $3
  FOR NO KEY UPDATE OF b
), made AS (
  INSERT INTO executions (id, state_machine_id, version, name, status, input, error, cause, start_time, end_time,
    queue, batch_id, batch_index, item_count, source_execution_id, source_state_name, parent_id, depth, wake_at, held_at)
  SELECT m.id, h.state_machine_id, h.version, ${name},
    CASE WHEN m.error IS NULL THEN 'RUNNING' ELSE 'FAILED' END, m.input, m.error, m.cause,
    now(), CASE WHEN m.error IS NOT NULL THEN now() END,
    h.queue, h.id, h.started + m.ordinal - 1, m.items, m.source_id,
    CASE WHEN m.source_id IS NOT NULL THEN h.source_state_name END,
    h.parent_id, h.depth,
    CASE WHEN m.error IS NULL AND NOT h.limited THEN now() END,
    CASE WHEN m.error IS NULL AND h.limited THEN now() END
  FROM held h, unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::uuid[], $10::int[])
    WITH ORDINALITY m (id, input, error, cause, source_id, items, ordinal)
  RETURNING id, queue, input, error, cause, start_time, end_time
), written AS (
  INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, events, frames)
  SELECT id, 1, 0, 1, 2, ${eventsOfUnstarted({
    status: 'FAILED',
    input: 'input',
    startTime: 'start_time',
    endTime: 'end_time',
    error: 'error',
    cause: 'cause',
  })}, ${framesOfUnstarted('FAILED')}
  FROM made WHERE error IS NOT NULL
), counted AS (
  UPDATE batches b SET ${batchEndRule({
    succeeded: '0',
    failed: '$9::int',
    aborted: '0',
    started: 'cardinality($4::uuid[])',
    items: { succeeded: '0', failed: '$9::int', aborted: '0', started: '$11::int' },
  })}
  FROM held h WHERE b.id = h.id
  RETURNING b.id, b.end_time
), told AS (
  SELECT count(pg_notify('escapement_ended', id::text)) AS n FROM counted WHERE end_time IS NOT NULL
), totals AS (
  INSERT INTO queue_totals (queue, worker_id, succeeded, failed)
  SELECT queue, $1, 0, count(*) FROM made WHERE error IS NOT NULL GROUP BY queue
  ON CONFLICT (queue, worker_id) DO UPDATE SET failed = queue_totals.failed + excluded.failed
)
SELECT (SELECT count(*) FROM counted)::int AS moved, (SELECT n FROM told) AS told,
  (SELECT ${callGate('m')} FROM machine m) AS called`;
}
