import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { mapRunRoom } from '../../src/batches/plan.js';
import { cancelBatch } from '../../src/store/batches.js';
import { cancelMapRun, getMapRun, type MapRunRow } from '../../src/store/map-runs.js';
import { BATCH_STOP_CHANNEL } from '../../src/store/sql/batch-end.js';
import { leaveWorkers } from '../../src/store/workers.js';
import { createDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { createTestWorker, type Fate, wantsLeader } from './house.js';
import { insertMapRun, signalsFor } from './map-runs.js';
import { endMember, insertBatch, membersOf } from './rows.js';

let database: Awaited<ReturnType<typeof createDatabase>>;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 12 });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function read(mapRunId: string): Promise<MapRunRow> {
  const run = await getMapRun(pool, mapRunId);
  if (run === undefined) throw new Error('no map run');
  return run;
}

const isOver = async (mapRunId: string): Promise<boolean> => (await read(mapRunId)).endTime !== null;

/** The most children that were open at once, looked at again and again until the run is over. */
async function watchPeak(mapRunId: string): Promise<number> {
  let peak = 0;
  for (;;) {
    const { rows } = await pool.query(
      `SELECT count(*)::int AS open FROM executions WHERE batch_id = $1 AND end_time IS NULL`,
      [mapRunId],
    );
    peak = Math.max(peak, Number(rows[0].open));
    if (await isOver(mapRunId)) return peak;
    await sleep(1);
  }
}

async function lead(total: number, maxConcurrency: number, fate: Fate = () => 'SUCCEEDED'): Promise<number> {
  const worker = await createTestWorker(pool, { fate });
  const mapRunId = await insertMapRun(pool, total, { maxConcurrency });
  // The runner of these tests is no flush: it calls the leader itself.
  const calls = setInterval(() => worker.leader.hear(mapRunId), 2);
  const [peak] = await Promise.all([
    watchPeak(mapRunId),
    worker.lead(mapRunId),
    ...Array.from({ length: 6 }, () => worker.work(() => isOver(mapRunId))),
  ]);
  clearInterval(calls);
  const run = await read(mapRunId);
  expect(run).toMatchObject({ status: 'SUCCEEDED', executions: { total, started: total, succeeded: total } });
  const members = await membersOf(pool, mapRunId);
  expect(members.map(({ input }) => Number(input))).toEqual(Array.from({ length: total }, (_, n) => n));
  expect([...worker.runs.values()].every((times) => times === 1)).toBe(true);
  expect(worker.faults).toEqual([]);
  return peak;
}

test.each([1, 3, 10])('never more than %i children are open, and all come to run', async (limit) => {
  const peak = await lead(60, limit, () => ({ ms: 1, ending: 'SUCCEEDED' }));
  expect(peak).toBeGreaterThan(0);
  expect(peak).toBeLessThanOrEqual(limit);
});

test('without a limit all are created at once, and the run goes on without a leader', async () => {
  const worker = await createTestWorker(pool);
  const mapRunId = await insertMapRun(pool, 2500, { maxConcurrency: 0 });
  await worker.lead(mapRunId);
  expect(await read(mapRunId)).toMatchObject({
    status: 'RUNNING',
    executions: { started: 2500, succeeded: 0 },
  });
  expect(await wantsLeader(pool, mapRunId)).toBe(false);
  expect(new Set(worker.rung.executions).size).toBe(2500);
  await Promise.all(Array.from({ length: 8 }, () => worker.work(() => isOver(mapRunId))));
  expect(await read(mapRunId)).toMatchObject({ status: 'SUCCEEDED', executions: { succeeded: 2500 } });
});

test('the room in the window is what MaxConcurrency leaves, and at most 10,000', () => {
  const run = { concurrency: 5, total: 100, started: 20, ended: 17, toRedrive: 0 };
  expect(mapRunRoom(run)).toBe(2);
  expect(mapRunRoom({ ...run, started: 22 })).toBe(0);
  expect(mapRunRoom({ ...run, total: 21 })).toBe(1);
  // Ten have ended, seven of them are to be taken up again.
  expect(mapRunRoom({ ...run, ended: 10, toRedrive: 7 })).toBe(2);
  expect(mapRunRoom({ ...run, ended: 19, toRedrive: 1 })).toBe(1);
  const unlimited = { concurrency: 0, total: 1_000_000, started: 12_000, ended: 3_000, toRedrive: 0 };
  expect(mapRunRoom(unlimited)).toBe(1_000);
  expect(mapRunRoom({ ...unlimited, concurrency: 50_000 })).toBe(1_000);
});

test('too many failures stop what runs, start nothing more, and the parent is told once', async () => {
  const worker = await createTestWorker(pool, { fate: (index) => (index === 2 ? 'FAILED' : 'parked') });
  const mapRunId = await insertMapRun(pool, 50, { maxConcurrency: 5 });
  const leading = worker.lead(mapRunId);
  const working = worker.work(() => isOver(mapRunId));
  const stopped = async (): Promise<string[]> => {
    const { rows } = await pool.query(
      `SELECT e.id FROM executions e JOIN inbox i ON i.execution_id = e.id
       WHERE e.batch_id = $1 AND e.end_time IS NULL AND i.kind = 'stop' AND i.data LIKE '%Escapement.MapRunFailed%'`,
      [mapRunId],
    );
    return rows.map(({ id }) => id);
  };
  await eventually(async () => expect(await stopped()).toHaveLength(4));
  expect(await read(mapRunId)).toMatchObject({ status: 'STOPPING', executions: { started: 5, aborted: 45 } });
  expect(await signalsFor(pool, mapRunId)).toEqual([]);
  for (const id of await stopped()) await endMember(pool, id, 'ABORTED');
  await Promise.all([leading, working]);
  expect(await read(mapRunId)).toMatchObject({
    status: 'FAILED',
    executions: { started: 5, failed: 1, aborted: 49 },
    items: { failed: 1, aborted: 49 },
  });
  expect(await signalsFor(pool, mapRunId)).toHaveLength(1);
});

test('when the last that is open is aborted by the leader, the leader tells the parent', async () => {
  const worker = await createTestWorker(pool, { fate: () => 'FAILED' });
  const mapRunId = await insertMapRun(pool, 30, { maxConcurrency: 4 });
  const leading = worker.lead(mapRunId);
  await eventually(() => expect(worker.rung.executions).toHaveLength(4));
  // One fails, and nobody ever takes up the others.
  let one = true;
  await worker.work(async () => {
    const go = one;
    one = false;
    return !go;
  });
  await leading;
  expect(await read(mapRunId)).toMatchObject({ status: 'FAILED', executions: { failed: 1, aborted: 29 } });
  expect(await signalsFor(pool, mapRunId)).toHaveLength(1);
  expect(worker.rung.executions).toHaveLength(4);
});

test('cancelled, it stops what runs, aborts the rest, and ends ABORTED', async () => {
  const worker = await createTestWorker(pool, { fate: () => ({ ms: 20, ending: 'ABORTED' }) });
  const mapRunId = await insertMapRun(pool, 40, { maxConcurrency: 3 });
  const leading = worker.lead(mapRunId);
  const working = worker.work(() => isOver(mapRunId));
  await eventually(() => expect(worker.runs.size).toBeGreaterThan(0));
  await cancelMapRun(pool, mapRunId, 'the/key');
  worker.leader.hear(mapRunId);
  await Promise.all([leading, working]);
  const run = await read(mapRunId);
  expect(run).toMatchObject({ status: 'ABORTED', executions: { aborted: 40, succeeded: 0, failed: 0 } });
  expect(await signalsFor(pool, mapRunId)).toEqual([]);
});

test('with its leader gone in the middle another goes on exactly where it was', async () => {
  const fate: Fate = () => ({ ms: 2, ending: 'SUCCEEDED' });
  const [first, second] = await Promise.all([
    createTestWorker(pool, { fate }),
    createTestWorker(pool, { fate }),
  ]);
  const mapRunId = await insertMapRun(pool, 60, { maxConcurrency: 4 });
  const calls = setInterval(() => {
    first.leader.hear(mapRunId);
    second.leader.hear(mapRunId);
  }, 2);
  const peak = watchPeak(mapRunId);
  const leading = first.lead(mapRunId);
  const working = [first, second].map((worker) => worker.work(() => isOver(mapRunId)));
  await eventually(() => expect(first.runs.size).toBeGreaterThan(10));
  // As kill -9: it says nothing to anybody, and the reaper takes its row.
  await leaveWorkers(pool, first.workerId);
  await eventually(async () => expect(await wantsLeader(pool, mapRunId)).toBe(true));
  await Promise.all([second.lead(mapRunId), leading, ...working]);
  clearInterval(calls);
  expect(await peak).toBeLessThanOrEqual(4);
  expect(await read(mapRunId)).toMatchObject({
    status: 'SUCCEEDED',
    executions: { succeeded: 60, started: 60 },
  });
  const members = await membersOf(pool, mapRunId);
  expect(members.map(({ batch_index }) => batch_index)).toEqual(Array.from({ length: 60 }, (_, n) => n));
  // Only what was under way when its worker was gone was taken up again: at most a window full.
  const again = [...second.runs.keys()].filter((id) => first.runs.has(id));
  expect(again.length).toBeLessThanOrEqual(4);
});

test('a cancel calls for a leader, wherever there is one', async () => {
  const mapRunId = await insertMapRun(pool, 5, { maxConcurrency: 1 });
  const worker = await createTestWorker(pool);
  const first = (batchId: string) => createTestWorker(pool).then((other) => other.lead(batchId));
  const session = await pool.connect();
  const heard: (string | undefined)[] = [];
  session.on('notification', ({ payload }) => heard.push(payload));
  await session.query(`LISTEN ${BATCH_STOP_CHANNEL}`);
  const leading = worker.lead(mapRunId);
  await eventually(async () => expect((await read(mapRunId)).executions.started).toBe(1));
  await cancelMapRun(pool, mapRunId, 'the/key');
  await eventually(() => expect(heard).toEqual([mapRunId]));
  // A batch's cancel does the same: its members may have all slots that a doorbell would wait for.
  const batchId = await insertBatch(pool, 2);
  await first(batchId);
  await cancelBatch(pool, batchId);
  await eventually(() => expect(heard).toEqual([mapRunId, batchId]));
  session.release(true);
  await leading;
  expect(await read(mapRunId)).toMatchObject({ status: 'ABORTED' });
});
