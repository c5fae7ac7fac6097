/**
 * The hot statement: one flush of the journal writer.
 *
 * It locks the worker's own row first (the fence: the reaper's DELETE waits for it, and finds nothing of
 * a dead worker coming in later), inserts the checkpoints, and carries out the parks and the ends that
 * come with them, with the batch's counters and the queue's totals, all or nothing.
 *
 * - `FOR KEY SHARE` on one row per worker costs 2 % and was the only variant of six that let no stale
 *   takeover through, under processes stealing from each other and killed backends.
 * - The park looks at `inbox_seq` of the row itself, not at the inbox table: under READ COMMITTED a
 *   statement that waited for the row's lock sees the row's new version, but not rows of other tables
 *   that were committed meanwhile.
 * - A plain INSERT: `ON CONFLICT DO NOTHING` costs 5 to 6 % and is needed only after an unknown outcome,
 *   which the writer settles by asking (see journal.ts).
 * - Plan: Nested Loop over unnest with Index Scan on executions_pkey; 1 row locked in workers.
 */
import { batchEndRule, MAP_RUN_CALLS, MAP_RUN_CHANNEL } from './batch-end.js';

export const FLUSH = `
WITH me AS MATERIALIZED (
  SELECT id FROM workers WHERE id = $1 FOR KEY SHARE
), appended AS (
  INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, current_state, events, frames)
  SELECT r.* FROM me, unnest($2::uuid[], $3::int[], $4::int[], $5::int[], $6::int[], $7::text[], $8::text[], $9::text[]) r
  RETURNING 1
), parked AS (
  UPDATE executions e SET
    owner = NULL,
    faults = 0,
    recoveries = CASE WHEN p.answered = 1 THEN 0 ELSE e.recoveries END,
    current_state = p.current_state,
    wake_at = CASE WHEN e.paused_at IS NOT NULL THEN NULL WHEN e.inbox_seq > p.inbox_seq THEN now() ELSE to_timestamp(p.wake_ms / 1000) END,
    snapshot = CASE WHEN p.snapshot IS NULL THEN e.snapshot ELSE p.snapshot END,
    snapshot_seq = CASE WHEN p.snapshot IS NULL THEN e.snapshot_seq ELSE p.snapshot_seq END
  FROM me, unnest($10::uuid[], $11::int[], $12::float8[], $13::int[], $14::text[], $15::text[], $16::int[], $27::int[])
    p (id, epoch, wake_ms, inbox_seq, current_state, snapshot, snapshot_seq, answered)
  WHERE e.id = p.id AND e.owner = me.id AND e.epoch = p.epoch
  RETURNING e.id, e.inbox_seq > p.inbox_seq AND e.paused_at IS NULL AS woken
), ended AS (
  UPDATE executions e SET
    owner = NULL,
    wake_at = NULL,
    paused_at = NULL,
    pause_reason = NULL,
    snapshot = NULL,
    status = d.status,
    output = d.output,
    error = d.error,
    cause = d.cause,
    current_state = d.current_state,
    end_time = to_timestamp(d.end_ms / 1000)
  FROM me, unnest($17::uuid[], $18::int[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[], $24::float8[])
    d (id, epoch, status, output, error, cause, current_state, end_ms)
  WHERE e.id = d.id AND e.owner = me.id AND e.epoch = d.epoch AND e.status = 'RUNNING'
  RETURNING e.id, e.queue, e.status, e.batch_id, e.item_count, e.waited, e.notify_parent,
    CASE WHEN e.admitted_at IS NOT NULL THEN e.state_machine_id END AS left_place
), read_signals AS (
  DELETE FROM inbox i USING unnest($25::uuid[], $26::int[]) s (id, seq)
  WHERE i.execution_id = s.id AND i.seq <= s.seq AND EXISTS (SELECT 1 FROM me)
), totals AS (
  INSERT INTO queue_totals (queue, worker_id, succeeded, failed)
  SELECT queue, $1, count(*) FILTER (WHERE status = 'SUCCEEDED'), count(*) FILTER (WHERE status <> 'SUCCEEDED')
  FROM ended GROUP BY queue
  ON CONFLICT (queue, worker_id) DO UPDATE SET
    succeeded = queue_totals.succeeded + excluded.succeeded,
    failed = queue_totals.failed + excluded.failed
), members AS (
  SELECT batch_id AS id,
    count(*) FILTER (WHERE status = 'SUCCEEDED')::int AS succeeded,
    count(*) FILTER (WHERE status IN ('FAILED', 'TIMED_OUT'))::int AS failed,
    count(*) FILTER (WHERE status = 'TIMED_OUT')::int AS timed_out,
    count(*) FILTER (WHERE status = 'ABORTED')::int AS aborted,
    sum(items) FILTER (WHERE status = 'SUCCEEDED') AS items_succeeded,
    sum(items) FILTER (WHERE status IN ('FAILED', 'TIMED_OUT')) AS items_failed,
    sum(items) FILTER (WHERE status = 'TIMED_OUT') AS items_timed_out,
    sum(items) FILTER (WHERE status = 'ABORTED') AS items_aborted
  FROM (SELECT batch_id, status, coalesce(item_count, 1) AS items FROM ended WHERE batch_id IS NOT NULL) m
  GROUP BY batch_id
), locked AS (
  SELECT b.id FROM batches b WHERE b.id IN (SELECT id FROM members) ORDER BY b.id FOR NO KEY UPDATE
), counted AS (
  UPDATE batches b SET ${batchEndRule({
    succeeded: 'm.succeeded',
    failed: 'm.failed',
    timedOut: 'm.timed_out',
    aborted: 'm.aborted',
    items: {
      succeeded: 'coalesce(m.items_succeeded, 0)::int',
      failed: 'coalesce(m.items_failed, 0)::int',
      timedOut: 'coalesce(m.items_timed_out, 0)::int',
      aborted: 'coalesce(m.items_aborted, 0)::int',
    },
  })}
  FROM members m JOIN locked l ON l.id = m.id
  WHERE b.id = m.id
  RETURNING b.id, b.status, b.end_time, b.notify_parent, ${MAP_RUN_CALLS} AS calls
), called AS (
  SELECT count(pg_notify('${MAP_RUN_CHANNEL}', id::text)) AS n FROM counted WHERE calls
), told AS (
  SELECT count(pg_notify('escapement_ended', id::text)) AS n
  FROM (SELECT id FROM ended WHERE waited UNION ALL SELECT id FROM counted WHERE end_time IS NOT NULL) w
)
SELECT
  EXISTS (SELECT 1 FROM me) AS alive,
  (SELECT array_agg(id) FROM parked) AS parked,
  (SELECT array_agg(id) FROM parked WHERE woken) AS woken,
  (SELECT array_agg(id) FROM ended) AS ended,
  (SELECT array_agg(id) FROM counted WHERE status = 'STOPPING') AS stopping,
  (SELECT array_agg(id) FROM ended WHERE notify_parent) AS tell,
  (SELECT array_agg(id) FROM counted WHERE end_time IS NOT NULL AND notify_parent) AS tell_runs,
  (SELECT array_agg(DISTINCT left_place) FROM ended WHERE left_place IS NOT NULL) AS left_places,
  (SELECT n FROM told) AS told,
  (SELECT n FROM called) AS called
`;
