/** Limits, end to end: over HTTP, with several workers, one of which is killed. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type Answer, type Service, startService, until } from './service.js';

let service: Service;
const HANDLERS = fileURLToPath(new URL('limits-handlers.js', import.meta.url));

beforeAll(async () => {
  service = await startService({ workers: 0, env: { HANDLERS, NESTING_LIMIT: '4' } });
  await service.pool.query(
    'CREATE TABLE spans (execution_id uuid PRIMARY KEY, pid int, began_at timestamptz, ended_at timestamptz)',
  );
  for (let n = 0; n < 3; n++) await service.startWorker();
}, 60_000);

afterAll(() => service.stop(), 60_000);

beforeEach(async () => {
  await service.pool.query('TRUNCATE spans');
});

const SPAN = { StartAt: 'Span', States: { Span: { Type: 'Task', Resource: 'span', End: true } } };

async function machine(id: string, definition: object, limits: object = {}): Promise<void> {
  const { status, body } = await service.call('POST', '/state-machines', {
    id,
    name: id,
    definition,
    ...limits,
  });
  expect({ status, body }).toMatchObject({ status: 201, body: limits });
}

async function start(id: string): Promise<string> {
  const { status, body } = await service.call('POST', `/state-machines/${id}/executions`, { input: {} });
  expect(status).toBe(202);
  return body.executionId;
}

const count = async (query: string): Promise<number> =>
  (await service.call('GET', `/executions/count?${query}`)).body.count;

const statusOf = async (id: string): Promise<Answer> => (await service.call('GET', `/executions/${id}`)).body;

/** The most that ran at once. */
async function peak(): Promise<number> {
  const { rows } = await service.pool.query(
    `SELECT max(n)::int AS peak FROM (
       SELECT (SELECT count(*) FROM spans b WHERE b.began_at <= a.began_at AND coalesce(b.ended_at, 'infinity') > a.began_at) AS n
       FROM spans a) s`,
  );
  return rows[0].peak;
}

test('a machine never has more at once than it may, however they were started and whoever dies, and none is lost', async () => {
  await machine('few', SPAN, { maxConcurrentExecutions: 3 });
  await machine('parent', {
    StartAt: 'Each',
    States: {
      Each: {
        Type: 'Map',
        End: true,
        ItemProcessor: {
          StartAt: 'Child',
          States: {
            Child: {
              Type: 'Task',
              Resource: 'arn:aws:states:::states:startExecution.sync:2',
              Arguments: { StateMachineArn: 'few', Input: {} },
              End: true,
            },
          },
        },
        Items: [1, 2, 3, 4],
      },
    },
    QueryLanguage: 'JSONata',
  });
  const single = await Promise.all(Array.from({ length: 8 }, () => start('few')));
  const batches = await Promise.all(
    (['distributed', 'concurrent', 'sequential'] as const).map(async (mode) => {
      const { status, body } = await service.call('POST', '/state-machines/few/batch', {
        inputs: Array.from({ length: 5 }, () => ({})),
        mode,
        ...(mode === 'concurrent' && { concurrency: 5 }),
      });
      expect({ status, body }).toEqual({ status: 202, body: expect.anything() });
      return body.batchId as string;
    }),
  );
  const parent = await start('parent');
  await service.call('POST', '/schedules', { id: 'yearly', stateMachineId: 'few', cron: '0 0 1 1 *' });
  for (let n = 0; n < 2; n++) {
    const { status, body } = await service.call('POST', '/schedules/yearly/run');
    expect(status).toBe(202);
    single.push(body.executionId);
  }
  const held = await until(
    () => count('stateMachineId=few&held=true'),
    (n) => n > 0,
  );
  expect(held).toBeGreaterThan(0);
  await until(
    async () => (await service.pool.query('SELECT 1 FROM spans WHERE ended_at IS NOT NULL')).rowCount ?? 0,
    (n) => n >= 5,
  );
  await service.workers[0]?.kill('SIGKILL');
  for (const id of [...single, parent]) {
    const end = await until(
      () => statusOf(id),
      ({ status }) => status !== 'RUNNING',
    );
    expect(end).toMatchObject({ status: 'SUCCEEDED', heldAt: null });
  }
  for (const id of batches) {
    const end = await until(
      async () => (await service.call('GET', `/batches/${id}`)).body,
      ({ status }) => status !== 'RUNNING',
    );
    expect(end).toMatchObject({ status: 'SUCCEEDED', succeeded: 5 });
  }
  expect(await count('stateMachineId=few&status=SUCCEEDED')).toBe(8 + 2 + 15 + 4);
  expect(await peak()).toBe(3);
}, 120_000);

test('raising a limit lets more in, and removing it lets everything go', async () => {
  await machine(
    'waiting',
    { StartAt: 'Wait', States: { Wait: { Type: 'Wait', Seconds: 3600, End: true } } },
    { maxConcurrentExecutions: 1 },
  );
  for (let n = 0; n < 6; n++) await start('waiting');
  const held = (n: number) =>
    until(
      () => count('stateMachineId=waiting&held=true'),
      (now) => now === n,
    );
  await held(5);
  expect(await count('stateMachineId=waiting&currentState=Wait')).toBeLessThanOrEqual(1);
  const put = await service.call('PUT', '/state-machines/waiting', { maxConcurrentExecutions: 4 });
  expect(put.body).toMatchObject({ maxConcurrentExecutions: 4 });
  await held(2);
  await service.call('PUT', '/state-machines/waiting', { maxConcurrentExecutions: null });
  await held(0);
  await until(
    () => count('stateMachineId=waiting&currentState=Wait'),
    (n) => n === 6,
  );
  const { body } = await service.call('DELETE', '/state-machines/waiting?force=true');
  expect(body).toMatchObject({ stopped: 6 });
}, 60_000);

test('what is held can be stopped, and never runs', async () => {
  await machine('held', SPAN, { maxConcurrentExecutions: 1, startsPerSecond: 0.001 });
  const first = await start('held');
  const second = await start('held');
  await until(
    () => statusOf(first),
    ({ status }) => status !== 'RUNNING',
  );
  expect((await statusOf(second)).heldAt).toEqual(expect.any(String));
  const { body } = await service.call('DELETE', `/executions/${second}`, { error: 'No', cause: 'more' });
  expect(['RUNNING', 'ABORTED']).toContain(body.status);
  await until(
    () => statusOf(second),
    ({ status }) => status === 'ABORTED',
  );
  const { rows } = await service.pool.query('SELECT 1 FROM spans WHERE execution_id = $1', [second]);
  expect(rows).toEqual([]);
}, 60_000);

test('executions begin no faster than their machine lets them', async () => {
  await machine('slow', SPAN, { startsPerSecond: 10 });
  const ids = await Promise.all(Array.from({ length: 25 }, () => start('slow')));
  for (const id of ids)
    await until(
      () => statusOf(id),
      ({ status }) => status === 'SUCCEEDED',
    );
  const { rows } = await service.pool.query(
    'SELECT extract(epoch FROM max(began_at) - min(began_at))::float8 AS seconds FROM spans',
  );
  // 24 pauses of 100 ms; a handler may begin some milliseconds late, the first one most of all.
  expect(rows[0].seconds).toBeGreaterThan(2);
}, 60_000);

test('a machine that starts itself comes to an end, by name', async () => {
  await machine('endless', {
    QueryLanguage: 'JSONata',
    StartAt: 'Again',
    States: {
      Again: {
        Type: 'Task',
        Resource: 'arn:aws:states:::states:startExecution',
        Arguments: { StateMachineArn: 'endless', Input: {} },
        End: true,
      },
    },
  });
  await start('endless');
  await until(
    () => count('stateMachineId=endless&status=FAILED'),
    (n) => n === 1,
  );
  expect(await count('stateMachineId=endless')).toBe(5);
  const { body } = await service.call('GET', '/executions?stateMachineId=endless&status=FAILED');
  expect(body.items[0]).toMatchObject({
    error: 'StepFunctions.ExecutionLimitExceededException',
    cause: expect.stringContaining('NESTING_LIMIT'),
  });
}, 60_000);
