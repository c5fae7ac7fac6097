/** Handlers that do what no handler should, in real workers: only their own executions suffer. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, type Service, startService, until } from './service.js';

const HANDLERS = fileURLToPath(new URL('poison-handlers.js', import.meta.url));
const NEIGHBOURS = 8;

let service: Service;
const machine = async (id: string, states: object, more: object = {}): Promise<void> => {
  const definition = { StartAt: Object.keys(states)[0], States: states };
  const made = await service.call('POST', '/state-machines', { id, name: id, definition, ...more });
  expect(made).toMatchObject({ status: 201 });
};
const task = (resource: string, more: object = { End: true }): object => ({
  Type: 'Task',
  Resource: resource,
  ...more,
});
const start = async (id: string, input: object = {}): Promise<string> =>
  (await service.call('POST', `/state-machines/${id}/executions`, { input })).body.executionId;
const read = async (id: string): Promise<Answer> => (await service.call('GET', `/executions/${id}`)).body;
const ended = (id: string): Promise<Answer> =>
  until(
    () => read(id),
    ({ status }) => status !== 'RUNNING',
  );
const paused = (id: string): Promise<Answer> =>
  until(
    () => read(id),
    ({ pausedAt }) => pausedAt !== null,
  );

/** How often each state of an execution was called, and under how many keys. */
async function callsOf(id: string): Promise<Record<string, { calls: number; keys: number }>> {
  const { rows } = await service.pool.query(
    `SELECT state_name, count(*)::int AS calls, count(DISTINCT key)::int AS keys
     FROM ledger WHERE execution_id = $1 GROUP BY state_name`,
    [id],
  );
  return Object.fromEntries(rows.map(({ state_name, calls, keys }) => [state_name, { calls, keys }]));
}

/** Executions that run beside; each has one call behind it, and is in its second. */
async function neighbours(ms: number): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: NEIGHBOURS }, () => start('neighbour', { ms })));
  for (const id of ids) {
    await until(
      () => callsOf(id),
      (calls) => calls['Second'] !== undefined,
    );
  }
  return ids;
}

async function expectUnharmed(ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', pausedAt: null });
    // What was committed is never called again; what was not may be, under its key.
    const calls = await callsOf(id);
    expect(calls).toMatchObject({ First: { calls: 1 }, Second: { keys: 1 } });
  }
}

async function serve(env: Record<string, string> = {}): Promise<void> {
  service = await startService({ workers: 0, env: { HANDLERS, ...env } });
  await machine('neighbour', { First: task('quick', { Next: 'Second' }), Second: task('work') });
}

const CASES: readonly [handler: string, what: string, end: object][] = [
  ['returns', 'gigabyteOfBytes', { error: 'States.DataLimitExceeded' }],
  ['returns', 'gigabyteOfText', { error: 'States.DataLimitExceeded' }],
  ['returns', 'deep', { error: 'States.DataLimitExceeded' }],
  ['returns', 'cycle', { error: 'Runtime.MarshalError' }],
  ['returns', 'bigint', { error: 'Runtime.MarshalError' }],
  ['returns', 'function', { error: 'Runtime.MarshalError' }],
  ['returns', 'symbol', { error: 'Runtime.MarshalError' }],
  ['returns', 'throwingGetter', { error: 'Runtime.MarshalError' }],
  ['returns', 'throwingToJson', { error: 'Runtime.MarshalError' }],
  ['returns', 'proxy', { error: 'Runtime.MarshalError' }],
  ['returns', 'thenable', { error: 'Thenable' }],
  ['returns', 'nothing', { output: null }],
  [
    'returns',
    'odd',
    { output: { nan: null, date: '1970-01-01T00:00:00.000Z', map: {}, text: expect.any(String) } },
  ],
  ['throws', 'undefined', { error: 'Error' }],
  ['throws', 'null', { error: 'Error' }],
  ['throws', 'text', { error: 'Error', cause: expect.stringContaining('"errorMessage":"text"') }],
  ['throws', 'frozen', { error: 'Error', cause: expect.stringContaining('code: 1') }],
  ['throws', 'proxy', { error: 'Error' }],
  ['throws', 'unreadable', { error: 'Error', cause: expect.stringContaining('not for you') }],
  ['throws', 'symbol', { error: 'Error', cause: expect.stringContaining('Symbol(s)') }],
  ['slips', 'timer', { error: 'Slipped' }],
  ['slips', 'promise', { error: 'Forgotten' }],
  ['slipsBehind', '', { output: 'returned' }],
  ['neverSettles', '', { error: 'States.Timeout' }],
  ['hurried', '', { error: 'States.Timeout' }],
];

describe.each([
  ['in the worker', {}],
  ['in threads', { HANDLERS_ISOLATION: 'thread', HANDLER_THREADS: '12', HANDLER_MEMORY_MB: '64' }],
])('%s', (where, env) => {
  beforeAll(async () => {
    await serve(env);
    await service.startWorker();
    for (const handler of ['returns', 'throws', 'slips', 'slipsBehind', 'hurried'])
      await machine(handler, { Poison: task(handler) });
    await machine('neverSettles', { Poison: task('neverSettles', { TimeoutSeconds: 1, End: true }) });
  }, 60_000);
  afterAll(() => service.stop(), 60_000);

  test('what a handler returns, throws or lets slip ends its own execution, and nothing else', async () => {
    const beside = await neighbours(3_000);
    const poisoned = await Promise.all(CASES.map(([handler, what]) => start(handler, { what })));
    for (const [index, [handler, what, end]] of CASES.entries()) {
      const status = 'error' in end ? 'FAILED' : 'SUCCEEDED';
      const { body } = await service.call('GET', `/executions/${poisoned[index] ?? ''}`);
      const found = body.status === 'RUNNING' ? await ended(poisoned[index] ?? '') : body;
      expect({ handler, what, ...found }).toMatchObject({ handler, what, status, ...end });
    }
    await expectUnharmed(beside);
    // Not even called twice: no worker has died.
    for (const id of beside) expect(await callsOf(id)).toMatchObject({ Second: { calls: 1 } });
    expect(service.workers[0]?.child).toMatchObject({ exitCode: null, signalCode: null });
  }, 120_000);

  test('a handler that changes its input changes nothing of its execution', async () => {
    await machine('changing', { Change: task('changesItsInput', { ResultPath: '$.result', End: true }) });
    const input = { list: [1], n: 1, kept: true };
    expect(await ended(await start('changing', input))).toMatchObject({
      status: 'SUCCEEDED',
      output: { ...input, result: 'changed' },
    });
  }, 60_000);

  if (where !== 'in threads') {
    test('a handler that ends the process ends its own execution, and not the process', async () => {
      await machine('ends-exit', { Poison: task('ends') });
      const beside = await neighbours(3_000);
      const poisoned = await ended(await start('ends-exit', { what: 'exit' }));
      expect(poisoned).toMatchObject({ status: 'FAILED', error: 'Handler.Exited' });
      await expectUnharmed(beside);
      for (const id of beside) expect(await callsOf(id)).toMatchObject({ Second: { calls: 1 } });
      expect(service.workers[0]?.child).toMatchObject({ exitCode: null, signalCode: null });
    }, 60_000);
    return;
  }
  test.each([
    ['exit', 'Handler.Exited'],
    ['abort', 'TypeError'],
    ['memory', 'Handler.OutOfMemory'],
    ['spin', 'States.Timeout'],
  ])(
    'a handler that would take its worker along fails alone: %s',
    async (what, error) => {
      await machine(`ends-${what}`, { Poison: task('ends', { TimeoutSeconds: 5, End: true }) });
      const beside = await neighbours(8_000);
      const poisoned = await ended(await start(`ends-${what}`, { what }));
      expect(poisoned).toMatchObject({ status: 'FAILED', error });
      await expectUnharmed(beside);
      for (const id of beside) expect(await callsOf(id)).toMatchObject({ Second: { calls: 1 } });
      expect(service.workers[0]?.child).toMatchObject({ exitCode: null, signalCode: null });
    },
    120_000,
  );
});

describe('without threads, what takes its worker along', () => {
  beforeAll(() => serve(), 60_000);
  afterAll(() => service.stop(), 60_000);

  test.each([
    ['abort', 'SIGABRT'],
    ['kill', 'SIGKILL'],
    ['block', undefined],
  ])(
    'is paused when it has done so once too often, and its neighbours go on: %s',
    async (what, signal) => {
      const recovery = { strategy: 'retry', maxRecoveries: 1 };
      await machine(`ends-${what}`, { Poison: task('ends') }, { recovery });
      const workers = [await service.startWorker(), await service.startWorker(), await service.startWorker()];
      const beside = await neighbours(6_000);
      const poisoned = await start(`ends-${what}`, { what, ms: 20_000 });
      expect(await paused(poisoned)).toMatchObject({ pauseReason: expect.stringContaining('2 in a row') });
      expect(await callsOf(poisoned)).toEqual({ Poison: { calls: 2, keys: 1 } });
      await expectUnharmed(beside);
      // Those that were blocked wake up, find themselves declared dead, and take work again.
      const hit = () =>
        workers.filter(({ child, lines }) =>
          signal === undefined
            ? lines.some(({ msg }) => String(msg).includes('was declared dead'))
            : child.signalCode === signal,
        );
      await until(
        () => Promise.resolve(hit().length),
        (many) => many === 2,
      );
      await expectUnharmed(await neighbours(0));
      expect(await callsOf(poisoned)).toEqual({ Poison: { calls: 2, keys: 1 } });
      await Promise.all(workers.map((one) => one.kill('SIGKILL')));
    },
    180_000,
  );
});
