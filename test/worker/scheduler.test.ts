/** Schedules with real workers: what is due is started, runs, and lets go of what waits for it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OverlapPolicy } from '../../src/schedules/index.js';
import {
  createSchedule,
  createStateMachine,
  type Database,
  findSchedule,
  type ScheduleRecord,
} from '../../src/store/index.js';
import type { Worker } from '../../src/worker/index.js';
import { eventually } from '../setup/eventually.js';
import { rememberingLog } from '../setup/log.js';
import { type House, openHouse } from './house.js';

let house: House;
let database: Database;
let workers: Worker[];
const log = rememberingLog();
/** Lets a handler return, by the execution that it runs for. */
const held = new Map<string, () => void>();

beforeAll(async () => {
  house = await openHouse(log);
  ({ database } = house);
  await createStateMachine(database, {
    stateMachineId: 'm',
    name: 'm',
    description: null,
    type: 'STANDARD',
    queue: 'default',
    weight: 5,
    metadata: null,
    definition: { StartAt: 'Hold', States: { Hold: { Type: 'Task', Resource: 'hold', End: true } } },
  });
  workers = [await worker(), await worker()];
});

afterAll(async () => {
  for (const release of held.values()) release();
  await Promise.all(workers.map((one) => one.stop()));
  await house.close();
});

function worker(): Promise<Worker> {
  return house.startWorker(
    {
      hold: (input, { executionId }) => new Promise((resolve) => held.set(executionId, () => resolve(input))),
    },
    { leaseMs: 5_000 },
  );
}

/** A schedule that is due once a year, and whenever a test says. */
async function schedule(scheduleId: string, overlap: OverlapPolicy): Promise<void> {
  const outcome = await createSchedule(database.pool, { scheduleId, stateMachineId: 'm' }, (nowMs) => ({
    columns: {
      description: null,
      input: '{}',
      queue: null,
      cron: '0 0 1 1 *',
      timeZone: 'UTC',
      intervalSeconds: null,
      anchorAt: new Date(0),
      startAt: null,
      endAt: null,
      overlap,
      missed: 'LAST',
      paused: false,
      pauseReason: null,
      nextRunAt: new Date(nowMs + 365 * 86_400_000),
      queuedFor: null,
    },
  }));
  expect(outcome.kind).toBe('done');
}

/** Its instant is now, and the schedulers hear that it has changed, as when it is changed over HTTP. */
async function makeDue(scheduleId: string): Promise<void> {
  await database.pool.query(
    `WITH due AS (UPDATE schedules SET next_run_at = now() WHERE id = $1 RETURNING id)
     SELECT pg_notify('escapement_schedules', id) FROM due`,
    [scheduleId],
  );
  await eventually(async () => {
    const { nextRunAt } = await read(scheduleId);
    expect(nextRunAt?.getTime()).toBeGreaterThan(Date.now());
  });
}

async function read(scheduleId: string): Promise<ScheduleRecord> {
  const found = await findSchedule(database.pool, scheduleId);
  if (found === undefined) throw new Error(`no schedule ${scheduleId}`);
  return found;
}

async function runs(scheduleId: string): Promise<{ id: string; status: string }[]> {
  const { rows } = await database.pool.query(
    'SELECT id, status FROM executions WHERE schedule_id = $1 ORDER BY scheduled_for',
    [scheduleId],
  );
  return rows;
}

/** So many of its runs are in their handlers. */
async function running(scheduleId: string, count: number): Promise<string[]> {
  let ids: string[] = [];
  await eventually(async () => {
    ids = (await runs(scheduleId)).map(({ id }) => id);
    expect(ids.filter((id) => held.has(id))).toHaveLength(count);
  });
  return ids;
}

async function release(id: string | undefined): Promise<void> {
  held.get(id ?? '')?.();
  await eventually(async () => {
    const { rows } = await database.pool.query('SELECT status FROM executions WHERE id = $1', [id]);
    expect(rows[0]?.status).toBe('SUCCEEDED');
  });
}

describe('while a run is running', () => {
  test('ALLOW starts another beside it', async () => {
    await schedule('allowing', 'ALLOW');
    await makeDue('allowing');
    await makeDue('allowing');
    await running('allowing', 2);
    expect(await read('allowing')).toMatchObject({ started: 2, skipped: 0, queuedFor: null });
  });

  test('SKIP starts none, and the next one after it has ended', async () => {
    await schedule('skipping', 'SKIP');
    await makeDue('skipping');
    const [first] = await running('skipping', 1);
    await makeDue('skipping');
    await makeDue('skipping');
    expect(await read('skipping')).toMatchObject({ started: 1, skipped: 2 });
    await release(first);
    expect(await runs('skipping')).toHaveLength(1);
    await makeDue('skipping');
    expect(await running('skipping', 2)).toHaveLength(2);
    expect(await read('skipping')).toMatchObject({ started: 2, skipped: 2 });
  });

  test('QUEUE_ONE keeps one, which starts by itself when the other has ended', async () => {
    await schedule('queueing', 'QUEUE_ONE');
    await makeDue('queueing');
    const [first] = await running('queueing', 1);
    await makeDue('queueing');
    const queued = (await read('queueing')).queuedFor;
    expect(queued).not.toBeNull();
    await makeDue('queueing');
    expect(await read('queueing')).toMatchObject({ started: 1, skipped: 1, queuedFor: queued });
    await release(first);
    const [, second] = await running('queueing', 2);
    const { rows } = await database.pool.query('SELECT scheduled_for AS at FROM executions WHERE id = $1', [
      second,
    ]);
    expect(rows[0]?.at).toEqual(queued);
    expect(await read('queueing')).toMatchObject({ started: 2, skipped: 1, queuedFor: null });
  });
});

test('two workers at once start each instant of many schedules once', async () => {
  const ids = Array.from({ length: 30 }, (_, n) => `many-${n}`);
  for (const id of ids) await schedule(id, 'ALLOW');
  await database.pool.query(
    `WITH due AS (UPDATE schedules SET next_run_at = now() WHERE id LIKE 'many-%' RETURNING id)
     SELECT pg_notify('escapement_schedules', id) FROM due`,
  );
  await eventually(async () => {
    for (const id of ids) expect((await read(id)).started).toBe(1);
  });
  for (const id of ids) expect(await runs(id)).toHaveLength(1);
});

test('a schedule that cannot be read is told of, and keeps no other from being started', async () => {
  await schedule('sound', 'ALLOW');
  await schedule('broken', 'ALLOW');
  await database.pool.query(
    "UPDATE schedules SET time_zone = 'Mars/Base', next_run_at = now() WHERE id = 'broken'",
  );
  await makeDue('sound');
  await eventually(() =>
    expect(log.lines).toContainEqual(
      expect.objectContaining({ about: expect.objectContaining({ scheduleId: 'broken' }) }),
    ),
  );
  expect(await runs('sound')).toHaveLength(1);
  expect(await runs('broken')).toHaveLength(0);
  // Whoever can read it takes it from where it stood.
  await database.pool.query("UPDATE schedules SET time_zone = 'UTC' WHERE id = 'broken'");
  await eventually(async () => expect(await runs('broken')).toHaveLength(1));
});
