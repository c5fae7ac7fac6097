import { callGate, isLimited } from './gate.js';

/**
 * Takes executions up again that have ended without success: of those given, all that can be.
 *
 * - The machine's row is locked FOR SHARE, as for a start: what is redriven, a delete of the machine sees.
 * - What is of a limited machine waits for a place again (gate.ts).
 * - What a redrive needs is in the last checkpoint (`left`, first in its text). So the tail is read from there.
 * - A child whose parent has ended is nobody's any more.
 * - A child of a map run, whose machine has no row of its own, is left to its parent: its run has been counted and gathered.
 * - A member of a batch is taken out of its counters, until it ends again. As in the flush, executions are locked before
 *   batches, and those in the order of their ids.
 * - Plan: primary keys of executions, state_machines and journal.
 *
 * $1 executions, $2 client token or null.
 */
export const REDRIVE = `
WITH picked AS MATERIALIZED (
  SELECT e.id, e.status, j.seq, ${isLimited('m')} AS limited, ${callGate('m')} AS called
  FROM executions e
  JOIN state_machines m ON m.id = e.state_machine_id AND m.deleted_at IS NULL
  JOIN LATERAL (
    SELECT j.seq, ${keptIn('j.frames')} AS kept FROM journal j WHERE j.execution_id = e.id ORDER BY j.seq DESC LIMIT 1
  ) j ON j.kept
  WHERE e.id = ANY($1::uuid[]) AND e.status IN ('FAILED', 'TIMED_OUT', 'ABORTED')
    AND e.end_time > now() - interval '14 days'
  ORDER BY e.id
  FOR NO KEY UPDATE OF e FOR SHARE OF m
), revived AS (
  UPDATE executions e SET
    status = 'RUNNING',
    end_time = NULL,
    output = NULL,
    error = NULL,
    cause = NULL,
    faults = 0,
    recoveries = 0,
    snapshot = NULL,
    snapshot_seq = p.seq - 1,
    wake_at = CASE WHEN NOT p.limited THEN now() END,
    held_at = CASE WHEN p.limited THEN now() END,
    inbox_seq = e.inbox_seq + 1,
    redrive_count = e.redrive_count + 1,
    redrive_date = now(),
    notify_parent = e.notify_parent
      AND EXISTS (SELECT 1 FROM executions q WHERE q.id = e.parent_id AND q.end_time IS NULL)
  FROM picked p WHERE e.id = p.id
  RETURNING e.id, e.queue, e.inbox_seq, e.redrive_count, e.redrive_date, e.batch_id, coalesce(e.item_count, 1) AS items,
    p.status AS ended_as
), signalled AS (
  INSERT INTO inbox (execution_id, seq, kind, data, created_at)
  SELECT id, inbox_seq, 'redrive', '{"redriveCount":' || redrive_count || '}', now() FROM revived
), logged AS (
  INSERT INTO redrives (execution_id, redrive_count, client_token, redriven_at)
  SELECT id, redrive_count, $2::text, redrive_date FROM revived
), letters AS (
  DELETE FROM dead_letters d USING revived r WHERE d.execution_id = r.id
), members AS (
  SELECT batch_id AS id,
    count(*) FILTER (WHERE ended_as IN ('FAILED', 'TIMED_OUT'))::int AS failed,
    count(*) FILTER (WHERE ended_as = 'TIMED_OUT')::int AS timed_out,
    count(*) FILTER (WHERE ended_as = 'ABORTED')::int AS aborted,
    coalesce(sum(items) FILTER (WHERE ended_as IN ('FAILED', 'TIMED_OUT')), 0)::int AS items_failed,
    coalesce(sum(items) FILTER (WHERE ended_as = 'TIMED_OUT'), 0)::int AS items_timed_out,
    coalesce(sum(items) FILTER (WHERE ended_as = 'ABORTED'), 0)::int AS items_aborted
  FROM revived WHERE batch_id IS NOT NULL GROUP BY batch_id
), locked AS (
  SELECT b.id FROM batches b WHERE b.id IN (SELECT id FROM members) ORDER BY b.id FOR NO KEY UPDATE
), taken_back AS (
  UPDATE batches b SET
    failed = b.failed - m.failed,
    timed_out = b.timed_out - m.timed_out,
    aborted = b.aborted - m.aborted,
    items_failed = b.items_failed - m.items_failed,
    items_timed_out = b.items_timed_out - m.items_timed_out,
    items_aborted = b.items_aborted - m.items_aborted,
    updated_at = now()
  FROM members m JOIN locked l ON l.id = m.id
  WHERE b.id = m.id
)
SELECT id AS "executionId", queue, redrive_date AS "redriveDate" FROM revived`;

/** Whether a checkpoint's frames begin with what the end has left. */
export function keptIn(frames: string): string {
  return `left(${frames}, 9) = '{"left":['`;
}
