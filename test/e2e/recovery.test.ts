/** Redrives, pauses and recoveries, end to end: over HTTP, with workers that are killed. */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answer, type Service, startService, until } from './service.js';

let service: Service;
const HANDLERS = fileURLToPath(new URL('recovery-handlers.js', import.meta.url));

beforeAll(async () => {
  service = await startService({ workers: 0, env: { HANDLERS } });
  await service.pool.query('CREATE TABLE switches (list text, name text)');
  await service.startWorker();
});

afterAll(() => service.stop(), 60_000);

const task = (next?: string, resource = 'work'): object => ({
  Type: 'Task',
  Resource: resource,
  ...(next === undefined ? { End: true } : { Next: next }),
});

async function machine(id: string, states: object, more: object = {}): Promise<void> {
  const definition = { StartAt: Object.keys(states)[0], States: states };
  const { status, body } = await service.call('POST', '/state-machines', {
    id,
    name: id,
    definition,
    ...more,
  });
  expect({ status, body }).toMatchObject({ status: 201 });
}

async function start(id: string, input: object = {}): Promise<string> {
  const { body } = await service.call('POST', `/state-machines/${id}/executions`, { input });
  return body.executionId;
}

const turn = (list: 'down' | 'slow', name: string, on: boolean) =>
  service.pool.query(
    on ? 'INSERT INTO switches VALUES ($1, $2)' : 'DELETE FROM switches WHERE list = $1 AND name = $2',
    [list, name],
  );

const read = async (id: string): Promise<Answer> => (await service.call('GET', `/executions/${id}`)).body;
const ended = (id: string): Promise<Answer> =>
  until(
    () => read(id),
    ({ status }) => status !== 'RUNNING',
  );

async function callsOf(id: string): Promise<Record<string, number>> {
  const { rows } = await service.pool.query(
    'SELECT state_name, count(*)::int AS n FROM ledger WHERE execution_id = $1 GROUP BY state_name',
    [id],
  );
  return Object.fromEntries(rows.map(({ state_name, n }) => [state_name, n]));
}

const called = (id: string, state: string, times = 1) =>
  until(
    () => callsOf(id),
    (calls) => calls[state] === times,
  );

/** Waits for the worker that is there to die of its execution, and starts another. */
async function replaceWorker(): Promise<void> {
  const { child } = service.workers.at(-1) ?? {};
  if (child === undefined) throw new Error('no worker');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  await service.startWorker();
}

test('a redriven execution goes on where it failed, although the worker that takes it up is killed', async () => {
  await machine('redriven', {
    Both: {
      Type: 'Parallel',
      Branches: [
        { StartAt: 'Fine', States: { Fine: task() } },
        { StartAt: 'Down', States: { Down: task() } },
      ],
      Next: 'Last',
    },
    Last: task(),
  });
  // So that the one branch is done when the other fails.
  await turn('slow', 'Down', true);
  const id = await start('redriven', { a: 1 });
  await called(id, 'Down');
  await until(
    async () => (await service.call('GET', `/executions/${id}/history?limit=1000`)).body.items,
    (items: Answer[]) => items.some(({ type }) => type === 'TaskStateExited'),
  );
  expect(await service.call('POST', `/executions/${id}/redrive`)).toMatchObject({
    status: 409,
    body: { code: 'EXECUTION_NOT_REDRIVABLE' },
  });
  await service.call('DELETE', `/executions/${id}`);
  expect(await ended(id)).toMatchObject({ status: 'ABORTED', redriveCount: 0, redriveDate: null });

  // The branch that was stopped fails now, and a second redrive finds it well.
  await turn('down', 'Down', true);
  await turn('slow', 'Down', false);
  expect(await service.call('POST', `/executions/${id}/redrive`)).toMatchObject({ status: 200 });
  expect(await ended(id)).toMatchObject({ status: 'FAILED', error: 'Down', redriveCount: 1 });
  await turn('down', 'Down', false);
  await turn('slow', 'Last', true);
  const redriving = () => service.call('POST', `/executions/${id}/redrive`, { clientToken: 'again' });
  const redriven = await redriving();
  expect(redriven).toMatchObject({ status: 200, body: { executionId: id } });
  await called(id, 'Last');
  expect(await redriving()).toEqual(redriven);
  await service.workers.at(-1)?.kill('SIGKILL');
  await turn('slow', 'Last', false);
  await replaceWorker();

  const both = [{ a: 1 }, { a: 1 }];
  expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', output: both, redriveCount: 2, error: null });
  expect((await read(id)).redriveDate).toBe(redriven.body.redriveDate);
  expect(await redriving()).toEqual(redriven);
  expect(await callsOf(id)).toEqual({ Fine: 1, Down: 3, Last: 2 });
  const { items } = (await service.call('GET', `/executions/${id}/history?limit=1000`)).body;
  expect(items.map((event: Answer) => event.id)).toEqual(items.map((_: Answer, at: number) => at + 1));
  expect(items.filter((event: Answer) => event.type === 'ExecutionRedriven')).toMatchObject([
    { executionRedrivenEventDetails: { redriveCount: 1 } },
    { executionRedrivenEventDetails: { redriveCount: 2 } },
  ]);
  const states = (await service.call('GET', `/executions/${id}/states`)).body.items;
  expect(states.map((state: Answer) => [state.stateName, state.status])).toEqual([
    ['Both', 'SUCCEEDED'],
    ['Fine', 'SUCCEEDED'],
    ['Down', 'SUCCEEDED'],
    ['Last', 'SUCCEEDED'],
  ]);
});

test('what had parked with a snapshot is redriven from its end, and keeps the items that were done', async () => {
  await machine('items', {
    All: {
      Type: 'Map',
      ItemsPath: '$.items',
      ItemProcessor: {
        StartAt: 'Each',
        States: {
          Each: task('Rest'),
          Rest: { Type: 'Wait', Seconds: 1, Next: 'Which' },
          Which: {
            Type: 'Choice',
            Choices: [{ Variable: '$.n', NumericEquals: 7, Next: 'Weak' }],
            Default: 'Fine',
          },
          Weak: task(),
          Fine: { Type: 'Pass', End: true },
        },
      },
      End: true,
    },
  });
  await turn('down', 'Weak', true);
  const items = Array.from({ length: 30 }, (_, n) => ({ n, text: 'x'.repeat(1_000) }));
  const id = await start('items', { items });
  expect(await ended(id)).toMatchObject({ status: 'FAILED', error: 'Down' });
  const { rows } = await service.pool.query('SELECT snapshot_seq FROM executions WHERE id = $1', [id]);
  expect(rows[0]['snapshot_seq']).toBeGreaterThan(0);
  await turn('down', 'Weak', false);
  await service.call('POST', `/executions/${id}/redrive`);
  expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', output: items });
  expect(await callsOf(id)).toEqual({ Each: 30, Weak: 2 });
});

test('all that a filter finds are redriven, and their batch counts how they have ended last', async () => {
  await machine('many', { Frail: task() });
  await turn('down', 'Frail', true);
  const batch = await service.call('POST', '/state-machines/many/batch?wait=60', {
    mode: 'distributed',
    inputs: [1, 2, 3, 4, 5],
  });
  expect(batch.body).toMatchObject({ status: 'FAILED', failed: 5 });
  await turn('down', 'Frail', false);
  const asked = await service.call('POST', '/redrives', {
    filter: { stateMachineId: 'many', status: 'FAILED' },
  });
  expect(asked).toMatchObject({ status: 202, body: { status: 'RUNNING' } });
  const done = await until(
    async () => (await service.call('GET', `/redrives/${asked.body.redriveId}`)).body,
    ({ status }) => status !== 'RUNNING',
  );
  expect(done).toMatchObject({ status: 'SUCCEEDED', redriven: 5, refused: 0 });
  await until(
    async () => (await service.call('GET', '/state-machines/many/executions/count?status=SUCCEEDED')).body,
    ({ count }) => count === 5,
  );
  expect((await service.call('GET', `/batches/${batch.body.batchId}`)).body).toMatchObject({
    status: 'SUCCEEDED',
    failed: 0,
    succeeded: 5,
    total: 5,
    endTime: batch.body.endTime,
  });
});

test('a pause lets the call under way end, and makes no other until it is resumed', async () => {
  await machine('paused', { First: task('Second'), Second: task() });
  await turn('slow', 'First', true);
  const id = await start('paused', { a: 1 });
  await called(id, 'First');
  const pausing = await service.call('POST', `/executions/${id}/pause`, { reason: 'wait' });
  expect(pausing).toMatchObject({ status: 200, body: { status: 'RUNNING', pauseReason: 'wait' } });
  await turn('slow', 'First', false);
  await until(
    async () =>
      (await service.pool.query('SELECT owner, current_state FROM executions WHERE id = $1', [id])).rows[0],
    ({ owner, current_state }) => owner === null && current_state === 'Second',
  );
  const found = (await service.call('GET', '/executions?paused=true')).body.items;
  expect(found.map(({ executionId }: Answer) => executionId)).toEqual([id]);
  expect(await callsOf(id)).toEqual({ First: 1 });
  await service.call('POST', `/executions/${id}/resume`);
  expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', output: { a: 1 }, pausedAt: null });
  expect(await callsOf(id)).toEqual({ First: 1, Second: 1 });
});

test('an execution that kills its worker is skipped, failed or paused, as its machine says', async () => {
  const states = { Deadly: task('After', 'deadly'), After: task() };
  await machine('skips', states, { recovery: { strategy: 'skip', output: { skipped: true } } });
  const skipped = await start('skips');
  await replaceWorker();
  expect(await ended(skipped)).toMatchObject({ status: 'SUCCEEDED', output: { skipped: true } });
  expect(await callsOf(skipped)).toEqual({ Deadly: 1, After: 1 });

  await machine('fails', states, { recovery: { strategy: 'fail' } });
  const failed = await start('fails');
  await replaceWorker();
  expect(await ended(failed)).toMatchObject({ status: 'FAILED', error: 'Escapement.Interrupted' });

  const always = { ErrorEquals: ['States.ALL'], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 99 };
  await machine(
    'retried',
    { Deadly: { Type: 'Task', Resource: 'deadly', Retry: [always], End: true } },
    { recovery: { strategy: 'fail', maxRecoveries: 1 } },
  );
  const looped = await start('retried');
  for (let deaths = 0; deaths < 2; deaths++) await replaceWorker();
  await until(
    () => read(looped),
    ({ pausedAt }) => pausedAt !== null,
  );
  expect(await callsOf(looped)).toEqual({ Deadly: 2 });

  await machine('retries', states, { recovery: { strategy: 'retry', maxRecoveries: 1 } });
  const retried = await start('retries');
  await replaceWorker();
  await called(retried, 'Deadly', 2);
  await replaceWorker();
  const paused = await until(
    () => read(retried),
    ({ pausedAt }) => pausedAt !== null,
  );
  expect(paused).toMatchObject({ status: 'RUNNING', pauseReason: expect.stringContaining('2 in a row') });
  expect(await callsOf(retried)).toEqual({ Deadly: 2 });
  expect(await service.call('DELETE', `/executions/${retried}`)).toMatchObject({ status: 200 });
  expect(await ended(retried)).toMatchObject({ status: 'ABORTED', pausedAt: null });
});

test('an answer that a workflow gave before its worker died is not refused when it is given again', async () => {
  await machine('asks', {
    Ask: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Parameters: { FunctionName: 'handOut', Payload: { 'token.$': '$$.Task.Token' } },
      End: true,
    },
  });
  await machine('answers', {
    Send: {
      Type: 'Task',
      Resource: 'arn:aws:states:::aws-sdk:sfn:sendTaskSuccess',
      Parameters: { 'TaskToken.$': '$.token', Output: '"by another"' },
      ResultPath: null,
      End: true,
    },
  });
  const asker = await start('asks');
  const [handedOut] = await until(
    async () => (await service.pool.query('SELECT key FROM ledger WHERE execution_id = $1', [asker])).rows,
    (found) => found.length > 0,
  );
  // What the answer's outcome would be written with comes to nothing, until the worker has died.
  await service.pool.query(`
    CREATE TABLE gate (shut bool);
    INSERT INTO gate VALUES (true);
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF (SELECT shut FROM gate) AND NEW.events LIKE '%TaskSucceeded%' AND NEW.events LIKE '%sendTaskSuccess%' THEN
          RAISE EXCEPTION 'not now';
        END IF;
        RETURN NEW;
      END $$;
    CREATE TRIGGER hold BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION hold();`);
  const sender = await start('answers', { token: handedOut?.['key'] });
  expect(await ended(asker)).toMatchObject({ status: 'SUCCEEDED', output: 'by another' });
  expect(await read(sender)).toMatchObject({ status: 'RUNNING' });
  await service.workers.at(-1)?.kill('SIGKILL');
  await service.pool.query('UPDATE gate SET shut = false');
  await replaceWorker();
  expect(await ended(sender)).toMatchObject({ status: 'SUCCEEDED' });
  await service.pool.query('DROP TRIGGER hold ON journal');
});
