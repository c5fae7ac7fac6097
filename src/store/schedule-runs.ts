/**
 * Firing schedules. A run is started, and the schedule moved on to its next instant, in one transaction that holds the
 * schedule's row: whoever dies in the middle of it has done neither, and of two schedulers one finds the row taken.
 * Beside that a run's name says its schedule and instant, and names are unique in a machine.
 */
import type pg from 'pg';
import type { Decision } from '../schedules/index.js';
import { newId } from './ids.js';
import { withTransaction } from './own-session.js';
import { COLUMNS, lockMachine, NOW_MS, type ScheduleRecord } from './schedules.js';
import { GATE_CHANNEL, isLimited } from './sql/gate.js';

export interface DueSchedule {
  scheduleId: string;
  stateMachineId: string;
}

/**
 * Schedules with an instant that has come, so many of the most overdue, and those whose queued run has nothing to wait for
 * any more. Plan: schedules_next_run_at_idx; schedules_queued_for_idx with executions_schedule_open_idx.
 */
export async function dueSchedules(
  pool: pg.Pool,
  tried: readonly string[],
  limit: number,
): Promise<DueSchedule[]> {
  const { rows } = await pool.query<DueSchedule>(DUE, [tried, limit]);
  return rows;
}

/** How long until the earliest instant but for those of some, in ms; undefined: none is to come. What is late already counts as now. */
export async function untilNextRun(pool: pg.Pool, without: readonly string[]): Promise<number | undefined> {
  const { rows } = await pool.query<{ ms: number | null }>(UNTIL_NEXT, [without]);
  const ms = rows[0]?.ms ?? undefined;
  return ms === undefined ? undefined : Math.max(0, ms);
}

/** The executions whose end lets a queued run begin. The last of each also when it has ended: it may be just now. */
export async function awaitedByQueued(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT e.id FROM schedules s JOIN executions e ON e.schedule_id = s.id AND e.end_time IS NULL
     WHERE s.queued_for IS NOT NULL
     UNION SELECT s.last_execution_id FROM schedules s WHERE s.queued_for IS NOT NULL AND s.last_execution_id IS NOT NULL`,
  );
  return rows.map(({ id }) => id);
}

/** What to do with a schedule, of its row, the database's time in ms, and whether a run of it is running. */
export type Deciding = (schedule: ScheduleRecord, nowMs: number, running: boolean) => Decision;

export interface Fired {
  queue: string;
  executionId: string;
}

/**
 * Starts what `deciding` says, and moves the schedule on.
 * @returns what it has started; undefined: it is not due (any more), or another is at it.
 * @throws what `deciding` throws; then nothing has changed.
 */
export async function fireSchedule(
  pool: pg.Pool,
  { scheduleId, stateMachineId }: DueSchedule,
  deciding: Deciding,
): Promise<Fired[] | undefined> {
  return withTransaction(pool, async (session) => {
    // Whoever deletes a machine pauses its schedules.
    if ((await lockMachine(session, stateMachineId)) === undefined) return undefined;
    const { rows } = await session.query<ScheduleRecord & { nowMs: number }>(
      `SELECT ${COLUMNS}, ${NOW_MS} AS "nowMs" FROM schedules s
       WHERE id = $1 AND state_machine_id = $2 AND NOT paused AND (next_run_at <= now() OR queued_for IS NOT NULL)
       FOR NO KEY UPDATE SKIP LOCKED`,
      [scheduleId, stateMachineId],
    );
    if (rows[0] === undefined) return undefined;
    const { nowMs, ...schedule } = rows[0];
    // A statement of its own: that of the lock has a snapshot from before the row was ours.
    const { rows: open } = await session.query<{ running: boolean }>(
      `SELECT ${RUNNING} AS running FROM schedules s WHERE s.id = $1`,
      [scheduleId],
    );
    const decision = deciding(schedule, nowMs, open[0]?.running === true);
    const fired: Fired[] = [];
    for (let from = 0; from < decision.starts.length; from += ROWS) {
      fired.push(...(await insertRuns(session, schedule, decision.starts.slice(from, from + ROWS))));
    }
    const last = decision.starts.at(-1);
    await session.query(
      `UPDATE schedules SET next_run_at = $2, queued_for = $3, started = started + $4, skipped = skipped + $5,
         last_run_at = coalesce($6, last_run_at), last_execution_id = coalesce($7::uuid, last_execution_id)
       WHERE id = $1`,
      [
        scheduleId,
        dateOf(decision.nextRunMs),
        dateOf(decision.queuedMs),
        fired.length,
        decision.skipped,
        dateOf(last ?? null),
        fired.at(-1)?.executionId ?? null,
      ],
    );
    return fired;
  });
}

/** Starts a run now, whatever the schedule says. @returns undefined: there is no such schedule, or its machine is gone */
export async function runSchedule(
  pool: pg.Pool,
  scheduleId: string,
): Promise<'unknown' | 'unknownMachine' | Fired> {
  const { rows } = await pool.query<{ machine: string }>(
    'SELECT state_machine_id AS machine FROM schedules WHERE id = $1',
    [scheduleId],
  );
  const machine = rows[0]?.machine;
  if (machine === undefined) return 'unknown';
  return withTransaction(pool, async (session) => {
    const nowMs = await lockMachine(session, machine);
    if (nowMs === undefined) return 'unknownMachine';
    const { rows: found } = await session.query<ScheduleRecord>(
      `SELECT ${COLUMNS} FROM schedules s WHERE id = $1 AND state_machine_id = $2 FOR NO KEY UPDATE`,
      [scheduleId, machine],
    );
    if (found[0] === undefined) return 'unknown';
    const [fired] = await insertRuns(session, found[0], [nowMs], newId());
    if (fired === undefined) throw new Error(`a run of schedule ${scheduleId} was refused its new name`);
    await session.query(
      'UPDATE schedules SET started = started + 1, last_run_at = $2, last_execution_id = $3 WHERE id = $1',
      [scheduleId, new Date(nowMs), fired.executionId],
    );
    return fired;
  });
}

/** Inputs of so many are held at once, of 256 KiB each as a rule. */
const ROWS = 10;

/** Those that were not there yet. */
async function insertRuns(
  session: pg.ClientBase,
  schedule: ScheduleRecord,
  instants: readonly number[],
  name?: string,
): Promise<Fired[]> {
  const { rows } = await session.query<Fired>(INSERT_RUNS, [
    instants.map(() => newId()),
    instants.map((at) => name ?? nameOf(schedule.scheduleId, at)),
    instants.map((at) => schedule.input.replaceAll(SCHEDULED_TIME, new Date(at).toISOString())),
    instants,
    schedule.stateMachineId,
    schedule.queue,
    // Its end lets a queued one begin, so it is to be told.
    schedule.overlap === 'QUEUE_ONE',
    schedule.scheduleId,
  ]);
  return rows;
}

/** EventBridge Scheduler's word for it; whatever stands for it has no character that JSON would escape. */
const SCHEDULED_TIME = '<aws.scheduler.scheduled-time>';

/** `<schedule>-20260131T090000Z`. */
function nameOf(scheduleId: string, atMs: number): string {
  return `${scheduleId}-${new Date(atMs)
    .toISOString()
    .replace(/[-:]|\.000/g, '')
    .replace('.', '')}`;
}

/** As START (sql/start.ts) does; the machine's row is held by this transaction. */
const INSERT_RUNS = `
INSERT INTO executions (id, state_machine_id, version, name, status, input, start_time, queue, wake_at, waited,
  held_at, schedule_id, scheduled_for)
SELECT r.id, m.id, m.version, r.name, 'RUNNING', r.input, now(), coalesce($6::text, m.queue),
  CASE WHEN NOT ${isLimited('m')} THEN now() END, $7::bool, CASE WHEN ${isLimited('m')} THEN now() END,
  $8::text, to_timestamp(r.at_ms / 1000)
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::float8[]) r (id, name, input, at_ms)
JOIN state_machines m ON m.id = $5 AND m.deleted_at IS NULL
ON CONFLICT (state_machine_id, name) DO NOTHING
RETURNING id AS "executionId", queue, CASE WHEN held_at IS NOT NULL THEN pg_notify('${GATE_CHANNEL}', state_machine_id)::text END AS called`;

/** Whether a run of schedule s is running. */
const RUNNING = 'EXISTS (SELECT 1 FROM executions e WHERE e.schedule_id = s.id AND e.end_time IS NULL)';

/** $1 ids to leave out, $2 how many of each kind. */
export const DUE = `
(SELECT id AS "scheduleId", state_machine_id AS "stateMachineId" FROM schedules
 WHERE next_run_at <= now() AND id <> ALL($1::text[]) ORDER BY next_run_at, id LIMIT $2)
UNION
(SELECT id, state_machine_id FROM schedules s
 WHERE queued_for IS NOT NULL AND NOT paused AND id <> ALL($1::text[]) AND NOT ${RUNNING} ORDER BY id LIMIT $2)`;

/** $1 ids to leave out. Plan: the first entries of schedules_next_run_at_idx. */
export const UNTIL_NEXT = `
SELECT (extract(epoch FROM min(next_run_at) - clock_timestamp()) * 1000)::float8 AS ms
FROM schedules WHERE next_run_at IS NOT NULL AND id <> ALL($1::text[])`;

function dateOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}
