import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createArns } from '../../src/engine/index.js';
import { createBatchOperations } from '../../src/operations/batches.js';
import { refusal } from '../../src/operations/errors.js';
import type { BatchOperations, InputLine } from '../../src/operations/index.js';
import {
  connectDatabase,
  createEndings,
  createTaskBell,
  type Database,
  type Endings,
  newId,
} from '../../src/store/index.js';
import { createDatabase } from '../setup/database.js';
import { rememberingLog } from '../setup/log.js';
import { createTestWorker } from './house.js';
import { batchRow, endMember, membersOf } from './rows.js';

let clone: Awaited<ReturnType<typeof createDatabase>>;
let database: Database;
let endings: Endings;
let batches: BatchOperations;
const ARNS = { region: 'us-east-1', accountId: '000000000000' };
const rung: string[] = [];
let queueIsDown = false;

beforeAll(async () => {
  clone = await createDatabase();
  const log = rememberingLog();
  database = connectDatabase({ url: clone.url, poolSize: 10, log });
  endings = createEndings(database, log);
  batches = createBatchOperations({
    database,
    endings,
    log,
    tasks: createTaskBell(database, log),
    arns: createArns(ARNS),
    config: { payloadLimit: 1000, queueWeights: {}, ...ARNS },
    queues: {
      ping: async () => undefined,
      producer: {
        ring: async () => undefined,
        ringBatch: async (_queue, batchId) => {
          if (queueIsDown) throw new Error('the queue is down');
          rung.push(batchId);
        },
      },
    },
  });
  await database.pool.query(
    `INSERT INTO state_machines (id, name, type, queue, version, created_at, updated_at, deleted_at) VALUES
       ('orders', 'Orders', 'STANDARD', 'orders', 7, now(), now(), NULL),
       ('gone', 'Gone', 'STANDARD', 'gone', 1, now(), now(), now())`,
  );
  await database.pool.query(
    `INSERT INTO state_machine_versions (state_machine_id, version, definition, created_at)
     VALUES ('orders', 7, '{}', now()), ('gone', 1, $1, now()), ('gone', 2, '{}', now())`,
    [JSON.stringify(GONE)],
  );
  await database.pool.query(
    "INSERT INTO queues (name, weight, created_at) VALUES ('orders', 5, now()), ('low', 1, now())",
  );
});

afterAll(async () => {
  await endings.close();
  await database.close();
  await clone.drop();
});

/** The first version of a machine that was deleted; its second has no states any more. */
const GONE = {
  States: {
    Both: {
      Type: 'Parallel',
      Branches: [{ States: { Each: { Type: 'Map', ItemProcessor: { States: { Charge: {} } } } } }],
    },
  },
};

/** Executions of the machine that was deleted, each of this status, with an output if it SUCCEEDED. */
async function insertSources(statuses: readonly string[]): Promise<string[]> {
  const ids = statuses.map(() => newId());
  await database.pool.query(
    `INSERT INTO executions (id, state_machine_id, version, name, status, input, output, start_time, end_time, queue, epoch, current_state)
     SELECT id, 'gone', 1, id::text, status, '{}', CASE WHEN status = 'SUCCEEDED' THEN '"whole"' END, now(),
       CASE WHEN status <> 'RUNNING' THEN now() END, 'q', 1, 'Charge'
     FROM unnest($1::uuid[], $2::text[]) t (id, status)`,
    [ids, statuses],
  );
  return ids;
}

async function countAll(): Promise<number[]> {
  const { rows } = await database.pool.query(
    'SELECT (SELECT count(*)::int FROM batches) AS b, (SELECT count(*)::int FROM batch_chunks) AS c',
  );
  return [rows[0].b, rows[0].c];
}

describe('creating a batch', () => {
  test('from an array: it runs on the queue of its machine, under the version that is current', async () => {
    const view = await batches.create('orders', { mode: 'concurrent', inputs: [{ a: 1 }, 'two', null] });
    expect(view).toMatchObject({
      stateMachineId: 'orders',
      version: 7,
      mode: 'concurrent',
      status: 'RUNNING',
      namePrefix: `batch-${view.batchId.slice(-8)}`,
      concurrency: 10,
      stopOnError: false,
      queue: 'orders',
      total: 3,
      started: 0,
      ratePerSecond: null,
      estimatedEnd: null,
      endTime: null,
    });
    expect(rung).toContain(view.batchId);
    const worker = await createTestWorker(database.pool);
    await worker.lead(view.batchId);
    const members = await membersOf(database.pool, view.batchId);
    expect(members.map(({ input }) => JSON.parse(input))).toEqual([{ a: 1 }, 'two', null]);
    expect(await batches.get(view.batchId)).toMatchObject({ status: 'SUCCEEDED', succeeded: 3 });
    expect((await batches.results(view.batchId)).items.map(({ status }) => status)).toEqual([
      'SUCCEEDED',
      'SUCCEEDED',
      'SUCCEEDED',
    ]);
  });

  test('from a stream that breaks midway: nothing is left, and nobody was told', async () => {
    const before = await countAll();
    const rungBefore = rung.length;
    async function* lines(): AsyncGenerator<InputLine> {
      for (let n = 0; n < 1_100; n++) yield { line: n + 1, value: { n } };
      throw refusal('INVALID_INPUT', '/1101', 'not JSON');
    }
    await expect(
      batches.create('orders', { mode: 'distributed', inputStream: lines() }),
    ).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: [{ pointer: '/1101' }],
    });
    expect(await countAll()).toEqual(before);
    expect(rung).toHaveLength(rungBefore);
  });

  test('an input that is too large, or cannot be stored, is named', async () => {
    const before = await countAll();
    await expect(
      batches.create('orders', { mode: 'sequential', inputs: [1, 'x'.repeat(2_000)] }),
    ).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: [{ pointer: '/inputs/1' }] });
    await expect(batches.create('orders', { mode: 'sequential', inputs: ['\0'] })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: [{ pointer: '/inputs/0' }],
    });
    async function* lines(): AsyncGenerator<InputLine> {
      yield { line: 1, value: 1 };
      yield { line: 4, value: 'x'.repeat(2_000) };
    }
    await expect(
      batches.create('orders', { mode: 'distributed', inputStream: lines() }),
    ).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      message: 'Line 4 is 2002 bytes of JSON; the limit is 1000.',
      details: [{ pointer: '/4' }],
    });
    expect(await countAll()).toEqual(before);
  });

  test('a queue that is down does not keep a batch from being accepted', async () => {
    queueIsDown = true;
    try {
      expect(await batches.create('orders', { mode: 'sequential', inputs: [1] })).toMatchObject({
        status: 'RUNNING',
      });
    } finally {
      queueIsDown = false;
    }
  });

  test('nothing to do is done at once, and no leader is rung for', async () => {
    const view = await batches.create('orders', { mode: 'sequential', inputs: [] });
    expect(view).toMatchObject({ status: 'SUCCEEDED', total: 0, endTime: expect.any(Date) });
    expect(rung).not.toContain(view.batchId);
  });

  test('what does not exist, or makes no sense, is refused', async () => {
    const refused = (id: string, request: Partial<Parameters<BatchOperations['create']>[1]>) =>
      expect(batches.create(id, { mode: 'sequential', ...request })).rejects;
    const inputs = [1];
    await refused('nobody', { inputs }).toMatchObject({ code: 'STATE_MACHINE_NOT_FOUND' });
    await refused('gone', { inputs }).toMatchObject({ code: 'STATE_MACHINE_NOT_FOUND' });
    await refused('orders', { inputs, queue: 'nowhere' }).toMatchObject({ code: 'QUEUE_NOT_FOUND' });
    await refused('orders', {}).toMatchObject({ code: 'VALIDATION_FAILED' });
    await refused('orders', { inputs, filter: {} }).toMatchObject({ code: 'VALIDATION_FAILED' });
    await refused('orders', { inputs, namePrefix: 'a b' }).toMatchObject({ code: 'INVALID_NAME' });
    await refused('orders', { inputs, namePrefix: 'a'.repeat(61) }).toMatchObject({ code: 'INVALID_NAME' });
    await refused('orders', { inputs, concurrency: 0 }).toMatchObject({ code: 'VALIDATION_FAILED' });
    for (const mode of ['sequential', 'distributed'] as const) {
      await refused('orders', { inputs, mode, concurrency: 5 }).toMatchObject({
        code: 'VALIDATION_FAILED',
        details: [{ pointer: '/concurrency', message: expect.stringContaining("mode 'concurrent'") }],
      });
    }
    await refused('orders', { filter: { limit: -1 } }).toMatchObject({ code: 'VALIDATION_FAILED' });
    await refused('orders', { filter: { name: '\ud800' } }).toMatchObject({ code: 'VALIDATION_FAILED' });
    await refused('orders', { filter: { stateMachineId: 'nobody' } }).toMatchObject({
      code: 'STATE_MACHINE_NOT_FOUND',
    });
  });
});

describe('chaining', () => {
  test("a state's output of each source is the input; a source without one is a member that failed", async () => {
    const ids = [newId(), newId()];
    await database.pool.query(
      `INSERT INTO executions (id, state_machine_id, version, name, status, input, output, start_time, end_time, queue, epoch)
       SELECT id, 'gone', 1, id::text, 'SUCCEEDED', '{}', '"whole"', now(), now(), 'q', 1 FROM unnest($1::uuid[]) t (id)`,
      [ids],
    );
    const exited = {
      id: 1,
      previousEventId: 0,
      type: 'TaskStateExited',
      timestamp: 0,
      details: { name: 'Charge', output: { paid: 5 } },
    };
    await database.pool.query(
      `INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, events, frames) VALUES ($1, 1, 1, 1, 1, $2, '{}')`,
      [ids[1], JSON.stringify([exited])],
    );
    const { batchId } = await batches.create('orders', {
      mode: 'concurrent',
      filter: { stateMachineId: 'gone', sourceStateName: 'Charge' },
    });
    const worker = await createTestWorker(database.pool);
    await worker.lead(batchId);
    expect((await membersOf(database.pool, batchId)).map(({ input, status }) => [input, status])).toEqual([
      ['null', 'FAILED'],
      ['{"paid":5}', 'SUCCEEDED'],
    ]);
    expect((await batches.results(batchId)).items).toMatchObject([
      { index: 0, sourceExecutionId: ids[0], status: 'FAILED', error: 'Escapement.SourceHasNoOutput' },
      { index: 1, sourceExecutionId: ids[1], status: 'SUCCEEDED', error: null },
    ]);
    expect(await batches.get(batchId)).toMatchObject({ status: 'FAILED', succeeded: 1, failed: 1 });
  });
});

describe('the sources that a filter finds', () => {
  const sourcesOf = async (filter: Parameters<BatchOperations['create']>[1]['filter']) => {
    const { batchId } = await batches.create('orders', {
      mode: 'sequential',
      filter: { stateMachineId: 'gone', startedAfter: since, ...filter },
    });
    await batches.cancel(batchId).catch(() => undefined);
    return (await batches.results(batchId)).items.map(({ sourceExecutionId }) => sourceExecutionId);
  };
  let since: Date;
  let ids: string[];

  beforeAll(async () => {
    since = new Date();
    await new Promise((resolve) => setTimeout(resolve, 5));
    ids = await insertSources(['SUCCEEDED', 'FAILED', 'RUNNING', 'SUCCEEDED']);
  });

  test('are those that have an output, when neither a status nor a state is asked for', async () => {
    expect(await sourcesOf({})).toEqual([ids[0], ids[3]]);
    expect(await sourcesOf({ status: 'SUCCEEDED' })).toEqual([ids[0], ids[3]]);
  });

  test('are of any status when the output of a state is asked for, unless one is named', async () => {
    expect(await sourcesOf({ sourceStateName: 'Charge' })).toEqual(ids);
    expect(await sourcesOf({ sourceStateName: 'Charge', status: 'FAILED' })).toEqual([ids[1]]);
  });

  test('are refused when none of them can have an output', async () => {
    for (const status of ['FAILED', 'RUNNING', 'TIMED_OUT', 'ABORTED'] as const) {
      await expect(
        batches.create('orders', { mode: 'sequential', filter: { status } }),
      ).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
        details: [{ pointer: '/filter/status', message: expect.stringContaining('sourceStateName') }],
      });
    }
  });

  test('are refused when no version of their machine has the state, at any level', async () => {
    const before = await countAll();
    for (const sourceStateName of ['Ghost', 'charge', 'States']) {
      await expect(
        batches.create('orders', {
          mode: 'sequential',
          filter: { stateMachineId: 'gone', sourceStateName },
        }),
      ).rejects.toMatchObject({
        code: 'STATE_NOT_FOUND',
        statusCode: 404,
        details: [{ pointer: '/filter/sourceStateName' }],
      });
    }
    expect(await countAll()).toEqual(before);
  });

  test('are found again by applyUnique when the machine never ran for them, since they had no output', async () => {
    const filter = {
      stateMachineId: 'gone',
      startedAfter: since,
      sourceStateName: 'Charge',
      applyUnique: true,
    };
    const { batchId } = await batches.create('orders', { mode: 'concurrent', filter });
    await (await createTestWorker(database.pool)).lead(batchId);
    expect(await batches.get(batchId)).toMatchObject({ status: 'FAILED', failed: 4 });
    expect(await sourcesOf(filter)).toEqual(ids);
  });
});

describe('members that were never created', () => {
  test('are ABORTED, as the counters say, because their batch was cancelled', async () => {
    const { batchId } = await batches.create('orders', { mode: 'sequential', inputs: [1, 2] });
    expect(await batches.cancel(batchId)).toMatchObject({ status: 'ABORTED', aborted: 2 });
    expect((await batches.results(batchId)).items).toEqual(
      [0, 1].map((index) => ({
        index,
        sourceExecutionId: null,
        executionId: null,
        status: 'ABORTED',
        error: 'Escapement.BatchCancelled',
      })),
    );
  });

  test('are ABORTED because another failed, when the batch was to stop on errors', async () => {
    const worker = await createTestWorker(database.pool, { fate: () => 'FAILED' });
    const { batchId } = await batches.create('orders', {
      mode: 'sequential',
      stopOnError: true,
      inputs: [1, 2],
    });
    await worker.lead(batchId);
    expect(await batches.get(batchId)).toMatchObject({ status: 'FAILED', failed: 1, aborted: 1 });
    expect((await batches.results(batchId)).items).toMatchObject([
      { index: 0, status: 'FAILED', executionId: expect.any(String) },
      { index: 1, status: 'ABORTED', executionId: null, error: 'Escapement.BatchStopped' },
    ]);
  });
});

describe('waiting and cancelling', () => {
  test('who waits is answered when the batch ends, not when the time is up', async () => {
    const worker = await createTestWorker(database.pool, { fate: () => ({ ms: 30, ending: 'SUCCEEDED' }) });
    const startedAt = performance.now();
    const before = rung.length;
    const creating = batches.create('orders', { mode: 'sequential', inputs: [1, 2], waitSeconds: 20 });
    while (rung.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    await worker.lead(rung.at(-1) ?? '');
    expect(await creating).toMatchObject({ status: 'SUCCEEDED', succeeded: 2 });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('a batch that is being cancelled still runs; one that is over cannot be cancelled', async () => {
    const worker = await createTestWorker(database.pool, { fate: () => 'parked' });
    const { batchId } = await batches.create('orders', {
      mode: 'concurrent',
      concurrency: 1,
      inputs: [1, 2, 3],
    });
    const leading = worker.lead(batchId);
    while (worker.runs.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await batches.cancel(batchId)).toMatchObject({
      status: 'RUNNING',
      aborted: 2,
      estimatedEnd: null,
    });
    expect(await batchRow(database.pool, batchId)).toMatchObject({ status: 'CANCELLING' });
    // The parked member has been asked to stop; the runner of this test does as the engine would.
    const [member] = await membersOf(database.pool, batchId);
    const signalled = async () =>
      (await database.pool.query('SELECT kind, data FROM inbox WHERE execution_id = $1', [member?.id])).rows;
    while ((await signalled()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await signalled())[0]).toMatchObject({ kind: 'stop' });
    await endMember(database.pool, member?.id ?? '', 'ABORTED');
    await leading;
    expect(worker.rung.executions).toEqual([member?.id]);
    expect(await batches.get(batchId)).toMatchObject({ status: 'ABORTED', aborted: 3 });
    await expect(batches.cancel(batchId)).rejects.toMatchObject({ code: 'BATCH_ENDED' });
    await expect(batches.cancel('no-such-id')).rejects.toMatchObject({ code: 'BATCH_NOT_FOUND' });
    await expect(batches.get(newId())).rejects.toMatchObject({ code: 'BATCH_NOT_FOUND' });
  });

  test('lists page by cursor, and a cursor of another list is refused', async () => {
    const first = await batches.list({ stateMachineId: 'orders', limit: 2 });
    const rest = await batches.list({
      stateMachineId: 'orders',
      limit: 1000,
      cursor: first.nextCursor ?? '',
    });
    const ids = [...first.items, ...rest.items].map(({ batchId }) => batchId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual([...ids].sort().reverse());
    await expect(batches.list({ stateMachineId: 'nobody' })).rejects.toMatchObject({
      code: 'STATE_MACHINE_NOT_FOUND',
    });
    await expect(batches.results(ids[0] ?? '', { cursor: first.nextCursor ?? '' })).rejects.toMatchObject({
      code: 'INVALID_CURSOR',
    });
  });
});
