import { callGate, isLimited } from './gate.js';

/**
 * Starts executions: many rows, one statement. Answers a row for each that it inserted, with its id, and one
 * for each machine that is there, with `machine`.
 *
 * - The machine's row is locked FOR SHARE, and its version and queue are taken from it: an execution always
 *   begins with the latest version, without a cache that could be stale. A delete of the machine waits for
 *   this statement, and then sees what it inserted; a start that waited for a delete finds no machine.
 *   So a deleted machine never has an execution that its delete did not see. Share locks do not wait for
 *   each other; the price is one tuple header a machine and flush.
 * - `ON CONFLICT DO NOTHING` on (state_machine_id, name) also takes twice the same name in one statement.
 *   Rows go in by that key, so that two flushes with the same names wait for, and never deadlock, each other.
 * - What is of a limited machine is held, and the gatekeepers are called (gate.ts).
 * - start_time is the database's. `$4` is JSON text.
 * - Plan: Function Scan on unnest, Nested Loop with the few machines (LockRows), Sort, Insert with
 *   executions_state_machine_id_name_key as arbiter. What was asked for is not joined with what was inserted:
 *   the prepared plan reckons with ten rows, and would compare each of 500 with each.
 */
export const START = `
WITH asked AS MATERIALIZED (
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::bool[], $8::uuid[], $9::text[])
    WITH ORDINALITY a (id, state_machine_id, name, input, queue, at_ms, waited, source_id, source_state, nr)
), machine AS MATERIALIZED (
  SELECT m.id, m.version, m.queue, m.max_concurrent_executions, m.starts_per_second FROM state_machines m
  WHERE m.id = ANY (SELECT DISTINCT state_machine_id FROM asked) AND m.deleted_at IS NULL
  ORDER BY m.id FOR SHARE
), inserted AS (
  INSERT INTO executions (id, state_machine_id, version, name, status, input, start_time, queue,
    source_execution_id, source_state_name, wake_at, held_at, waited)
  SELECT a.id, m.id, m.version, a.name, 'RUNNING', a.input, now(), coalesce(a.queue, m.queue),
    a.source_id, a.source_state,
    CASE WHEN NOT ${isLimited('m')} THEN greatest(now(), to_timestamp(a.at_ms / 1000)) END,
    CASE WHEN ${isLimited('m')} THEN greatest(now(), to_timestamp(a.at_ms / 1000)) END, a.waited
  FROM asked a JOIN machine m ON m.id = a.state_machine_id
  ORDER BY a.state_machine_id, a.name, a.nr
  ON CONFLICT (state_machine_id, name) DO NOTHING
  RETURNING id, version, queue, start_time, held_at
)
SELECT i.id, NULL AS machine, i.version, i.queue, i.start_time, i.held_at, NULL AS called FROM inserted i
UNION ALL SELECT NULL, m.id, NULL, NULL, NULL, NULL, ${callGate('m')} FROM machine m
`;
