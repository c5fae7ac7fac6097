/** A map run of a redriven execution: begun again, and its unsuccessful children taken up again, so many at a time. */
import { batchEndRule } from './batch-end.js';
import { keptIn } from './redrive.js';

/**
 * Begins a map run again that is over, once for its parent's key. What has not succeeded is counted as if it had never ended;
 * what was never created will be. Nobody can be counting: it is over.
 * Plan: batches_pkey. $1 map run, $2 the parent's frame, $3 its key.
 */
export const BEGIN_MAP_RUN_AGAIN = `
UPDATE batches b SET
  status = CASE WHEN b.succeeded = b.total THEN 'SUCCEEDED' ELSE 'RUNNING' END,
  end_time = CASE WHEN b.succeeded = b.total THEN now() END,
  failed = 0, timed_out = 0, aborted = 0,
  items_failed = 0, items_timed_out = 0, items_aborted = 0,
  to_redrive = b.started - b.succeeded,
  items_to_redrive = b.items_started - b.items_succeeded,
  redrive_index = 0,
  redrive_count = b.redrive_count + 1,
  redrive_date = now(),
  parent_frame = $2, parent_key = $3, notify_parent = true,
  owner = NULL, updated_at = now()
WHERE b.id = $1 AND b.mode = 'mapRun' AND b.end_time IS NOT NULL AND b.parent_key <> $3`;

/**
 * Takes up children again that have ended without success, in the order of their indices, for a leader.
 *
 * - The worker's own row and the batch's are locked first, as in the creation of members: the second of two that try the same
 *   step finds the index moved on.
 * - A child that left what a redrive needs goes on from there. Another (an Express one, one that was never taken up) begins
 *   anew, without the history that it had.
 * - Where there are fewer than were counted, the rest counts as aborted: the run must end.
 * - Plan: Index Scan on executions_batch_id_batch_index_idx; journal_pkey for each.
 *
 * $1 worker, $2 batch, $3 from, $4 limit.
 */
export const REDRIVE_MEMBERS = `
WITH me AS MATERIALIZED (
  SELECT id FROM workers WHERE id = $1 FOR KEY SHARE
), held AS MATERIALIZED (
  SELECT b.id FROM batches b, me
  WHERE b.id = $2 AND b.owner = me.id AND b.status = 'RUNNING' AND b.redrive_index = $3 AND b.to_redrive > 0
  FOR NO KEY UPDATE OF b
), picked AS MATERIALIZED (
  SELECT e.id, e.batch_index, coalesce(e.item_count, 1) AS items, coalesce(j.kept, false) AS kept, j.seq
  FROM held h
  JOIN executions e ON e.batch_id = h.id
  LEFT JOIN LATERAL (
    SELECT j.seq, ${keptIn('j.frames')} AS kept FROM journal j WHERE j.execution_id = e.id ORDER BY j.seq DESC LIMIT 1
  ) j ON true
  WHERE e.batch_index >= $3 AND e.status IN ('FAILED', 'TIMED_OUT', 'ABORTED')
  ORDER BY e.batch_index LIMIT $4
  FOR NO KEY UPDATE OF e
), forgotten AS (
  DELETE FROM journal j USING picked p WHERE j.execution_id = p.id AND NOT p.kept
), unheard AS (
  DELETE FROM inbox i USING picked p WHERE i.execution_id = p.id AND NOT p.kept
), revived AS (
  UPDATE executions e SET
    status = 'RUNNING',
    start_time = CASE WHEN p.kept THEN e.start_time ELSE now() END,
    end_time = NULL,
    output = NULL,
    error = NULL,
    cause = NULL,
    current_state = CASE WHEN p.kept THEN e.current_state END,
    faults = 0,
    recoveries = 0,
    snapshot = NULL,
    snapshot_seq = CASE WHEN p.kept THEN p.seq - 1 ELSE 0 END,
    wake_at = now(),
    inbox_seq = e.inbox_seq + CASE WHEN p.kept THEN 1 ELSE 0 END,
    redrive_count = e.redrive_count + CASE WHEN p.kept THEN 1 ELSE 0 END,
    redrive_date = CASE WHEN p.kept THEN now() ELSE e.redrive_date END
  FROM picked p WHERE e.id = p.id
  RETURNING e.id, e.inbox_seq, e.redrive_count, e.redrive_date, p.kept, p.batch_index
), signalled AS (
  INSERT INTO inbox (execution_id, seq, kind, data, created_at)
  SELECT id, inbox_seq, 'redrive', '{"redriveCount":' || redrive_count || '}', now() FROM revived WHERE kept
), logged AS (
  INSERT INTO redrives (execution_id, redrive_count, client_token, redriven_at)
  SELECT id, redrive_count, NULL, redrive_date FROM revived WHERE kept
), letters AS (
  DELETE FROM dead_letters d USING revived r WHERE d.execution_id = r.id
), taken AS (
  SELECT count(*)::int AS members, coalesce(sum(items), 0)::int AS items, max(batch_index) + 1 AS next FROM picked
), counted AS (
  UPDATE batches b SET redrive_index = coalesce(t.next, b.redrive_index), ${batchEndRule({
    succeeded: '0',
    failed: '0',
    aborted: missing('t.members', 'b.to_redrive'),
    takenUp: takenUp('t.members', 'b.to_redrive'),
    items: {
      succeeded: '0',
      failed: '0',
      aborted: missing('t.items', 'b.items_to_redrive'),
      takenUp: takenUp('t.items', 'b.items_to_redrive'),
    },
  })}
  FROM held h, taken t WHERE b.id = h.id
  RETURNING b.id, b.to_redrive, b.redrive_index, b.end_time
), told AS (
  SELECT count(pg_notify('escapement_ended', id::text)) AS n FROM counted WHERE end_time IS NOT NULL
)
SELECT coalesce((SELECT array_agg(id ORDER BY batch_index) FROM revived), '{}') AS "executionIds",
  to_redrive AS "toRedrive", redrive_index AS "redriveIndex", (SELECT n FROM told) AS told
FROM counted`;

/** Fewer than asked for: there are no more. */
function takenUp(found: string, counted: string): string {
  return `CASE WHEN t.members < $4 THEN ${counted} ELSE ${found} END`;
}

function missing(found: string, counted: string): string {
  return `CASE WHEN t.members < $4 THEN ${counted} - ${found} ELSE 0 END`;
}
