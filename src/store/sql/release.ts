/** Gives back an execution that infrastructure kept this worker from advancing; after too often: a dead letter. */
export const RELEASE_FAULT = `
WITH me AS MATERIALIZED (
  SELECT id FROM workers WHERE id = $1 FOR KEY SHARE
), released AS (
  UPDATE executions e SET
    owner = NULL,
    faults = e.faults + 1,
    -- A signal that came in meanwhile is looked at, however often it failed.
    wake_at = CASE WHEN e.paused_at IS NOT NULL THEN NULL WHEN e.inbox_seq > $8 THEN now() WHEN e.faults + 1 >= $4 THEN NULL
      ELSE now() + least($5::float8 * power(2, e.faults), 300000) * interval '1 ms' END
  FROM me
  WHERE e.id = $2 AND e.owner = me.id AND e.epoch = $3
  RETURNING e.id, e.queue, e.faults, (extract(epoch FROM e.wake_at) * 1000)::float8 AS wake_ms
), dead AS (
  INSERT INTO dead_letters (id, queue, execution_id, error, attempts, failed_at)
  SELECT $6, queue, id, $7, faults, now() FROM released WHERE faults >= $4
  ON CONFLICT (execution_id) DO UPDATE SET error = excluded.error, attempts = excluded.attempts, failed_at = excluded.failed_at
)
SELECT id, queue, faults, wake_ms FROM released
`;
