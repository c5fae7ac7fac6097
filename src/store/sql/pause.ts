/**
 * Pausing. What is paused and owned by nobody has no `wake_at`, so that no claim and no sweep finds it; whatever makes an
 * execution runnable keeps to that. What is paused and still owned has one, as everything owned: the reaper looks there.
 */

/** When a signal makes an execution runnable: now, unless it is paused or held (gate.ts). */
export function wokenAt(row: string): string {
  return `CASE WHEN ${row}.paused_at IS NULL AND ${row}.held_at IS NULL OR ${row}.owner IS NOT NULL THEN now() END`;
}

/** The end of a `WITH` whose `changed` tells its owner with a signal. */
function tell(kind: 'pause' | 'resume', channel: string): string {
  return `delivered AS (
  INSERT INTO inbox (execution_id, seq, kind, data, created_at)
  SELECT id, inbox_seq, '${kind}', '{}', now() FROM changed WHERE told
), called AS (
  SELECT count(pg_notify('${channel}', id::text)) AS n FROM changed WHERE owner IS NOT NULL
)
SELECT e.end_time IS NOT NULL AS ended, c.id IS NOT NULL AS changed, coalesce(c.owner, e.owner) AS owner, e.queue,
  (SELECT n FROM called) AS called
FROM executions e LEFT JOIN changed c ON c.id = e.id WHERE e.id = $1`;
}

/** What is to be stopped is not paused any more. Plan: executions_pkey, inbox_pkey. $1 execution, $2 the reason. */
export const pauseStatement = (channel: string): string => `
WITH changed AS (
  UPDATE executions e SET paused_at = now(), pause_reason = $2, needs_format = NULL,
    wake_at = CASE WHEN e.owner IS NOT NULL THEN e.wake_at END,
    inbox_seq = e.inbox_seq + CASE WHEN e.owner IS NULL THEN 0 ELSE 1 END
  WHERE e.id = $1 AND e.end_time IS NULL AND e.paused_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.execution_id = e.id AND i.kind = 'stop')
  RETURNING e.id, e.owner, e.queue, e.inbox_seq, e.owner IS NOT NULL AS told
), ${tell('pause', channel)}`;

/** It always tells, so that the last of several signals says how things stand. A dead letter stays one. */
export const resumeStatement = (channel: string): string => `
WITH changed AS (
  UPDATE executions e SET paused_at = NULL, pause_reason = NULL, needs_format = NULL, recoveries = 0, inbox_seq = e.inbox_seq + 1,
    wake_at = CASE WHEN e.owner IS NOT NULL OR e.held_at IS NULL AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.execution_id = e.id)
      THEN now() END
  WHERE e.id = $1 AND e.end_time IS NULL AND e.paused_at IS NOT NULL
  RETURNING e.id, e.owner, e.queue, e.inbox_seq, true AS told
), ${tell('resume', channel)}`;
