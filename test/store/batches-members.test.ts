import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { NewMember } from '../../src/batches/index.js';
import { deriveStateRecords, type HistoryEvent, outputOfState } from '../../src/engine/index.js';
import { createBatchStore } from '../../src/store/batch-leading.js';
import { getBatch, listMembers } from '../../src/store/batches.js';
import { newId } from '../../src/store/ids.js';
import { leaveWorkers, reapWorkers } from '../../src/store/workers.js';
import { batchRow, claimMember, endMember, insertBatch, membersOf } from '../batches/rows.js';
import { createDatabase } from '../setup/database.js';
import { insertWorker } from './rows.js';

let database: Awaited<ReturnType<typeof createDatabase>>;
let pool: pg.Pool;
let store: ReturnType<typeof createBatchStore>;
let workerId: string;

beforeAll(async () => {
  database = await createDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 10 });
  store = createBatchStore({ pool });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(async () => {
  workerId = await insertWorker(pool);
});

const REASON = { error: 'Escapement.BatchStopped', cause: 'It says "why".' };

function runnable(from: number, count: number): NewMember[] {
  return Array.from({ length: count }, (_, n) => ({
    kind: 'runnable',
    input: String(from + n),
    sourceExecutionId: undefined,
  }));
}

function failed(): NewMember {
  return { kind: 'failed', error: 'E', cause: 'a "cause"\n', sourceExecutionId: newId() };
}

async function ledBatch(total: number, options: Parameters<typeof insertBatch>[2] = {}): Promise<string> {
  const batchId = await insertBatch(pool, total, options);
  expect(await store.claim(workerId, batchId)).toMatchObject({ batchId, status: 'RUNNING', started: 0 });
  return batchId;
}

async function historyOf(executionId: string): Promise<HistoryEvent[]> {
  const { rows } = await pool.query('SELECT * FROM journal WHERE execution_id = $1 ORDER BY seq', [
    executionId,
  ]);
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ seq: 1, first_event_id: 1, event_count: 2 });
  expect(JSON.parse(rows[0].frames)).toMatchObject({ meta: { nextEventId: 3 }, changed: [], dropped: [] });
  return JSON.parse(rows[0].events);
}

describe('leading', () => {
  test('a batch is led by one worker, until it is let go', async () => {
    const batchId = await ledBatch(1);
    const other = await insertWorker(pool);
    expect(await store.claim(other, batchId)).toBeUndefined();
    expect(await store.read(other, batchId)).toBeUndefined();
    await store.release(other, batchId);
    expect(await store.read(workerId, batchId)).toMatchObject({ batchId });
    await store.release(workerId, batchId);
    expect(await store.claim(other, batchId)).toMatchObject({ batchId });
  });

  test('a worker that has no row leads nothing', async () => {
    const batchId = await insertBatch(pool, 1);
    expect(await store.claim(crypto.randomUUID(), batchId)).toBeUndefined();
  });

  test('the batches of a worker that is gone can be led by another', async () => {
    const batchId = await ledBatch(1);
    await leaveWorkers(pool, workerId);
    expect(await store.claim(await insertWorker(pool), batchId)).toMatchObject({ batchId });
  });
});

describe('creating members', () => {
  test('they are runnable at once, named and numbered, of the version that the batch pinned', async () => {
    const batchId = await ledBatch(5, { namePrefix: 'orders' });
    const ids = await store.createMembers({ workerId, batchId, from: 0, members: runnable(0, 2) });
    const more = await store.createMembers({ workerId, batchId, from: 2, members: runnable(2, 1) });
    const { rows } = await pool.query(
      `SELECT id, name, state_machine_id, version, status, input, queue, batch_index, epoch, owner,
         wake_at <= now() AS due, end_time FROM executions WHERE batch_id = $1 ORDER BY batch_index`,
      [batchId],
    );
    expect(rows).toEqual(
      [...(ids ?? []), ...(more ?? [])].map((id, index) => ({
        id,
        name: `orders-${index}`,
        state_machine_id: 'target',
        version: 3,
        status: 'RUNNING',
        input: String(index),
        queue: 'low',
        batch_index: index,
        epoch: 0,
        owner: null,
        due: true,
        end_time: null,
      })),
    );
    expect(await batchRow(pool, batchId)).toMatchObject({ started: 3, status: 'RUNNING', failed: 0 });
  });

  test('two leaders that try the same steps at once create every member once', async () => {
    const batchId = await ledBatch(400);
    // Both believe that they lead, as after a take-over that one of them has not noticed.
    const lead = async (): Promise<number> => {
      let won = 0;
      for (let from = 0; from < 400; from += 20) {
        const ids = await store.createMembers({ workerId, batchId, from, members: runnable(from, 20) });
        if (ids !== undefined) won++;
        else
          while (Number((await batchRow(pool, batchId))['started']) <= from) await new Promise(setImmediate);
      }
      return won;
    };
    const [a = 0, b = 0] = await Promise.all([lead(), lead()]);
    expect(a + b).toBe(20);
    const members = await membersOf(pool, batchId);
    expect(members.map((member) => member.batch_index)).toEqual(Array.from({ length: 400 }, (_, n) => n));
    expect(members.map((member) => member.input)).toEqual(Array.from({ length: 400 }, (_, n) => String(n)));
  });

  test('the counters that members raise meanwhile are not lost, nor is a step', async () => {
    const batchId = await ledBatch(300);
    const ended: Promise<void>[] = [];
    for (let from = 0; from < 300; from += 10) {
      const ids = await store.createMembers({ workerId, batchId, from, members: runnable(from, 10) });
      for (const id of ids ?? []) ended.push(endMember(pool, id));
    }
    await Promise.all(ended);
    expect(await batchRow(pool, batchId)).toMatchObject({
      status: 'SUCCEEDED',
      started: 300,
      succeeded: 300,
      owner: null,
    });
  });

  test('a leader that is declared dead in the middle of a step has created all of it or nothing, and no more', async () => {
    let interrupted = 0;
    for (let round = 0; round < 15; round++) {
      const dead = await insertWorker(pool, 1);
      const batchId = await insertBatch(pool, 2_000);
      expect(await store.claim(dead, batchId)).toBeDefined();
      let confirmed = 0;
      const creating = (async () => {
        for (let from = 0; from < 2_000; from += 50) {
          const ids = await store.createMembers({
            workerId: dead,
            batchId,
            from,
            members: runnable(from, 50),
          });
          if (ids === undefined) return;
          confirmed = from + 50;
        }
      })();
      await new Promise((resolve) => setTimeout(resolve, 2 + round));
      await reapWorkers(pool);
      const successor = await insertWorker(pool);
      // Freed in the same transaction as the row is deleted: what its successor reads does not move any more.
      const led = await store.claim(successor, batchId);
      const seen = Number(led?.started);
      await creating;
      expect(Number((await batchRow(pool, batchId))['started'])).toBe(seen);
      expect(confirmed).toBe(seen);
      expect(await membersOf(pool, batchId)).toHaveLength(seen);
      if (seen > 0 && seen < 2_000) interrupted++;
    }
    // Else nothing was tried here.
    expect(interrupted).toBeGreaterThan(0);
  });

  test('nothing is created for a batch that is being stopped', async () => {
    const batchId = await ledBatch(10, { stopOnError: true });
    const [first = ''] =
      (await store.createMembers({ workerId, batchId, from: 0, members: runnable(0, 2) })) ?? [];
    await endMember(pool, first, 'TIMED_OUT');
    expect(
      await store.createMembers({ workerId, batchId, from: 2, members: runnable(2, 2) }),
    ).toBeUndefined();
    // The eight that will never be created are counted by the statement that stopped the batch.
    expect(await batchRow(pool, batchId)).toMatchObject({
      status: 'STOPPING',
      started: 2,
      failed: 1,
      aborted: 8,
    });
  });

  test('a name that is taken is made longer, and the others stay', async () => {
    const namePrefix = `taken-${newId()}`;
    await ledBatch(3, { namePrefix }).then((other) =>
      store.createMembers({ workerId, batchId: other, from: 0, members: runnable(0, 3).slice(0, 2) }),
    );
    const batchId = await ledBatch(4, { namePrefix });
    expect(await store.createMembers({ workerId, batchId, from: 0, members: runnable(0, 4) })).toHaveLength(
      4,
    );
    const short = batchId.slice(-8);
    expect((await membersOf(pool, batchId)).map(({ name }) => name)).toEqual([
      `${namePrefix}-0-${short}`,
      `${namePrefix}-1-${short}`,
      `${namePrefix}-2`,
      `${namePrefix}-3`,
    ]);
  });

  test('a member without an input is FAILED from the start, with a whole history, and is counted', async () => {
    const batchId = await ledBatch(3);
    const members = [failed(), ...runnable(1, 1), failed()];
    const ids = await store.createMembers({ workerId, batchId, from: 0, members });
    expect(ids).toHaveLength(1);
    expect(await batchRow(pool, batchId)).toMatchObject({
      status: 'RUNNING',
      started: 3,
      failed: 2,
      aborted: 0,
    });
    const batch = await getBatch(pool, batchId);
    if (batch === undefined) throw new Error('no batch');
    expect((await listMembers(pool, batch, 0, 10)).map(({ status, error }) => [status, error])).toEqual([
      ['FAILED', 'E'],
      ['RUNNING', null],
      ['FAILED', 'E'],
    ]);
    const [first] = await membersOf(pool, batchId);
    const events = await historyOf(first?.id ?? '');
    expect(events).toEqual([
      {
        id: 1,
        previousEventId: 0,
        type: 'ExecutionStarted',
        timestamp: expect.any(Number),
        details: { input: null },
      },
      {
        id: 2,
        previousEventId: 1,
        type: 'ExecutionFailed',
        timestamp: expect.any(Number),
        details: { error: 'E', cause: 'a "cause"\n' },
      },
    ]);
    expect(deriveStateRecords(events)).toEqual([]);
    await endMember(pool, ids?.[0] ?? '');
    expect(await batchRow(pool, batchId)).toMatchObject({ status: 'FAILED', succeeded: 1, failed: 2 });
  });

  test('a batch of nothing but such members is over with its last step', async () => {
    const batchId = await ledBatch(2);
    await store.createMembers({ workerId, batchId, from: 0, members: [failed(), failed()] });
    expect(await batchRow(pool, batchId)).toMatchObject({ status: 'FAILED', failed: 2, owner: null });
    expect((await batchRow(pool, batchId))['end_time']).toBeInstanceOf(Date);
  });

  test('with stopOnError such a member stops the batch: what is not created counts as aborted, once', async () => {
    const batchId = await ledBatch(10, { stopOnError: true });
    const members = [...runnable(0, 1), failed()];
    await store.createMembers({ workerId, batchId, from: 0, members });
    expect(await batchRow(pool, batchId)).toMatchObject({ status: 'STOPPING', failed: 1, aborted: 8 });
    const [first] = await membersOf(pool, batchId);
    await endMember(pool, first?.id ?? '', 'FAILED');
    expect(await batchRow(pool, batchId)).toMatchObject({
      status: 'FAILED',
      failed: 2,
      aborted: 8,
      total: 10,
    });
  });
});

describe('stopping what has not begun', () => {
  test('what nobody has claimed is aborted in steps; what was claimed goes on', async () => {
    const batchId = await ledBatch(8, { stopOnError: true });
    const ids = (await store.createMembers({ workerId, batchId, from: 0, members: runnable(0, 6) })) ?? [];
    const [failing = '', , claimed = ''] = ids;
    await claimMember(pool, workerId, claimed);
    await endMember(pool, failing, 'FAILED');

    const step = { workerId, batchId, limit: 2, reason: REASON };
    expect(await store.abortUnclaimed({ ...step, from: 0 })).toEqual({ count: 2, lastIndex: 3 });
    expect(await store.abortUnclaimed({ ...step, from: 4 })).toEqual({ count: 2, lastIndex: 5 });
    expect(await store.abortUnclaimed({ ...step, from: 6 })).toEqual({ count: 0, lastIndex: 6 });
    expect((await membersOf(pool, batchId)).map(({ status }) => status)).toEqual([
      'FAILED',
      'ABORTED',
      'RUNNING',
      'ABORTED',
      'ABORTED',
      'ABORTED',
    ]);
    expect(await batchRow(pool, batchId)).toMatchObject({ status: 'STOPPING', failed: 1, aborted: 6 });
    expect(await historyOf(ids[1] ?? '')).toEqual([
      {
        id: 1,
        previousEventId: 0,
        type: 'ExecutionStarted',
        timestamp: expect.any(Number),
        details: { input: 1 },
      },
      {
        id: 2,
        previousEventId: 0,
        type: 'ExecutionAborted',
        timestamp: expect.any(Number),
        details: REASON,
      },
    ]);
    // It is no longer to be had.
    expect(await claimMember(pool, workerId, ids[1] ?? '')).toBe(false);

    await endMember(pool, claimed);
    expect(await batchRow(pool, batchId)).toMatchObject({
      status: 'FAILED',
      succeeded: 1,
      failed: 1,
      aborted: 6,
      total: 8,
    });
  });

  test('nothing is aborted while the batch runs, or by a worker that does not lead it', async () => {
    const batchId = await ledBatch(3);
    await store.createMembers({ workerId, batchId, from: 0, members: runnable(0, 2) });
    const step = { batchId, from: 0, limit: 10, reason: REASON };
    expect(await store.abortUnclaimed({ ...step, workerId })).toEqual({ count: 0, lastIndex: 0 });
    await pool.query("UPDATE batches SET status = 'STOPPING' WHERE id = $1", [batchId]);
    const other = await insertWorker(pool);
    expect(await store.abortUnclaimed({ ...step, workerId: other })).toEqual({ count: 0, lastIndex: 0 });
    expect((await membersOf(pool, batchId)).map(({ status }) => status)).toEqual(['RUNNING', 'RUNNING']);
  });
});

describe('the sources of members', () => {
  async function insertSource(output: string | null, checkpoints: string[] = []): Promise<string> {
    const id = newId();
    await pool.query(
      `INSERT INTO executions (id, state_machine_id, version, name, status, input, output, start_time, queue)
       VALUES ($1, 'source', 1, gen_random_uuid()::text, $3, '{}', $2, now(), 'q')`,
      [id, output, output === null ? 'FAILED' : 'SUCCEEDED'],
    );
    for (const [n, events] of checkpoints.entries()) {
      await pool.query(
        `INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, events, frames)
         VALUES ($1, $2, 1, 1, 1, $3, '{}')`,
        [id, n + 1, events],
      );
    }
    return id;
  }

  const exited = (name: string, output: unknown) =>
    JSON.stringify([
      { id: 1, previousEventId: 0, type: 'TaskStateExited', timestamp: 0, details: { name, output } },
    ]);

  test('outputs come as they were written, in the order asked for; who is gone is left out', async () => {
    const a = await insertSource('{"b": 1.0}');
    const b = await insertSource(null);
    const of = { name: expect.any(String), stateMachineId: 'source' };
    expect(await store.readSources([b, newId(), a], undefined)).toEqual([
      { executionId: b, ...of, status: 'FAILED', output: undefined, events: [] },
      { executionId: a, ...of, status: 'SUCCEEDED', output: '{"b": 1.0}', events: [] },
    ]);
  });

  test("a state's output is found in the journal, the last one if it was left several times", async () => {
    const name = 'Say "hi" \\ ü';
    const id = await insertSource(null, [
      exited(name, 1),
      exited('Other', 2),
      exited(name, 3),
      exited('Say', 4),
    ]);
    const [source] = await store.readSources([id], name);
    expect(source?.events).toHaveLength(2);
    expect(outputOfState(source?.events ?? [], name)).toBe(3);
    expect(outputOfState((await store.readSources([id], 'hi'))[0]?.events ?? [], 'hi')).toBeUndefined();
  });
});
