/**
 * Schedules: rows that say when executions of a machine are to be started.
 *
 * 1. `next_run_at` is the truth about when; it is null while a schedule is paused and when nothing is to come.
 * 2. Whoever makes, changes or fires a schedule locks its machine's row first (FOR SHARE), then the schedule's; a delete
 *    of the machine locks the machine's row first too. So a deleted machine has no schedule that fires, and no two wait
 *    for each other.
 * 3. A change that may move the next instant notifies, so that no scheduler sleeps past it.
 */
import type pg from 'pg';
import type { MissedPolicy, OverlapPolicy } from '../schedules/index.js';
import { Conditions } from './conditions.js';
import { decodeCursor, encodeCursor, PAGE_BYTES, type PageOf, type PageQuery } from './cursor.js';
import { withTransaction } from './own-session.js';

/** The channel on which schedulers hear that they may have to wake earlier; the payload is the schedule's id. */
export const SCHEDULES_CHANNEL = 'escapement_schedules';

/** What may be changed of a schedule. */
export interface ScheduleColumns {
  description: string | null;
  /** JSON text. */
  input: string;
  /** null: the machine's. */
  queue: string | null;
  /** One of cron and intervalSeconds is null. */
  cron: string | null;
  timeZone: string;
  intervalSeconds: number | null;
  anchorAt: Date;
  startAt: Date | null;
  endAt: Date | null;
  overlap: OverlapPolicy;
  missed: MissedPolicy;
  paused: boolean;
  pauseReason: string | null;
  nextRunAt: Date | null;
  queuedFor: Date | null;
}

export interface ScheduleRecord extends ScheduleColumns {
  scheduleId: string;
  stateMachineId: string;
  lastRunAt: Date | null;
  lastExecutionId: string | null;
  started: number;
  skipped: number;
  createdAt: Date;
  updatedAt: Date;
}

/** What a decision about a schedule comes to: its columns, or the reason why not. */
export type ScheduleChange = { columns: ScheduleColumns } | { refused: unknown };

export type ScheduleOutcome =
  | { kind: 'done'; schedule: ScheduleRecord }
  | { kind: 'refused'; why: unknown }
  /** Making it: there is one of this id. Changing it: there is none. */
  | { kind: 'exists' }
  | { kind: 'unknown' }
  /** There is no such machine, or it was deleted. */
  | { kind: 'unknownMachine' };

/** Makes a schedule, with the columns that `plan` makes of the database's time in ms. */
export async function createSchedule(
  pool: pg.Pool,
  ids: { scheduleId: string; stateMachineId: string },
  plan: (nowMs: number) => ScheduleChange,
): Promise<ScheduleOutcome> {
  const { scheduleId, stateMachineId } = ids;
  return withTransaction(pool, async (session) => {
    const nowMs = await lockMachine(session, stateMachineId);
    if (nowMs === undefined) return { kind: 'unknownMachine' };
    const planned = plan(nowMs);
    if ('refused' in planned) return { kind: 'refused', why: planned.refused };
    const { rows } = await session.query<ScheduleRecord>(
      `INSERT INTO schedules AS s (id, state_machine_id, ${NAMES.join(', ')}, created_at, updated_at)
       VALUES ($1, $2, ${PLACES}, now(), now()) ON CONFLICT (id) DO NOTHING RETURNING ${COLUMNS}`,
      [scheduleId, stateMachineId, ...valuesOf(planned.columns)],
    );
    const schedule = rows[0];
    if (schedule === undefined) return { kind: 'exists' };
    await notify(session, scheduleId);
    return { kind: 'done', schedule };
  });
}

/** Changes a schedule to what `change` makes of it as it stands, of the database's time in ms, and of whether its machine is there. */
export async function changeSchedule(
  pool: pg.Pool,
  scheduleId: string,
  change: (schedule: ScheduleRecord, nowMs: number, hasMachine: boolean) => ScheduleChange,
): Promise<ScheduleOutcome> {
  const before = await findSchedule(pool, scheduleId);
  if (before === undefined) return { kind: 'unknown' };
  return withTransaction(pool, async (session) => {
    const lockedMs = await lockMachine(session, before.stateMachineId);
    const { rows } = await session.query<ScheduleRecord & { nowMs: number }>(
      `SELECT ${COLUMNS}, ${NOW_MS} AS "nowMs" FROM schedules s WHERE id = $1 AND state_machine_id = $2 FOR NO KEY UPDATE`,
      [scheduleId, before.stateMachineId],
    );
    if (rows[0] === undefined) return { kind: 'unknown' };
    const { nowMs, ...schedule } = rows[0];
    const changed = change(schedule, nowMs, lockedMs !== undefined);
    if ('refused' in changed) return { kind: 'refused', why: changed.refused };
    const { rows: written } = await session.query<ScheduleRecord>(
      `UPDATE schedules s SET (${NAMES.join(', ')}, updated_at) = (${PLACES}, now())
       WHERE id = $1 AND state_machine_id = $2 RETURNING ${COLUMNS}`,
      [scheduleId, before.stateMachineId, ...valuesOf(changed.columns)],
    );
    await notify(session, scheduleId);
    return written[0] === undefined ? { kind: 'unknown' } : { kind: 'done', schedule: written[0] };
  });
}

/** Deletes a schedule; what it has started runs on. @returns whether it was there */
export async function deleteSchedule(pool: pg.Pool, scheduleId: string): Promise<boolean> {
  if (scheduleId.includes('\0')) return false;
  const { rowCount } = await pool.query('DELETE FROM schedules WHERE id = $1', [scheduleId]);
  return rowCount === 1;
}

/** undefined: there is no schedule of this id. */
export async function findSchedule(pool: pg.Pool, scheduleId: string): Promise<ScheduleRecord | undefined> {
  if (scheduleId.includes('\0')) return undefined;
  const { rows } = await pool.query<ScheduleRecord>(`SELECT ${COLUMNS} FROM schedules s WHERE id = $1`, [
    scheduleId,
  ]);
  return rows[0];
}

export interface ScheduleFilter {
  stateMachineId?: string;
  status?: ScheduleStatus;
}

/** ENDED: nothing is to come any more. */
export type ScheduleStatus = 'ACTIVE' | 'PAUSED' | 'ENDED';

const STATUSES: Readonly<Record<ScheduleStatus, string>> = {
  ACTIVE: 'NOT s.paused AND num_nonnulls(s.next_run_at, s.queued_for) > 0',
  PAUSED: 's.paused',
  ENDED: 'NOT s.paused AND num_nonnulls(s.next_run_at, s.queued_for) = 0',
};

/** A page, by id. Plan: the primary key, or schedules_state_machine_id_id_idx. */
export async function listSchedules(
  pool: pg.Pool,
  { stateMachineId, status }: ScheduleFilter,
  { limit, cursor }: PageQuery,
): Promise<PageOf<ScheduleRecord>> {
  const where = new Conditions();
  if (stateMachineId !== undefined) where.add((p) => `s.state_machine_id = ${p(stateMachineId)}`);
  if (status !== undefined) where.add(() => STATUSES[status]);
  if (cursor !== undefined) where.add((p) => `s.id > ${p(decodeCursor(LIST, cursor, ['text'])[0])}`);
  const { rows } = await pool.query<ScheduleRecord & { more: boolean }>(
    `SELECT ${COLUMNS}, s.more FROM (
       SELECT p.*, lead(p.id) OVER by_id IS NOT NULL AS more,
         sum(octet_length(p.input)) OVER by_id - octet_length(p.input) AS bytes_before
       FROM (SELECT s.* FROM schedules s ${where.sql} ORDER BY s.id LIMIT ${where.place(limit + 1)}) p
       WINDOW by_id AS (ORDER BY p.id)
     ) s WHERE s.bytes_before < ${PAGE_BYTES} ORDER BY s.id LIMIT ${where.place(limit)}`,
    where.values,
  );
  const last = rows.at(-1);
  return {
    items: rows.map(({ more: _, ...schedule }) => schedule),
    nextCursor: last?.more === true ? encodeCursor(LIST, [last.scheduleId]) : null,
  };
}

const LIST = 'schedules';

/** The database's time in ms, with the machine's row held FOR SHARE until the transaction ends; undefined: it is not there. */
export async function lockMachine(session: pg.ClientBase, id: string): Promise<number | undefined> {
  if (id.includes('\0')) return undefined;
  const { rows } = await session.query<{ now_ms: number }>(
    `SELECT ${NOW_MS} AS now_ms FROM state_machines WHERE id = $1 AND deleted_at IS NULL FOR SHARE`,
    [id],
  );
  return rows[0]?.now_ms;
}

async function notify(session: pg.ClientBase, scheduleId: string): Promise<void> {
  await session.query('SELECT pg_notify($1, $2)', [SCHEDULES_CHANNEL, scheduleId]);
}

/** Whole milliseconds, so that no instant is taken to be due before it is. */
export const NOW_MS = 'floor(extract(epoch FROM now()) * 1000)::float8';

/** Column names, in the order of `valuesOf`. */
const NAMES = [
  'description',
  'input',
  'queue',
  'cron',
  'time_zone',
  'interval_seconds',
  'anchor_at',
  'start_at',
  'end_at',
  'overlap',
  'missed',
  'paused',
  'pause_reason',
  'next_run_at',
  'queued_for',
];
const PLACES = NAMES.map((_, index) => `$${index + 3}`).join(', ');

function valuesOf(columns: ScheduleColumns): unknown[] {
  return [
    columns.description,
    columns.input,
    columns.queue,
    columns.cron,
    columns.timeZone,
    columns.intervalSeconds,
    columns.anchorAt,
    columns.startAt,
    columns.endAt,
    columns.overlap,
    columns.missed,
    columns.paused,
    columns.pauseReason,
    columns.nextRunAt,
    columns.queuedFor,
  ];
}

/** Of `schedules s`. Counts beyond 2^53 are nobody's. */
export const COLUMNS = `s.id AS "scheduleId", s.state_machine_id AS "stateMachineId", s.description, s.input, s.queue, s.cron,
  s.time_zone AS "timeZone", s.interval_seconds AS "intervalSeconds", s.anchor_at AS "anchorAt", s.start_at AS "startAt",
  s.end_at AS "endAt", s.overlap, s.missed, s.paused, s.pause_reason AS "pauseReason", s.next_run_at AS "nextRunAt",
  s.queued_for AS "queuedFor", s.last_run_at AS "lastRunAt", s.last_execution_id AS "lastExecutionId",
  s.started::float8 AS started, s.skipped::float8 AS skipped, s.created_at AS "createdAt", s.updated_at AS "updatedAt"`;
