/**
 * The gate of a machine with limits (`max_concurrent_executions`, `starts_per_second`).
 *
 * 1. An execution of such a machine is inserted held: `held_at` is set, and it has no `wake_at`, so that no claim and no
 *    sweep finds it. A machine without limits pays a comparison of two columns that are read anyway, and no index entry.
 * 2. Whoever gives out places holds the machine's row in `gates`. Counting and giving are statements of their own after
 *    that, so that they see what the last one gave. So there are never more with a place than the limit.
 * 3. An execution keeps its place until it ends, whoever advances it, and whether it waits or is paused.
 * 4. Starts per second are given out ahead, as times (`wake_at`) that lie 1/rate apart, for a second at most.
 */

/** The channel on which workers hear that there may be somebody to let in; the payload is the machine's id. */
export const GATE_CHANNEL = 'escapement_gate';

/** Whether the machine of a row has a limit. */
export function isLimited(machine: string): string {
  return `(${machine}.max_concurrent_executions IS NOT NULL OR ${machine}.starts_per_second IS NOT NULL)`;
}

/** Calls the gatekeepers of a limited machine; NULL for others. For a SELECT of one row a machine. */
export function callGate(machine: string): string {
  return `CASE WHEN ${isLimited(machine)} THEN pg_notify('${GATE_CHANNEL}', ${machine}.id)::text END`;
}

/** $1 machine. */
export const OPEN_GATE = `INSERT INTO gates VALUES ($1, now()) ON CONFLICT (state_machine_id) DO NOTHING`;

/** $1 machine. No row: the gate is to be made first. */
export const HOLD_GATE = 'SELECT 1 FROM gates WHERE state_machine_id = $1 FOR UPDATE';

/**
 * Gives places to the longest held. $1 machine, $2 how many at most.
 *
 * - Those held until later, and those that are paused, are passed by.
 * - One that is let in for the first time begins now, which its timeouts count from.
 * - Plan: state_machines_pkey, gates_pkey; Index Only Scan on executions_admitted_idx, as many entries as have a place;
 *   executions_held_idx, Limit.
 */
export const ADMIT = `
WITH gate AS MATERIALIZED (
  SELECT m.max_concurrent_executions AS most, m.starts_per_second AS rate, greatest(now(), g.next_start_at) AS next_at
  FROM gates g LEFT JOIN state_machines m ON m.id = g.state_machine_id WHERE g.state_machine_id = $1
), room AS MATERIALIZED (
  SELECT g.*, least($2::int, CASE WHEN g.most IS NULL THEN $2::int ELSE greatest(0, g.most - (
      SELECT count(*) FROM executions
      WHERE state_machine_id = $1 AND admitted_at IS NOT NULL AND held_at IS NULL AND end_time IS NULL)::int) END) AS places,
    CASE WHEN g.rate IS NULL THEN $2::int WHEN g.next_at > now() + interval '1 s' THEN 0
      ELSE least($2::int, floor(extract(epoch FROM now() + interval '1 s' - g.next_at) * g.rate)::int + 1) END AS starts
  FROM gate g
), picked AS MATERIALIZED (
  SELECT id, held_at FROM executions
  WHERE state_machine_id = $1 AND held_at <= now() AND paused_at IS NULL
  ORDER BY held_at, id LIMIT (SELECT least(places, starts) FROM room)
  FOR NO KEY UPDATE SKIP LOCKED
), numbered AS (
  SELECT id, row_number() OVER (ORDER BY held_at, id) - 1 AS n FROM picked
), admitted AS (
  UPDATE executions e SET
    held_at = NULL,
    admitted_at = CASE WHEN e.epoch = 0 THEN now() ELSE coalesce(e.admitted_at, e.start_time) END,
    wake_at = CASE WHEN r.rate IS NULL THEN now() ELSE r.next_at + n.n / r.rate * interval '1 s' END
  FROM numbered n, room r WHERE e.id = n.id
  RETURNING e.id, e.queue, e.wake_at
), moved AS (
  UPDATE gates g SET next_start_at = r.next_at + (SELECT count(*) FROM picked) / r.rate * interval '1 s'
  FROM room r WHERE g.state_machine_id = $1 AND r.rate IS NOT NULL
)
SELECT r.places, r.starts, (extract(epoch FROM r.next_at - now()) * 1000)::float8 AS next_ms, r.rate,
  (SELECT json_agg(json_build_object('executionId', a.id, 'queue', a.queue,
    'wakeAtMs', (extract(epoch FROM a.wake_at) * 1000)::float8, 'delayMs', (extract(epoch FROM a.wake_at - now()) * 1000)::float8)
    ORDER BY a.wake_at) FROM admitted a) AS admitted
FROM room r`;

/** Machines of which something is held and due, whether they still have limits. Plan: a probe of executions_held_idx for each. */
export const HELD_MACHINES = `
WITH RECURSIVE machines AS (
  (SELECT state_machine_id AS id FROM executions WHERE held_at IS NOT NULL ORDER BY state_machine_id LIMIT 1)
  UNION ALL
  SELECT (SELECT e.state_machine_id FROM executions e WHERE e.held_at IS NOT NULL AND e.state_machine_id > m.id
    ORDER BY e.state_machine_id LIMIT 1)
  FROM machines m WHERE m.id IS NOT NULL
)
SELECT id FROM machines WHERE id IS NOT NULL`;

/** What runs already when a machine gets its first limit has a place. $1 machine. */
export const SEAT_RUNNING = `
UPDATE executions SET admitted_at = start_time
WHERE state_machine_id = $1 AND end_time IS NULL AND admitted_at IS NULL AND held_at IS NULL`;
