/** The main job, end to end: an API and two workers as separate processes, on PostgreSQL and Redis. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type Answer, type Service, startService, until } from './service.js';

let service: Service;

beforeAll(async () => {
  service = await startService({ workers: 2, env: { CONCURRENCY: '20' } });
  const definition = JSON.parse(
    await readFile(new URL('../../examples/order-processing/definition.json', import.meta.url), 'utf8'),
  ) as unknown;
  const made = await service.call('POST', '/state-machines', { id: 'orders', name: 'Orders', definition });
  expect(made.status).toBe(201);
});

afterAll(() => service.stop(), 60_000);

const ORDER = { orderId: 'A-1', items: [] };

async function start(body: object, query = '', machine = 'orders'): Promise<Answer> {
  const { status, body: execution } = await service.call(
    'POST',
    `/state-machines/${machine}/executions${query}`,
    body,
  );
  expect(status).toBe(202);
  return execution;
}

async function everyPage(path: string): Promise<Answer[]> {
  const items: Answer[] = [];
  let cursor: string | null = null;
  do {
    const query: string = `${path.includes('?') ? '&' : '?'}limit=1000${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const { status, body } = await service.call('GET', `${path}${query}`);
    expect(status).toBe(200);
    items.push(...body.items);
    cursor = body.nextCursor;
  } while (cursor !== null);
  return items;
}

/** Histories without gaps that end as the execution did; every state completed once, under one key. */
async function expectSound(batchId: string): Promise<void> {
  const { rows: gaps } = await service.pool.query(
    `SELECT j.execution_id FROM journal j JOIN executions e ON e.id = j.execution_id WHERE e.batch_id = $1
     GROUP BY j.execution_id
     HAVING min(seq) <> 1 OR max(seq) <> count(*) OR sum(event_count) <> max(first_event_id + event_count - 1) OR min(first_event_id) <> 1`,
    [batchId],
  );
  expect(gaps).toEqual([]);
  const { rows: doubled } = await service.pool.query(
    `SELECT l.execution_id, l.state_name FROM ledger l JOIN executions e ON e.id = l.execution_id WHERE e.batch_id = $1
     GROUP BY 1, 2 HAVING count(DISTINCT key) > 1`,
    [batchId],
  );
  expect(doubled).toEqual([]);
  const { rows: committed } = await service.pool.query(
    `SELECT e.id FROM executions e, LATERAL (
       SELECT count(*) AS n FROM journal j, json_array_elements(j.events::json) v
       WHERE j.execution_id = e.id AND v->>'type' = 'LambdaFunctionSucceeded'
     ) done WHERE e.batch_id = $1 AND e.status = 'SUCCEEDED' AND done.n <> 4`,
    [batchId],
  );
  expect(committed).toEqual([]);
}

describe('one execution', () => {
  test('runs through its states and shows what happened', async () => {
    const execution = await start({ name: 'first', input: ORDER }, '?wait=20');
    expect(execution).toMatchObject({
      status: 'SUCCEEDED',
      currentState: 'ShipOrder',
      queue: 'orders',
      error: null,
    });
    expect(execution.output.shipment).toEqual({ by: 'shipOrder' });
    const history = await everyPage(`/executions/${execution.executionId}/history`);
    expect(history.map(({ id }) => id)).toEqual(history.map((_, n) => n + 1));
    expect(history[0].type).toBe('ExecutionStarted');
    expect(history.at(-1).type).toBe('ExecutionSucceeded');
    const states = await everyPage(`/executions/${execution.executionId}/states`);
    expect(states.map(({ stateName, status }) => `${stateName} ${status}`)).toEqual([
      'ValidateOrder SUCCEEDED',
      'ReserveStock SUCCEEDED',
      'ChargeCard SUCCEEDED',
      'ShipOrder SUCCEEDED',
    ]);
  });

  test('of the same name and input is the same execution; with another input it is refused', async () => {
    const first = await start({ name: 'once', input: ORDER });
    const again = await start({ name: 'once', input: ORDER });
    expect(again.executionId).toBe(first.executionId);
    const other = await service.call('POST', '/state-machines/orders/executions', {
      name: 'once',
      input: { other: 1 },
    });
    expect(other).toMatchObject({ status: 409, body: { code: 'EXECUTION_EXISTS' } });
  });

  test('that is stopped aborts its handler, wherever it runs', async () => {
    await service.call('POST', '/state-machines', {
      id: 'long',
      name: 'long',
      definition: { StartAt: 'L', States: { L: { Type: 'Task', Resource: 'untilAborted', End: true } } },
    });
    const { executionId } = await start({}, '', 'long');
    const ledger = (what: string) => async () =>
      (
        await service.pool.query('SELECT 1 FROM ledger WHERE execution_id = $1 AND state_name = $2', [
          executionId,
          what,
        ])
      ).rows;
    await until(ledger('L'), (rows) => rows.length === 1);
    const stopped = await service.call('DELETE', `/executions/${executionId}`, {
      error: 'Enough',
      cause: 'by hand',
    });
    expect(stopped.status).toBe(200);
    expect(stopped.body).toMatchObject({ status: 'ABORTED', error: 'Enough', cause: 'by hand' });
    await until(ledger('aborted'), (rows) => rows.length === 1);
    const again = await service.call('DELETE', `/executions/${executionId}`);
    expect(again).toMatchObject({ status: 409, body: { code: 'EXECUTION_ENDED' } });
  });

  test('retries a failing task and fails by name when its handler is missing', async () => {
    await service.call('POST', '/state-machines', {
      id: 'retrying',
      name: 'retrying',
      definition: {
        StartAt: 'Try',
        States: {
          Try: {
            Type: 'Task',
            Resource: 'arn:aws:lambda:::flaky',
            Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: 1, BackoffRate: 1 }],
            Next: 'Nobody',
          },
          Nobody: {
            Type: 'Task',
            Resource: 'arn:aws:lambda:us-east-1:000000000000:function:nobody',
            End: true,
          },
        },
      },
    });
    const execution = await start({}, '?wait=20', 'retrying');
    expect(execution).toMatchObject({ status: 'FAILED', error: 'Lambda.ResourceNotFoundException' });
    const states = await everyPage(`/executions/${execution.executionId}/states`);
    expect(states).toMatchObject([
      { stateName: 'Try', status: 'SUCCEEDED', retryCount: 2, output: { attempts: 3 } },
      { stateName: 'Nobody', status: 'FAILED' },
    ]);
  });

  test('chains from the output of another, or of one of its states', async () => {
    const source = await start({ input: ORDER }, '?wait=20');
    const whole = await start({ sourceExecutionId: source.executionId }, '?wait=20');
    expect(whole).toMatchObject({ input: source.output, sourceExecutionId: source.executionId });
    const part = await start(
      { sourceExecutionId: source.executionId, sourceStateName: 'ValidateOrder' },
      '?wait=20',
    );
    expect(part.input).toEqual({ ...ORDER, validation: { by: 'validateOrder' } });
  });
});

describe('a queue', () => {
  test('of a new machine is found by running workers, and listed with its weight', async () => {
    await service.call('POST', '/state-machines', {
      id: 'fresh',
      name: 'fresh',
      definition: { StartAt: 'P', States: { P: { Type: 'Pass', End: true } } },
    });
    const execution = await start({ input: { a: 1 } }, '?wait=10', 'fresh');
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { a: 1 }, queue: 'fresh' });
    const { body } = await service.call('GET', '/queues/stats');
    expect(body.queues.find(({ name }: Answer) => name === 'fresh')).toMatchObject({ weight: 5, waiting: 0 });
    expect(body.workers).toHaveLength(2);
  });

  test('can be named for one execution, now or at a time', async () => {
    const soon = new Date(Date.now() + 1_500).toISOString();
    const { status, body } = await service.call('POST', '/queues/enqueue', {
      stateMachineId: 'fresh',
      queue: 'critical',
      input: { later: true },
      at: soon,
    });
    expect(status).toBe(202);
    expect(body).toMatchObject({ queue: 'critical', status: 'RUNNING' });
    const done = await until(
      async () => (await service.call('GET', `/executions/${body.executionId}`)).body,
      (execution: Answer) => execution.status === 'SUCCEEDED',
      15_000,
    );
    const { rows } = await service.pool.query(
      "SELECT (events::json->0->>'timestamp')::float8 AS at FROM journal WHERE execution_id = $1 AND seq = 1",
      [done.executionId],
    );
    expect(rows[0].at).toBeGreaterThanOrEqual(Date.parse(soon) - 50);
  });
});

const SIZE = 2_000;
const members = Array.from({ length: SIZE }, (_, n) => ({
  orderId: `B-${n}`,
  delayMs: 2,
  ...(n % 50 === 7 ? { failAt: 'shipOrder' } : {}),
}));
const FAILURES = members.filter(({ failAt }) => failAt !== undefined).length;

async function startBatch(options: object): Promise<string> {
  const { status, body } = await service.call('POST', '/state-machines/orders/batch', options);
  expect(status).toBe(202);
  return body.batchId;
}

async function halfWay(batchId: string): Promise<void> {
  await until(
    async () => (await service.call('GET', `/batches/${batchId}`)).body,
    (batch: Answer) => batch.succeeded + batch.failed >= SIZE / 4,
  );
}

async function over(batchId: string): Promise<Answer> {
  return until(
    async () => (await service.call('GET', `/batches/${batchId}`)).body,
    (batch: Answer) => batch.status !== 'RUNNING',
    120_000,
  );
}

describe.each([
  { mode: 'distributed', concurrency: undefined },
  { mode: 'concurrent', concurrency: 20 },
  { mode: 'sequential', concurrency: undefined },
])('a $mode batch of 2,000', ({ mode, concurrency }) => {
  test('ends, each member once, through the death of a worker and a flushed Redis', async () => {
    const batchId = await startBatch({ mode, concurrency, inputs: members });
    await halfWay(batchId);
    const victim = service.workers.shift();
    await victim?.kill('SIGKILL');
    const redis = new Redis(service.redis.url);
    await redis.flushall();
    redis.disconnect();
    await service.startWorker({ CONCURRENCY: '20' });
    const batch = await over(batchId);
    expect(batch).toMatchObject({
      total: SIZE,
      started: SIZE,
      succeeded: SIZE - FAILURES,
      failed: FAILURES,
      aborted: 0,
      status: 'FAILED',
    });
    const results = await everyPage(`/batches/${batchId}/results`);
    expect(results.map(({ index }) => index)).toEqual(members.map((_, n) => n));
    expect(new Set(results.map(({ executionId }) => executionId)).size).toBe(SIZE);
    expect(
      results.filter(({ status }) => status === 'FAILED').every(({ error }) => error === 'Refused'),
    ).toBe(true);
    await expectSound(batchId);
  }, 240_000);
});

test('a batch that stops on error starts no more and adds up', async () => {
  const batchId = await startBatch({
    mode: 'sequential',
    stopOnError: true,
    inputs: Array.from({ length: 20 }, (_, n) => ({
      orderId: `S-${n}`,
      ...(n === 4 ? { failAt: 'chargeCard' } : {}),
    })),
  });
  expect(await over(batchId)).toMatchObject({
    status: 'FAILED',
    total: 20,
    started: 5,
    succeeded: 4,
    failed: 1,
    aborted: 15,
  });
});

test('nothing that has ended is owned, and nothing that runs is without a way to go on', async () => {
  const { rows } = await service.pool.query(
    `SELECT id, status FROM executions WHERE (end_time IS NOT NULL AND (owner IS NOT NULL OR wake_at IS NOT NULL))
       OR (end_time IS NULL AND owner IS NULL AND wake_at IS NULL)`,
  );
  expect(rows).toEqual([]);
});

describe('a worker that gets SIGTERM', () => {
  test('leaves within its grace and loses nothing', async () => {
    const batchId = await startBatch({ mode: 'distributed', inputs: members.slice(0, 400) });
    await until(
      async () => (await service.call('GET', `/batches/${batchId}`)).body,
      (batch: Answer) => batch.succeeded >= 20,
    );
    const leaving = service.workers.shift();
    await leaving?.kill('SIGTERM');
    // A shutdown that outlasts its grace by far ends with 1.
    expect(leaving?.child.exitCode).toBe(0);
    await service.startWorker();
    expect(await over(batchId)).toMatchObject({ total: 400, started: 400, aborted: 0 });
    await expectSound(batchId);
  });
});

test('with Redis away a start is accepted, and runs when Redis is back', async () => {
  await service.redis.kill();
  const execution = await start({ input: ORDER });
  const ready = await service.call('GET', '/health/ready');
  expect(ready).toMatchObject({ status: 200, body: { ready: true, database: 'up', queue: 'down' } });
  await service.redis.restart();
  await until(
    async () => (await service.call('GET', `/executions/${execution.executionId}`)).body,
    (one: Answer) => one.status === 'SUCCEEDED',
    60_000,
  );
});
