import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { decide } from '../../src/schedules/index.js';
import {
  createSchedule,
  type Database,
  deleteStateMachine,
  dueSchedules,
  findSchedule,
  fireSchedule,
  type ScheduleColumns,
  type ScheduleRecord,
} from '../../src/store/index.js';
import { DUE, UNTIL_NEXT } from '../../src/store/schedule-runs.js';
import { eventually } from '../setup/eventually.js';
import { makeMachine, openStore } from './fixtures.js';
import { planOf } from './plans.js';

let database: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, close } = await openStore(12));
  await makeMachine(database, 'm');
});
afterAll(() => close());

const HOUR = 3_600_000;

/** Every hour, and due an hour ago at the latest. */
const overdue = (more: Partial<ScheduleColumns> = {}): ScheduleColumns => ({
  description: null,
  input: '{}',
  queue: null,
  cron: null,
  timeZone: 'UTC',
  intervalSeconds: 3_600,
  anchorAt: new Date(Date.now() - 3 * HOUR),
  startAt: null,
  endAt: null,
  overlap: 'ALLOW',
  missed: 'ALL',
  paused: false,
  pauseReason: null,
  nextRunAt: new Date(Date.now() - 3 * HOUR),
  queuedFor: null,
  ...more,
});

async function put(
  scheduleId: string,
  columns: ScheduleColumns,
  stateMachineId = 'm',
): Promise<ScheduleRecord> {
  const outcome = await createSchedule(database.pool, { scheduleId, stateMachineId }, () => ({ columns }));
  if (outcome.kind !== 'done') throw new Error(`no schedule ${scheduleId}: ${outcome.kind}`);
  return outcome.schedule;
}

async function runsOf(
  scheduleId: string,
): Promise<{ name: string; at: Date; status: string; input: string }[]> {
  const { rows } = await database.pool.query(
    `SELECT name, scheduled_for AS at, status, input FROM executions WHERE schedule_id = $1 ORDER BY scheduled_for`,
    [scheduleId],
  );
  return rows;
}

const due = (scheduleId: string, stateMachineId = 'm') => ({ scheduleId, stateMachineId });

describe('a schedule that is due', () => {
  test('starts an execution for each instant, and moves on', async () => {
    const { nextRunAt } = await put('each', overdue({ input: '{"at":"<aws.scheduler.scheduled-time>!"}' }));
    const fired = (await fireSchedule(database.pool, due('each'), decide)) ?? [];
    const first = nextRunAt?.getTime() ?? 0;
    const instants = [0, 1, 2, 3].map((hours) => new Date(first + hours * HOUR));
    const runs = await runsOf('each');
    expect(fired.map(({ queue }) => queue)).toEqual(['m', 'm', 'm', 'm']);
    expect(runs.map(({ at }) => at)).toEqual(instants);
    expect(runs.map(({ input }) => input)).toEqual(instants.map((at) => `{"at":"${at.toISOString()}!"}`));
    expect(runs[0]?.name).toMatch(/^each-\d{8}T\d{9}Z$/);
    expect(await findSchedule(database.pool, 'each')).toMatchObject({
      nextRunAt: new Date(first + 4 * HOUR),
      lastRunAt: instants[3],
      lastExecutionId: fired[3]?.executionId,
      started: 4,
      skipped: 0,
    });
    expect(await fireSchedule(database.pool, due('each'), decide)).toBeUndefined();
    expect(await runsOf('each')).toHaveLength(4);
  });

  test('starts each instant once, however many schedulers are at it at once', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `raced-${n}`);
    for (const id of ids) await put(id, overdue());
    const fire = async (): Promise<void> => {
      for (const id of ids) await fireSchedule(database.pool, due(id), decide);
    };
    await Promise.all([fire(), fire(), fire(), fire()]);
    for (const id of ids) {
      const runs = await runsOf(id);
      expect(new Set(runs.map(({ at }) => at.getTime())).size).toBe(4);
      expect(runs).toHaveLength(4);
      expect((await findSchedule(database.pool, id))?.started).toBe(4);
    }
  });

  test('has done nothing when its scheduler dies between starting and moving on', async () => {
    const { nextRunAt } = await put('killed', overdue());
    const dying: pg.Pool = Object.assign(Object.create(database.pool), {
      connect: async () => {
        const session = await database.pool.connect();
        const query = session.query.bind(session);
        const killing = async (text: string, values?: unknown[]) => {
          if (text.startsWith('UPDATE schedules')) {
            const { rows } = await query<{ pid: number; n: number }>(
              "SELECT pg_backend_pid() AS pid, (SELECT count(*)::int FROM executions WHERE schedule_id = 'killed') AS n",
            );
            // It has started them, as far as it knows.
            expect(rows[0]?.n).toBe(4);
            await database.pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
          }
          return query(text, values);
        };
        return Object.assign(Object.create(session), {
          query: killing,
          release: (error?: Error) => session.release(error),
        });
      },
    });
    await expect(fireSchedule(dying, due('killed'), decide)).rejects.toThrow();
    expect(await runsOf('killed')).toEqual([]);
    expect((await findSchedule(database.pool, 'killed'))?.nextRunAt).toEqual(nextRunAt);
    // Its session, and with it the lock on the row, goes a moment later.
    await eventually(async () =>
      expect((await fireSchedule(database.pool, due('killed'), decide)) ?? []).toHaveLength(4),
    );
    expect(await runsOf('killed')).toHaveLength(4);
  });

  test('does not start again an instant that it has started, though its row be set back', async () => {
    const { nextRunAt } = await put('back', overdue());
    await fireSchedule(database.pool, due('back'), decide);
    await database.pool.query("UPDATE schedules SET next_run_at = $1 WHERE id = 'back'", [nextRunAt]);
    expect(await fireSchedule(database.pool, due('back'), decide)).toEqual([]);
    expect(await runsOf('back')).toHaveLength(4);
    expect((await findSchedule(database.pool, 'back'))?.started).toBe(4);
  });

  test('is found until it has moved on, and not while it is paused', async () => {
    const found = async () =>
      (await dueSchedules(database.pool, [], 100)).map(({ scheduleId }) => scheduleId);
    await put('found', overdue());
    await put('paused', overdue({ paused: true, nextRunAt: null, queuedFor: new Date() }));
    expect(await found()).toEqual(['found']);
    expect(await dueSchedules(database.pool, ['found'], 100)).toEqual([]);
    await fireSchedule(database.pool, due('found'), decide);
    expect(await found()).toEqual([]);
    expect(await fireSchedule(database.pool, due('paused'), decide)).toBeUndefined();
  });

  test('is found when what its queued run has waited for has ended', async () => {
    const found = async () =>
      (await dueSchedules(database.pool, [], 100)).map(({ scheduleId }) => scheduleId);
    await put('queued', overdue({ overlap: 'QUEUE_ONE', missed: 'LAST' }));
    const [first] = (await fireSchedule(database.pool, due('queued'), decide)) ?? [];
    await database.pool.query("UPDATE schedules SET queued_for = now() WHERE id = 'queued'");
    expect(await found()).toEqual([]);
    expect(await fireSchedule(database.pool, due('queued'), decide)).toEqual([]);
    await database.pool.query('UPDATE executions SET end_time = now() WHERE id = $1', [first?.executionId]);
    expect(await found()).toEqual(['queued']);
    expect(await fireSchedule(database.pool, due('queued'), decide)).toHaveLength(1);
    expect(await findSchedule(database.pool, 'queued')).toMatchObject({ queuedFor: null, started: 2 });
  });
});

describe('a deleted machine', () => {
  test('has no schedule that starts anything: it is refused while one would, and forcing pauses them', async () => {
    await makeMachine(database, 'doomed');
    await put('of-doomed', overdue(), 'doomed');
    await put('ended', overdue({ nextRunAt: null }), 'doomed');
    expect(await deleteStateMachine(database, 'doomed', { force: false })).toEqual({ kind: 'inUse' });
    expect(await deleteStateMachine(database, 'doomed', { force: true })).toEqual({ kind: 'deleted' });
    expect(await findSchedule(database.pool, 'of-doomed')).toMatchObject({
      paused: true,
      pauseReason: 'The state machine was deleted.',
      nextRunAt: null,
    });
    expect(await fireSchedule(database.pool, due('of-doomed', 'doomed'), decide)).toBeUndefined();
    const late = await createSchedule(
      database.pool,
      { scheduleId: 'late', stateMachineId: 'doomed' },
      () => ({ columns: overdue() }),
    );
    expect(late).toEqual({ kind: 'unknownMachine' });
  });
});

test('a look costs what is due, however many schedules there are', async () => {
  await database.pool.query(
    `INSERT INTO schedules (id, state_machine_id, input, cron, time_zone, anchor_at, overlap, missed, next_run_at, created_at, updated_at)
     SELECT 'far-' || n, 'm', '{}', '0 0 1 1 *', 'UTC', now(), 'ALLOW', 'LAST', now() + n * interval '1 hour', now(), now()
     FROM generate_series(1, 20000) n`,
  );
  await database.pool.query('ANALYZE schedules');
  const due = await planOf(database.pool, DUE, [[], 100]);
  expect(due).toContain('schedules_next_run_at_idx');
  expect(due).toContain('schedules_queued_for_idx');
  expect(due).not.toContain('Seq Scan on schedules');
  const next = await planOf(database.pool, UNTIL_NEXT, [[]]);
  expect(next).toContain('schedules_next_run_at_idx');
  expect(next).toContain('Limit');
});
