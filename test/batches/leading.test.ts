import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { createBatchStore } from '../../src/store/batch-leading.js';
import { cancelBatch, getBatch, listMembers } from '../../src/store/batches.js';
import { leaveWorkers } from '../../src/store/workers.js';
import { createDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { chance, createTestWorker, type Fate, wantsLeader } from './house.js';
import { batchRow, endMember, insertBatch, membersOf } from './rows.js';

let database: Awaited<ReturnType<typeof createDatabase>>;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 10 });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const MODES = ['distributed', 'concurrent', 'sequential'] as const;

/** The books of a batch that is over: every member has ended, and is counted once. */
async function closedBooks(batchId: string): Promise<Record<string, unknown>> {
  const row = await batchRow(pool, batchId);
  const { total, started, succeeded, failed, aborted } = row as Record<string, number>;
  expect(row['end_time']).toBeInstanceOf(Date);
  expect(row['owner']).toBeNull();
  expect(Number(succeeded) + Number(failed) + Number(aborted)).toBe(total);
  const members = await membersOf(pool, batchId);
  expect(members.map((member) => member.batch_index)).toEqual(members.map((_, index) => index));
  expect(members).toHaveLength(Number(started));
  const count = (...statuses: string[]) => members.filter(({ status }) => statuses.includes(status)).length;
  expect(count('SUCCEEDED')).toBe(succeeded);
  expect(count('FAILED', 'TIMED_OUT')).toBe(failed);
  expect(count('ABORTED') + Number(total) - Number(started)).toBe(aborted);
  // Results are complete: one line a member, in order, created or not.
  const batch = await getBatch(pool, batchId);
  if (batch === undefined) throw new Error('no batch');
  const lines = await listMembers(pool, batch, 0, 10_000);
  expect(lines.map(({ index }) => index)).toEqual(Array.from({ length: Number(total) }, (_, n) => n));
  expect(lines.filter(({ executionId }) => executionId === null)).toHaveLength(
    Number(total) - Number(started),
  );
  return row;
}

const isOver = async (batchId: string): Promise<boolean> =>
  (await batchRow(pool, batchId))['end_time'] !== null;

describe.each(MODES)('a %s batch', (mode) => {
  test('makes one member for each input and ends when all have', async () => {
    const worker = await createTestWorker(pool);
    const batchId = await insertBatch(pool, 30, { mode });
    await Promise.all([worker.lead(batchId), worker.work(() => isOver(batchId))]);
    expect(await closedBooks(batchId)).toMatchObject({ status: 'SUCCEEDED', succeeded: 30 });
    expect((await membersOf(pool, batchId)).map(({ input }) => Number(input))).toEqual(
      Array.from({ length: 30 }, (_, n) => n),
    );
    expect([...worker.runs.values()].every((times) => times === 1)).toBe(true);
    expect(worker.faults).toEqual([]);
  });

  test('goes on after failures unless told to stop, and has then FAILED', async () => {
    const fate: Fate = (index) => (index % 3 === 0 ? 'FAILED' : index % 3 === 1 ? 'TIMED_OUT' : 'SUCCEEDED');
    const worker = await createTestWorker(pool, { fate });
    const batchId = await insertBatch(pool, 9, { mode });
    await Promise.all([worker.lead(batchId), worker.work(() => isOver(batchId))]);
    expect(await closedBooks(batchId)).toMatchObject({
      status: 'FAILED',
      started: 9,
      succeeded: 3,
      failed: 6,
    });
  });

  test('with stopOnError ends at the first failure, and every member is accounted for', async () => {
    // The others take their time, so that none of them can end while the failure is being written down.
    const fate: Fate = (index) => (index === 4 ? 'FAILED' : { ms: 50, ending: 'SUCCEEDED' });
    const worker = await createTestWorker(pool, { fate });
    const batchId = await insertBatch(pool, 40, { mode, stopOnError: true, concurrency: 2 });
    await Promise.all([
      worker.lead(batchId),
      worker.work(async () => {
        // As when a flush says that it has stopped a batch.
        if ((await batchRow(pool, batchId))['status'] === 'STOPPING') await worker.lead(batchId);
        return isOver(batchId);
      }),
    ]);
    const row = await closedBooks(batchId);
    expect(row).toMatchObject({ status: 'FAILED', failed: 1 });
    // The other member that was under way may have ended too, and no more were begun.
    expect(Number(row['succeeded'])).toBeLessThanOrEqual(mode === 'concurrent' ? 5 : 4);
    expect(Number(row['succeeded'])).toBeGreaterThanOrEqual(mode === 'concurrent' ? 3 : 4);
    expect(worker.faults).toEqual([]);
  });

  test('that is cancelled in the middle stops what runs, aborts what does not, and is ABORTED', async () => {
    const worker = await createTestWorker(pool, { fate: () => ({ ms: 30, ending: 'SUCCEEDED' }) });
    const batchId = await insertBatch(pool, 60, { mode, concurrency: 3 });
    const leading = worker.lead(batchId);
    const working = worker.work(() => isOver(batchId));
    await eventually(() => expect(worker.runs.size).toBeGreaterThan(1));
    expect(await cancelBatch(pool, batchId)).toMatchObject({ over: false });
    await Promise.all([leading, worker.lead(batchId), working]);
    const row = await closedBooks(batchId);
    expect(row).toMatchObject({ status: 'ABORTED' });
    expect(Number(row['succeeded'])).toBeLessThan(30);
    expect(Number(row['aborted'])).toBeGreaterThan(30);
  });

  test('goes on with another leader when its own is gone in the middle, and no member runs twice', async () => {
    const fate: Fate = () => ({ ms: 3, ending: 'SUCCEEDED' });
    const [first, second] = await Promise.all([
      createTestWorker(pool, { fate }),
      createTestWorker(pool, { fate }),
    ]);
    const batchId = await insertBatch(pool, 50, { mode, concurrency: 4 });
    const leading = first.lead(batchId);
    const working = [first, second].map((worker) => worker.work(() => isOver(batchId)));
    await eventually(() => expect(first.runs.size).toBeGreaterThan(5));
    first.stop.abort();
    await leading;
    // Let go at once: the leader called for the next, and any worker may lead now.
    if (mode !== 'distributed') expect(first.rung.batches).toEqual([batchId]);
    await second.lead(batchId);
    await Promise.all(working);
    await eventually(async () => expect(await isOver(batchId)).toBe(true));
    expect(await closedBooks(batchId)).toMatchObject({ status: 'SUCCEEDED', succeeded: 50 });
    const times = [...first.runs, ...second.runs];
    expect(new Set(times.map(([id]) => id)).size).toBe(times.length);
    if (mode !== 'distributed') expect(second.runs.size).toBeGreaterThan(0);
  });

  test('that was cancelled before anybody led it needs no leader', async () => {
    const worker = await createTestWorker(pool);
    const batchId = await insertBatch(pool, 5, { mode });
    await cancelBatch(pool, batchId);
    expect(await wantsLeader(pool, batchId)).toBe(false);
    await worker.lead(batchId);
    expect(await closedBooks(batchId)).toMatchObject({ status: 'ABORTED', started: 0, aborted: 5 });
  });

  test('outlives faults of the database: what a leader did not hear of is neither lost nor done twice', async () => {
    const store = createBatchStore({ pool });
    let calls = 0;
    const worker = await createTestWorker(pool, {
      store: {
        ...store,
        createMembers: async (request) => {
          calls++;
          // Every third time it fails before, every other third it is done and nobody is told.
          if (calls % 3 === 0) throw new Error('not sent');
          const answer = await store.createMembers(request);
          if (calls % 3 === 1) throw new Error('not heard');
          return answer;
        },
      },
    });
    const batchId = await insertBatch(pool, 12, { mode });
    await Promise.all([worker.lead(batchId), worker.work(() => isOver(batchId))]);
    expect(await closedBooks(batchId)).toMatchObject({ status: 'SUCCEEDED', succeeded: 12 });
    expect(worker.faults.length).toBeGreaterThan(0);
    expect([...worker.runs.values()].every((times) => times === 1)).toBe(true);
  });
});

describe('a distributed batch', () => {
  test('is let go when all members are created, and wants no leader while they run', async () => {
    const worker = await createTestWorker(pool);
    const batchId = await insertBatch(pool, 2_500, { mode: 'distributed' });
    expect(await wantsLeader(pool, batchId)).toBe(true);
    await worker.lead(batchId);
    expect(await batchRow(pool, batchId)).toMatchObject({ status: 'RUNNING', started: 2_500, owner: null });
    expect(await wantsLeader(pool, batchId)).toBe(false);
    expect(worker.rung.executions).toEqual((await membersOf(pool, batchId)).map(({ id }) => id));
    expect(worker.rung.chunkSizes).toEqual([12, 12, 12]);
    // Until it is being stopped.
    await cancelBatch(pool, batchId);
    expect(await wantsLeader(pool, batchId)).toBe(true);
    await worker.lead(batchId);
    expect(await closedBooks(batchId)).toMatchObject({ status: 'ABORTED', aborted: 2_500 });
  });

  test('members that a dead leader created without ringing are rung for by the next', async () => {
    const first = await createTestWorker(pool);
    const store = createBatchStore({ pool });
    const batchId = await insertBatch(pool, 3, { mode: 'distributed' });
    await store.claim(first.workerId, batchId);
    const members = ['1', '2'].map((input) => ({
      kind: 'runnable' as const,
      input,
      sourceExecutionId: undefined,
    }));
    const ids = await store.createMembers({ workerId: first.workerId, batchId, from: 0, members });
    await leaveWorkers(pool, first.workerId);

    const second = await createTestWorker(pool);
    await second.lead(batchId);
    expect(second.rung.executions.slice(0, 2)).toEqual(ids);
    expect(second.rung.executions).toHaveLength(3);
  });
});

describe('a concurrent batch', () => {
  test('has never more members under way than its concurrency, and uses all of it', async () => {
    const worker = await createTestWorker(pool, {
      fate: (index) => ({ ms: 1 + 10 * chance('concurrency', index), ending: 'SUCCEEDED' }),
    });
    const batchId = await insertBatch(pool, 80, { mode: 'concurrent', concurrency: 4 });
    await worker.lead(batchId);
    expect(worker.peak()).toBe(4);
    expect(await closedBooks(batchId)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('creates no member for which this worker has no slot', async () => {
    const worker = await createTestWorker(pool, { slots: 2, fate: () => ({ ms: 5, ending: 'SUCCEEDED' }) });
    const batchId = await insertBatch(pool, 20, { mode: 'concurrent', concurrency: 10 });
    const leading = worker.lead(batchId);
    let lying = 0;
    while (!(await isOver(batchId))) {
      const { rows } = await pool.query(
        'SELECT count(*)::int AS n FROM executions WHERE batch_id = $1 AND end_time IS NULL',
        [batchId],
      );
      lying = Math.max(lying, rows[0].n);
    }
    await leading;
    expect(worker.peak()).toBe(2);
    expect(lying).toBeLessThanOrEqual(2);
  });

  test('a parked member keeps its place until it has ended, wherever that happens', async () => {
    const worker = await createTestWorker(pool, { fate: (index) => (index < 2 ? 'parked' : 'SUCCEEDED') });
    const batchId = await insertBatch(pool, 6, { mode: 'concurrent', concurrency: 2 });
    const leading = worker.lead(batchId);
    await eventually(() => expect(worker.runs.size).toBe(2));
    await sleep(400);
    // Both places are taken by members that wait for something.
    expect(await batchRow(pool, batchId)).toMatchObject({ started: 2 });
    for (const { id } of await membersOf(pool, batchId)) await endMember(pool, id);
    await leading;
    expect(await closedBooks(batchId)).toMatchObject({ status: 'SUCCEEDED', succeeded: 6 });
  });
});

describe('a sequential batch', () => {
  test('runs its members in order, each only when the one before has ended', async () => {
    const worker = await createTestWorker(pool, {
      fate: (index) => ({ ms: 5 * chance('order', index), ending: 'SUCCEEDED' }),
    });
    const batchId = await insertBatch(pool, 25, { mode: 'sequential', concurrency: 9 });
    await worker.lead(batchId);
    expect(worker.peak()).toBe(1);
    expect(worker.order).toEqual(Array.from({ length: 25 }, (_, n) => n));
  });

  test('waits for a member that has parked before it creates the next', async () => {
    const worker = await createTestWorker(pool, { fate: (index) => (index === 1 ? 'parked' : 'SUCCEEDED') });
    const batchId = await insertBatch(pool, 3, { mode: 'sequential' });
    const leading = worker.lead(batchId);
    await eventually(() => expect(worker.runs.size).toBe(2));
    await sleep(300);
    const members = await membersOf(pool, batchId);
    expect(members).toHaveLength(2);
    await endMember(pool, members[1]?.id ?? '');
    await leading;
    expect(worker.order).toEqual([0, 2]);
    expect(await closedBooks(batchId)).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('a leader', () => {
  test('that has lost its row stops quietly, and its successor finishes', async () => {
    const fate: Fate = () => ({ ms: 5, ending: 'SUCCEEDED' });
    const first = await createTestWorker(pool, { fate });
    const batchId = await insertBatch(pool, 40, { mode: 'concurrent', concurrency: 4 });
    const leading = first.lead(batchId);
    await eventually(() => expect(first.runs.size).toBeGreaterThan(5));
    await leaveWorkers(pool, first.workerId);
    await leading;
    expect(first.faults).toEqual([]);
    const second = await createTestWorker(pool, { fate });
    await second.lead(batchId);
    expect(await closedBooks(batchId)).toMatchObject({ status: 'SUCCEEDED', succeeded: 40 });
  });

  test('two that are rung at once: one leads, the other leaves it alone', async () => {
    const [a, b] = await Promise.all([createTestWorker(pool), createTestWorker(pool)]);
    const batchId = await insertBatch(pool, 20, { mode: 'sequential' });
    await Promise.all([a.lead(batchId), b.lead(batchId), a.lead(batchId)]);
    await eventually(async () => expect(await isOver(batchId)).toBe(true));
    expect(await closedBooks(batchId)).toMatchObject({ succeeded: 20 });
    expect(Math.min(a.runs.size, b.runs.size)).toBe(0);
  });
});
