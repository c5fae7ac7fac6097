/**
 * Takes what is runnable for this worker: many ids at once, each at most by one worker.
 *
 * - The worker's own row is locked first, as in every flush: a reaped worker claims nothing.
 * - `SKIP LOCKED`: two workers that were rung for the same execution do not wait for each other.
 * - What is paused has no `wake_at` while nobody has it: whatever sets one keeps to that.
 * - What is held (gate.ts) has none either. Time counts from when it was let in.
 * - A timer that is due within 25 ms counts as due: the activation waits out the rest.
 * - `status = 'RUNNING'` is the same as `end_time IS NULL`, and keeps the sweeper's index, whose predicate is
 *   on end_time, from serving the claim: it would read the whole backlog for a handful of rows.
 * - Plan: Index Scan using executions_pkey on the ids, Filter on the rest; owner and epoch are in no
 *   index, so the update is HOT.
 */
export const CLAIM = `
WITH me AS MATERIALIZED (
  SELECT id FROM workers WHERE id = $1 FOR KEY SHARE
), picked AS MATERIALIZED (
  SELECT id FROM executions
  WHERE id = ANY($2::uuid[]) AND owner IS NULL AND status = 'RUNNING' AND wake_at <= now() + interval '25 ms'
  FOR NO KEY UPDATE SKIP LOCKED
), claimed AS (
  UPDATE executions e SET owner = me.id, epoch = e.epoch + 1
  FROM picked, me WHERE e.id = picked.id
  RETURNING e.*
)
SELECT EXISTS (SELECT 1 FROM me) AS alive, c.id, c.state_machine_id, c.version, c.name, c.input, c.queue,
  c.epoch, c.inbox_seq, c.snapshot, c.snapshot_seq, c.faults,
  (extract(epoch FROM coalesce(c.admitted_at, c.start_time)) * 1000)::float8 AS start_ms
FROM (SELECT 1) one LEFT JOIN claimed c ON true
`;

/**
 * The tail of the journals, as a second statement: in the claim's own snapshot, rows that the last owner
 * committed meanwhile could be missing.
 */
export const READ_TAIL = `
SELECT j.execution_id, j.seq, j.epoch, j.first_event_id, j.event_count, j.frames
FROM unnest($1::uuid[], $2::int[]) t (id, after)
JOIN journal j ON j.execution_id = t.id AND j.seq > t.after
ORDER BY j.execution_id, j.seq
`;

/**
 * Of those that could not be claimed: what nobody has and is not due yet; and, if `$2`, what is due and was locked at
 * that moment, so that `SKIP LOCKED` passed it by. Whoever had the lock need not have been waking it, and then
 * nobody would ring again.
 */
export const EARLY = `
SELECT id, queue, (extract(epoch FROM wake_at) * 1000)::float8 AS wake_ms FROM executions
WHERE id = ANY($1::uuid[]) AND owner IS NULL AND end_time IS NULL AND ($2 AND wake_at IS NOT NULL OR wake_at > now())
`;

/** Gives back what this worker owns and does not know of, since the answer to a claim was lost. */
export const GIVE_BACK_DOUBTFUL = `
UPDATE executions SET owner = NULL, wake_at = CASE WHEN paused_at IS NULL THEN now() END
WHERE id = ANY($2::uuid[]) AND owner = $1 AND end_time IS NULL
RETURNING id, queue
`;
