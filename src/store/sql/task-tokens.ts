import { WOKEN, wakeWith } from '../waking.js';

/**
 * Takes the oldest task that nobody has, and says so to the execution that waits.
 *
 * - `SKIP LOCKED`: workers that poll at once get different tasks and do not wait for each other.
 * - Plan: Index Scan on task_tokens_offered_idx, whose entries are what is on offer, LockRows, Limit; then the primary
 *   keys of task_tokens and executions.
 *
 * $1 activity, $2 the worker's name.
 */
export const LEASE_TASK = `
WITH picked AS MATERIALIZED (
  SELECT token FROM task_tokens
  WHERE activity = $1 AND leased_at IS NULL AND done_at IS NULL
  ORDER BY created_at LIMIT 1
  FOR NO KEY UPDATE SKIP LOCKED
), leased AS (
  UPDATE task_tokens t SET leased_at = now(), worker_name = $2
  FROM picked p WHERE t.token = p.token
  RETURNING t.token, t.input, t.execution_id,
    json_strip_nulls(json_build_object('frameId', t.frame_id, 'key', t.key, 'workerName', $2::text))::text AS data
), ${wakeWith('leased', "'taskLeased'")}
SELECT l.token, l.input, ${WOKEN} FROM leased l LEFT JOIN woken w ON w.id = l.execution_id`;

/** What the signal of an answer says: $3 is what comes after frame and key, with its comma. */
const DATA = `'{"frameId":' || t.frame_id || ',"key":' || to_json(t.key)::text || $3::text || '}' AS data`;

/**
 * Marks the token as done and delivers the answer. Of two answers at once the second waits for the first, finds it
 * done and is refused. Who answered is written down only if somebody waits. Plan: the primary keys of task_tokens and
 * executions.
 *
 * $1 token, $2 kind, $3 members of the data, $4 the key of the call that answers, or null.
 */
export const ANSWER_TOKEN = `
WITH answered AS (
  UPDATE task_tokens t SET done_at = now(),
    answered_by = CASE WHEN EXISTS (SELECT 1 FROM executions x WHERE x.id = t.execution_id AND x.end_time IS NULL) THEN $4::text END
  WHERE t.token = $1 AND t.done_at IS NULL
  RETURNING t.execution_id, ${DATA}
), ${wakeWith('answered', '$2::text')}
SELECT k.token IS NOT NULL AS known, ${WOKEN}
FROM (SELECT 1) one LEFT JOIN task_tokens k ON k.token = $1 LEFT JOIN woken w ON true`;

/** The same for a heartbeat, which leaves the token as it is, and takes its row only to be seen by `withdrawToken`. */
export const BEAT_TOKEN = `
WITH answered AS MATERIALIZED (
  SELECT t.execution_id, ${DATA} FROM task_tokens t WHERE t.token = $1 AND t.done_at IS NULL FOR SHARE
), ${wakeWith('answered', '$2::text')}
SELECT k.token IS NOT NULL AS known, ${WOKEN}
FROM (SELECT 1) one LEFT JOIN task_tokens k ON k.token = $1 LEFT JOIN woken w ON true`;
