import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { createBatchStore, openBatches } from '../../src/store/batch-leading.js';
import { cancelBatch, getBatch, listBatches } from '../../src/store/batches.js';
import { dropMapRun, openMapRun, receiveMapRun, writeMapRunInputs } from '../../src/store/map-run-intake.js';
import { type ChildRow, readMapRunChildren } from '../../src/store/map-run-results.js';
import {
  cancelMapRun,
  cancelOrphanedMapRuns,
  getMapRun,
  listMapRuns,
  tellMapRunParents,
  untoldMapRuns,
} from '../../src/store/map-runs.js';
import { each, insertMapRun, insertParent, newMapRun, signalsFor } from '../batches/map-runs.js';
import { batchRow, claimMember, endMember, insertBatch } from '../batches/rows.js';
import { createDatabase } from '../setup/database.js';
import { insertWorker } from './rows.js';

let database: Awaited<ReturnType<typeof createDatabase>>;
let pool: pg.Pool;
let store: ReturnType<typeof createBatchStore>;

beforeAll(async () => {
  database = await createDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 10 });
  store = createBatchStore({ pool });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const uuid = (): string => crypto.randomUUID();

async function chunksOf(mapRunId: string): Promise<{ first_index: number; inputs: string }[]> {
  const { rows } = await pool.query(
    'SELECT first_index, inputs FROM batch_chunks WHERE batch_id = $1 ORDER BY first_index',
    [mapRunId],
  );
  return rows.map(({ first_index, inputs }) => ({ first_index, inputs: JSON.parse(inputs) }));
}

/** Creates all children and says which. */
async function createAll(mapRunId: string, count: number, items?: readonly number[]): Promise<string[]> {
  const workerId = await insertWorker(pool);
  expect(await store.claim(workerId, mapRunId)).toMatchObject({ mode: 'mapRun', started: 0, ended: 0 });
  const members = Array.from({ length: count }, (_, n) => ({
    kind: 'runnable' as const,
    input: String(n),
    sourceExecutionId: undefined,
    ...(items?.[n] !== undefined && { items: items[n] }),
  }));
  const ids = await store.createMembers({ workerId, batchId: mapRunId, from: 0, members });
  await store.release(workerId, mapRunId);
  if (ids === undefined) throw new Error('nothing was created');
  return ids;
}

describe('taking in a map run', () => {
  test('nobody sees it until it is whole; then it is RUNNING with its totals', async () => {
    const run = newMapRun({ parentId: await insertParent(pool) });
    const attempt = uuid();
    expect(await receiveMapRun(pool, run, attempt)).toBeUndefined();
    expect(await writeMapRunInputs(pool, run.mapRunId, attempt, each(['{"a":1}', '2']))).toBe(2);
    expect(await getMapRun(pool, run.mapRunId)).toBeUndefined();
    expect(await store.claim(await insertWorker(pool), run.mapRunId)).toBeUndefined();
    await openMapRun(pool, run.mapRunId, attempt, { total: 2, items: 5 });
    expect(await getMapRun(pool, run.mapRunId)).toMatchObject({
      parentId: run.parentId,
      stateMachineId: 'parent/each',
      version: 3,
      status: 'RUNNING',
      executions: { total: 2, started: 0, succeeded: 0, failed: 0, timedOut: 0, aborted: 0 },
      items: { total: 5, started: 0 },
      endTime: null,
    });
    expect((await openBatches(pool)).map(({ batchId }) => batchId)).toContain(run.mapRunId);
  });

  test('without items it has SUCCEEDED at once', async () => {
    const mapRunId = await insertMapRun(pool, 0);
    expect(await getMapRun(pool, mapRunId)).toMatchObject({ status: 'SUCCEEDED', endTime: expect.any(Date) });
    await tellMapRunParents(pool, [mapRunId]);
    expect(await signalsFor(pool, mapRunId)).toMatchObject([
      { kind: 'mapRunEnded', data: { run: { total: 0 } } },
    ]);
  });

  test('begun anew it has nothing of the attempt before', async () => {
    const run = newMapRun();
    const [first, second] = [uuid(), uuid()];
    await receiveMapRun(pool, run, first);
    await writeMapRunInputs(pool, run.mapRunId, first, each(['1', '2', '3']));
    expect(await receiveMapRun(pool, run, second)).toBeUndefined();
    expect(await chunksOf(run.mapRunId)).toEqual([]);
    await writeMapRunInputs(pool, run.mapRunId, second, each(['7']));
    await openMapRun(pool, run.mapRunId, second, { total: 1, items: 1 });
    expect(await chunksOf(run.mapRunId)).toEqual([{ first_index: 0, inputs: [7] }]);
  });

  test('of an attempt that another has taken the place of, nothing more comes in, and it opens and drops nothing', async () => {
    const run = newMapRun();
    const [zombie, successor] = [uuid(), uuid()];
    await receiveMapRun(pool, run, zombie);
    await receiveMapRun(pool, run, successor);
    await expect(writeMapRunInputs(pool, run.mapRunId, zombie, each(['1']))).rejects.toThrow('not receiving');
    await expect(openMapRun(pool, run.mapRunId, zombie, { total: 0, items: 0 })).rejects.toThrow('any more');
    await dropMapRun(pool, run.mapRunId, zombie);
    await writeMapRunInputs(pool, run.mapRunId, successor, each(['2']));
    await openMapRun(pool, run.mapRunId, successor, { total: 1, items: 1 });
    expect(await chunksOf(run.mapRunId)).toEqual([{ first_index: 0, inputs: [2] }]);
  });

  test('attempts that follow each other at once leave the whole intake of one', async () => {
    const run = newMapRun();
    const take = async (name: string): Promise<boolean> => {
      const attempt = uuid();
      try {
        if ((await receiveMapRun(pool, run, attempt)) !== undefined) return false;
        const inputs = Array.from({ length: 2500 }, () => `"${name}"`);
        const total = await writeMapRunInputs(pool, run.mapRunId, attempt, each(inputs));
        await openMapRun(pool, run.mapRunId, attempt, { total, items: total });
        return true;
      } catch {
        return false;
      }
    };
    const won = await Promise.all(['a', 'b', 'c', 'd'].map(take));
    expect(won.filter(Boolean)).toHaveLength(1);
    const inputs = (await chunksOf(run.mapRunId)).flatMap((chunk) => chunk.inputs);
    expect(inputs).toHaveLength(2500);
    expect(new Set(inputs).size).toBe(1);
  });

  test('a run that has begun to run is not taken in again, whatever has become of it', async () => {
    const run = newMapRun();
    const attempt = uuid();
    await receiveMapRun(pool, run, attempt);
    await writeMapRunInputs(pool, run.mapRunId, attempt, each(['1', '2']));
    await openMapRun(pool, run.mapRunId, attempt, { total: 2, items: 2 });
    expect(await receiveMapRun(pool, run, uuid())).toEqual({ total: 2, over: false });
    await cancelMapRun(pool, run.mapRunId, 'the/key');
    expect(await receiveMapRun(pool, run, uuid())).toEqual({ total: 2, over: true });
    expect(await chunksOf(run.mapRunId)).toHaveLength(1);
  });

  test('what is given up is gone, chunks and all', async () => {
    const run = newMapRun();
    const attempt = uuid();
    await receiveMapRun(pool, run, attempt);
    await writeMapRunInputs(pool, run.mapRunId, attempt, each(['1']));
    await dropMapRun(pool, run.mapRunId, attempt);
    expect(await batchRow(pool, run.mapRunId)).toBeUndefined();
    expect(await chunksOf(run.mapRunId)).toEqual([]);
  });
});

describe('the children', () => {
  test('run the processor under the parent, each called by an id of its own', async () => {
    const parentId = await insertParent(pool);
    const mapRunId = await insertMapRun(pool, 2, { parentId, queue: 'low' });
    const ids = await createAll(mapRunId, 2);
    const { rows } = await pool.query(
      `SELECT id, name, state_machine_id, version, queue, parent_id, batch_index, item_count FROM executions
       WHERE batch_id = $1 ORDER BY batch_index`,
      [mapRunId],
    );
    expect(rows).toEqual(
      ids.map((id, index) => ({
        id,
        name: id,
        state_machine_id: 'parent/each',
        version: 3,
        queue: 'low',
        parent_id: parentId,
        batch_index: index,
        item_count: null,
      })),
    );
  });

  test.each([
    ['nothing given', {}, 0],
    ['a count', { toleratedCount: 2 }, 2],
    ['a percentage', { toleratedPercentage: 30 }, 3],
    ['a percentage that falls between two items', { toleratedPercentage: 29.9 }, 2],
    ['all', { toleratedPercentage: 100 }, 10],
    ['both: the smaller counts', { toleratedCount: 1, toleratedPercentage: 50 }, 1],
    ['both: the other is the smaller', { toleratedCount: 5, toleratedPercentage: 20 }, 2],
  ])('of ten, with %s tolerated: exactly so many may fail', async (_, tolerated, most) => {
    const allowed = await insertMapRun(pool, 10, tolerated);
    const ids = await createAll(allowed, 10);
    for (const [n, id] of ids.entries())
      await endMember(pool, id, n < most ? (n % 2 === 0 ? 'FAILED' : 'TIMED_OUT') : 'SUCCEEDED');
    expect(await getMapRun(pool, allowed)).toMatchObject({
      status: 'SUCCEEDED',
      executions: {
        total: 10,
        succeeded: 10 - most,
        failed: Math.ceil(most / 2),
        timedOut: Math.floor(most / 2),
        aborted: 0,
      },
    });
    if (most === 10) return;

    const failing = await insertMapRun(pool, 10, tolerated);
    const some = (await createAll(failing, most + 2)).slice(0, most + 1);
    for (const id of some.slice(0, most)) await endMember(pool, id, 'FAILED');
    expect(await getMapRun(pool, failing)).toMatchObject({ status: 'RUNNING' });
    await endMember(pool, some[most] ?? '', 'TIMED_OUT');
    // The one that runs is still to be stopped; those never created are counted already.
    expect(await getMapRun(pool, failing)).toMatchObject({
      status: 'STOPPING',
      executions: { started: most + 2, failed: most, timedOut: 1, aborted: 10 - (most + 2) },
    });
  });

  test('a percentage is exact, however it looks as a fraction', async () => {
    const mapRunId = await insertMapRun(pool, 10_000, { toleratedPercentage: 0.57 });
    await createAll(mapRunId, 60);
    // In binary 0.57 of 10,000 are a little less than 5,700: 57 of them would be too many.
    await pool.query('UPDATE batches SET failed = 56, items_failed = 56 WHERE id = $1', [mapRunId]);
    const open = await store.openMembers(mapRunId, 0, 2);
    await endMember(pool, open[0]?.executionId ?? '', 'FAILED');
    expect(await getMapRun(pool, mapRunId)).toMatchObject({ status: 'RUNNING', items: { failed: 57 } });
    await endMember(pool, open[1]?.executionId ?? '', 'FAILED');
    expect(await getMapRun(pool, mapRunId)).toMatchObject({ status: 'STOPPING' });
  });

  test('a batch of items fails as so many items as it has', async () => {
    const mapRunId = await insertMapRun(pool, 3, { batched: true, items: 9, toleratedCount: 4 });
    const ids = await createAll(mapRunId, 3, [4, 4, 1]);
    await endMember(pool, ids[0] ?? '', 'FAILED');
    expect(await getMapRun(pool, mapRunId)).toMatchObject({
      status: 'RUNNING',
      executions: { total: 3, started: 3, failed: 1 },
      items: { total: 9, started: 9, failed: 4 },
    });
    await endMember(pool, ids[2] ?? '', 'FAILED');
    expect(await getMapRun(pool, mapRunId)).toMatchObject({ status: 'STOPPING', items: { failed: 5 } });
    await endMember(pool, ids[1] ?? '', 'ABORTED');
    expect(await getMapRun(pool, mapRunId)).toMatchObject({
      status: 'FAILED',
      executions: { failed: 2, aborted: 1 },
      items: { failed: 5, aborted: 4 },
    });
  });

  test('one that somebody stopped fails nothing', async () => {
    const mapRunId = await insertMapRun(pool, 2);
    const ids = await createAll(mapRunId, 2);
    await endMember(pool, ids[0] ?? '', 'ABORTED');
    await endMember(pool, ids[1] ?? '', 'SUCCEEDED');
    expect(await getMapRun(pool, mapRunId)).toMatchObject({
      status: 'SUCCEEDED',
      executions: { aborted: 1 },
    });
  });
});

describe('telling the parent', () => {
  test('happens once, however many do it at the same time', async () => {
    const mapRunId = await insertMapRun(pool, 2, { toleratedCount: 1 });
    const ids = await createAll(mapRunId, 2);
    await endMember(pool, ids[0] ?? '', 'TIMED_OUT');
    expect(await tellMapRunParents(pool, [mapRunId])).toEqual([]);
    await endMember(pool, ids[1] ?? '', 'SUCCEEDED');
    expect(await untoldMapRuns(pool)).toContain(mapRunId);
    const told = await Promise.all(Array.from({ length: 8 }, () => tellMapRunParents(pool, [mapRunId])));
    expect(told.flat()).toEqual([{ executionId: expect.any(String), queue: 'high', owner: null }]);
    expect(await signalsFor(pool, mapRunId)).toEqual([
      {
        kind: 'mapRunEnded',
        data: {
          frameId: 4,
          key: 'the/key',
          run: { status: 'SUCCEEDED', total: 2, succeeded: 1, failed: 0, timedOut: 1, aborted: 0 },
        },
      },
    ]);
    expect(await untoldMapRuns(pool)).not.toContain(mapRunId);
  });

  test('of a failed run with the error and the cause that AWS gives', async () => {
    const mapRunId = await insertMapRun(pool, 1);
    const [id = ''] = await createAll(mapRunId, 1);
    await endMember(pool, id, 'FAILED');
    await tellMapRunParents(pool, [mapRunId]);
    expect(await signalsFor(pool, mapRunId)).toMatchObject([
      {
        data: {
          run: {
            status: 'FAILED',
            error: 'States.ExceedToleratedFailureThreshold',
            cause: 'The specified tolerated failure threshold was exceeded',
          },
        },
      },
    ]);
  });

  test('a parent that somebody is advancing is not to be rung for; one that has ended hears nothing', async () => {
    const worker = await insertWorker(pool);
    const owned = await insertMapRun(pool, 0, { parentId: await insertParent(pool, worker) });
    expect(await tellMapRunParents(pool, [owned])).toMatchObject([{ owner: worker }]);
    const parentId = await insertParent(pool);
    const orphan = await insertMapRun(pool, 0, { parentId });
    await pool.query("UPDATE executions SET status = 'ABORTED', end_time = now() WHERE id = $1", [parentId]);
    expect(await tellMapRunParents(pool, [orphan])).toEqual([]);
    expect(await signalsFor(pool, orphan)).toEqual([]);
    expect(await untoldMapRuns(pool)).not.toContain(orphan);
  });
});

describe('cancelling', () => {
  test('counts what was never created, and leaves the rest to a leader; the parent is not told', async () => {
    const mapRunId = await insertMapRun(pool, 5, { batched: true, items: 50 });
    const ids = await createAll(mapRunId, 2, [10, 10]);
    expect(await cancelMapRun(pool, mapRunId, 'the/key')).toEqual({ mapRunId, queue: 'low' });
    expect(await getMapRun(pool, mapRunId)).toMatchObject({
      status: 'CANCELLING',
      executions: { aborted: 3 },
      items: { aborted: 30 },
    });
    expect((await openBatches(pool)).map(({ batchId }) => batchId)).toContain(mapRunId);
    expect(await cancelMapRun(pool, mapRunId, 'the/key')).toBeUndefined();
    for (const id of ids) await endMember(pool, id, 'ABORTED');
    expect(await getMapRun(pool, mapRunId)).toMatchObject({ status: 'ABORTED', executions: { aborted: 5 } });
    expect(await tellMapRunParents(pool, [mapRunId])).toEqual([]);
    expect(await signalsFor(pool, mapRunId)).toEqual([]);
  });

  test('a run of which nothing was created is ABORTED at once; one that is still taken in is gone', async () => {
    const mapRunId = await insertMapRun(pool, 5);
    expect(await cancelMapRun(pool, mapRunId, 'the/key')).toBeUndefined();
    expect(await getMapRun(pool, mapRunId)).toMatchObject({ status: 'ABORTED', executions: { aborted: 5 } });
    const run = newMapRun();
    const attempt = uuid();
    await receiveMapRun(pool, run, attempt);
    await writeMapRunInputs(pool, run.mapRunId, attempt, each(['1']));
    await cancelMapRun(pool, run.mapRunId, 'the/key');
    expect(await chunksOf(run.mapRunId)).toEqual([]);
    await expect(writeMapRunInputs(pool, run.mapRunId, attempt, each(['2']))).rejects.toThrow(
      'not receiving',
    );
  });

  test('what runs on for a parent that has ended is found and cancelled, and nothing else is', async () => {
    const parentId = await insertParent(pool);
    const orphans = [await insertMapRun(pool, 2, { parentId }), await insertMapRun(pool, 2, { parentId })];
    for (const id of orphans) await createAll(id, 1);
    const other = await insertMapRun(pool, 2);
    await createAll(other, 1);
    expect((await cancelOrphanedMapRuns(pool)).filter(({ mapRunId }) => orphans.includes(mapRunId))).toEqual(
      [],
    );
    await pool.query("UPDATE executions SET status = 'FAILED', end_time = now() WHERE id = $1", [parentId]);
    const cancelled = await cancelOrphanedMapRuns(pool);
    expect(cancelled.map(({ mapRunId }) => mapRunId).sort()).toEqual(orphans.sort());
    expect(await getMapRun(pool, other)).toMatchObject({ status: 'RUNNING' });
    expect(await cancelOrphanedMapRuns(pool)).toEqual([]);
  });
});

describe('reading', () => {
  test('what is no batch is not among the batches', async () => {
    const mapRunId = await insertMapRun(pool, 1);
    const batchId = await insertBatch(pool, 1);
    expect(await getBatch(pool, mapRunId)).toBeUndefined();
    expect(await cancelBatch(pool, mapRunId)).toBeUndefined();
    expect(await getMapRun(pool, batchId)).toBeUndefined();
    const { items } = await listBatches(pool, {}, { limit: 1000, cursor: undefined });
    expect(items.map((batch) => batch.batchId)).toEqual([batchId]);
  });

  test('the runs of an execution come newest first, page by page', async () => {
    const parentId = await insertParent(pool);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift(await insertMapRun(pool, 1, { parentId }));
    // Two of the same millisecond.
    await pool.query(
      'UPDATE batches SET created_at = (SELECT created_at FROM batches WHERE id = $1) WHERE id = $2',
      [ids[1], ids[2]],
    );
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listMapRuns(pool, parentId, { limit: 2, cursor });
      seen.push(...page.items.map(({ mapRunId }) => mapRunId));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect([...seen].sort()).toEqual([...ids].sort());
    expect(seen[0]).toBe(ids[0]);
    expect(seen.at(-1)).toBe(ids.at(-1));
  });

  test('the children come in the order of the items, in pages of limited size, those never created last', async () => {
    const mapRunId = await insertMapRun(pool, 1203);
    const ids = await createAll(mapRunId, 40);
    const worker = await insertWorker(pool);
    for (const id of ids) await claimMember(pool, worker, id);
    // Outputs that do not fit into one page.
    await pool.query(
      `UPDATE executions SET status = 'SUCCEEDED', end_time = now(), output = to_json(batch_index || repeat('x', 250000))
       WHERE batch_id = $1 AND batch_index <> 7`,
      [mapRunId],
    );
    await pool.query(
      "UPDATE executions SET status = 'FAILED', end_time = now(), error = 'E' WHERE batch_id = $1 AND batch_index = 7",
      [mapRunId],
    );
    const read = async (whole: boolean): Promise<ChildRow[]> => {
      const rows: ChildRow[] = [];
      for await (const row of readMapRunChildren(pool, mapRunId, { whole })) rows.push(row);
      return rows;
    };
    const created = await read(false);
    expect(created.map(({ executionId }) => executionId)).toEqual(ids);
    expect(created[39]?.output).toBe(JSON.stringify(`39${'x'.repeat(250_000)}`));
    expect(created[7]).toMatchObject({ status: 'FAILED', error: 'E', input: '7', output: null });
    const all = await read(true);
    expect(all.map(({ index }) => index)).toEqual(Array.from({ length: 1203 }, (_, n) => n));
    expect(all.map(({ input }) => Number(input))).toEqual(all.map(({ index }) => index));
    expect(
      all.slice(40).every(({ status, executionId }) => status === 'PENDING' && executionId === undefined),
    ).toBe(true);
  });
});
