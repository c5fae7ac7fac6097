/**
 * Ends members that no worker has ever claimed, some at a time, when their batch is being stopped.
 *
 * - `SKIP LOCKED`: one that is being claimed right now is as good as claimed; and nobody waits for anybody,
 *   so that there is no deadlock with flushes, which lock executions in an order of their own.
 * - Executions are locked before batches, as in the flush.
 * - Plan: Index Scan on executions_batch_id_batch_index_idx from the index given on, Limit.
 *
 * $1 worker, $2 batch, $3 from index, $4 limit, $5 error, $6 cause.
 */
import { batchEndRule } from './batch-end.js';
import { eventsOfUnstarted, framesOfUnstarted } from './batch-history.js';
import { GATE_CHANNEL } from './gate.js';

export const ABORT_UNCLAIMED = `
WITH me AS MATERIALIZED (
  SELECT id FROM workers WHERE id = $1 FOR KEY SHARE
), stopping AS MATERIALIZED (
  SELECT b.id FROM batches b, me WHERE b.id = $2 AND b.owner = me.id AND b.status IN ('STOPPING', 'CANCELLING')
), picked AS MATERIALIZED (
  SELECT e.id FROM executions e
  WHERE e.batch_id = (SELECT id FROM stopping) AND e.batch_index >= $3
    AND e.end_time IS NULL AND e.epoch = 0 AND e.owner IS NULL
  ORDER BY e.batch_index LIMIT $4
  FOR NO KEY UPDATE SKIP LOCKED
), ended AS (
  UPDATE executions e SET status = 'ABORTED', end_time = now(), wake_at = NULL, held_at = NULL, epoch = e.epoch + 1,
    error = $5, cause = $6
  FROM picked p WHERE e.id = p.id
  RETURNING e.id, e.batch_index, e.item_count, e.queue, e.input, e.error, e.cause, e.start_time, e.end_time, e.waited,
    CASE WHEN e.admitted_at IS NOT NULL THEN pg_notify('${GATE_CHANNEL}', e.state_machine_id)::text END AS called
), written AS (
  INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, events, frames)
  SELECT id, 1, 1, 1, 2, ${eventsOfUnstarted({
    status: 'ABORTED',
    input: 'input',
    startTime: 'start_time',
    endTime: 'end_time',
    error: 'error',
    cause: 'cause',
  })}, ${framesOfUnstarted('ABORTED')}
  FROM ended
), read_signals AS (
  DELETE FROM inbox WHERE execution_id IN (SELECT id FROM ended)
), locked AS (
  SELECT b.id FROM batches b WHERE b.id = (SELECT id FROM stopping) FOR NO KEY UPDATE
), counted AS (
  UPDATE batches b SET ${batchEndRule({
    succeeded: '0',
    failed: '0',
    aborted: '(SELECT count(*) FROM ended)::int',
    items: {
      succeeded: '0',
      failed: '0',
      aborted: '(SELECT coalesce(sum(coalesce(item_count, 1)), 0) FROM ended)::int',
    },
  })}
  FROM locked l WHERE b.id = l.id
  RETURNING b.id, b.end_time
), told AS (
  SELECT count(pg_notify('escapement_ended', id::text)) AS n
  FROM (SELECT id FROM ended WHERE waited UNION ALL SELECT id FROM counted WHERE end_time IS NOT NULL) w
), totals AS (
  INSERT INTO queue_totals (queue, worker_id, succeeded, failed)
  SELECT queue, $1, 0, count(*) FROM ended GROUP BY queue
  ON CONFLICT (queue, worker_id) DO UPDATE SET failed = queue_totals.failed + excluded.failed
)
SELECT (SELECT count(*) FROM ended)::int AS count, coalesce((SELECT max(batch_index) FROM ended), $3) AS last_index,
  (SELECT n FROM told) AS told`;
