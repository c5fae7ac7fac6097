import { callGate, isLimited } from './gate.js';

/**
 * Starts a child, once for its parent's call. Like START, it takes version and queue from the machine's row, locked FOR
 * SHARE, so that a deleted machine has no child that its delete did not see.
 *
 * - `ON CONFLICT DO NOTHING` without an arbiter: the call may have started its child before, or the name is taken.
 * - Plan: Index Scan on state_machines_pkey, LockRows, Insert.
 *
 * $1 id, $2 machine, $3 name, $4 input, $5 parent, $6 its frame, $7 its key, $8 whether its end is to be told, $9 how many parents
 * it may have, one above the other. One that would have more is not started.
 */
export const START_CHILD = `
WITH machine AS MATERIALIZED (
  SELECT id, version, queue, type, max_concurrent_executions, starts_per_second FROM state_machines
  WHERE id = $2 AND deleted_at IS NULL FOR SHARE
), parent AS MATERIALIZED (
  SELECT depth FROM executions WHERE id = $5
), inserted AS (
  INSERT INTO executions (id, state_machine_id, version, name, status, input, start_time, queue, wake_at,
    held_at, depth, parent_id, parent_frame, parent_key, notify_parent)
  SELECT $1::uuid, m.id, m.version, $3, 'RUNNING', $4, now(), m.queue, CASE WHEN NOT ${isLimited('m')} THEN now() END,
    CASE WHEN ${isLimited('m')} THEN now() END, coalesce(p.depth, 0) + 1, $5::uuid, $6::int, $7, $8::bool
  FROM machine m LEFT JOIN parent p ON true
  WHERE coalesce(p.depth, 0) < $9
  ON CONFLICT DO NOTHING
  RETURNING id, name, queue, start_time
)
SELECT i.id, i.name, i.queue, m.type, (extract(epoch FROM i.start_time) * 1000)::float8 AS start_ms, ${callGate('m')} AS called
FROM inserted i, machine m`;

/**
 * The child that the call started, and the one that has its name. Plan: an Index Scan on each of the two unique indexes.
 * $1 parent, $2 key, $3 machine, $4 name.
 */
export const FIND_CHILD = `
SELECT e.id, e.name, e.queue, m.type, e.input, e.end_time IS NULL AS running,
  (extract(epoch FROM e.start_time) * 1000)::float8 AS start_ms, e.own
FROM (
  SELECT c.*, true AS own FROM executions c WHERE c.parent_id = $1 AND c.parent_key = $2
  UNION ALL
  SELECT n.*, false FROM executions n JOIN state_machines d ON d.id = n.state_machine_id AND d.deleted_at IS NULL
  WHERE n.state_machine_id = $3 AND n.name = $4
) e JOIN state_machines m ON m.id = e.state_machine_id`;

/** Makes an execution that nobody waits for somebody's child. $1 execution, $2 parent, $3 its frame, $4 its key. */
export const ADOPT_CHILD = `
UPDATE executions SET parent_id = $2, parent_frame = $3, parent_key = $4, notify_parent = true
WHERE id = $1 AND end_time IS NULL AND parent_id IS NULL`;
