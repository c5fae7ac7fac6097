import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { HistoryEvent } from '../../src/engine/index.js';
import { createExecutionOperations } from '../../src/operations/executions.js';
import type { ExecutionOperations } from '../../src/operations/index.js';
import type { Json } from '../../src/std/json.js';
import { newId } from '../../src/store/index.js';
import { makeMachine, putExecution, putHistory } from '../store/fixtures.js';
import { type House, openHouse, refusalOf } from './fixtures.js';

let house: House;
let executions: ExecutionOperations;

beforeAll(async () => {
  house = await openHouse();
  executions = createExecutionOperations(house.deps);
  await makeMachine(house.deps.database, 'm');
});

afterAll(() => house.close());

beforeEach(() => {
  house.queue.down = false;
});

function end(id: string, columns = "status = 'SUCCEEDED', output = '\"done\"'"): Promise<unknown> {
  return house.deps.database.pool.query(
    `WITH e AS (UPDATE executions SET end_time = now(), ${columns} WHERE id = $1 RETURNING id, waited)
     SELECT pg_notify('escapement_ended', id::text) FROM e WHERE waited`,
    [id],
  );
}

describe('starting an execution', () => {
  test('answers how it stands and rings for it', async () => {
    const view = await executions.start('m', { name: 'first', input: { a: [1, null] } });
    expect(view).toEqual({
      executionId: expect.any(String),
      stateMachineId: 'm',
      version: 1,
      name: 'first',
      status: 'RUNNING',
      currentState: null,
      input: { a: [1, null] },
      output: null,
      error: null,
      cause: null,
      startTime: expect.any(Date),
      endTime: null,
      queue: 'm',
      batchId: null,
      sourceExecutionId: null,
      parentExecutionId: null,
      redriveCount: 0,
      redriveDate: null,
      heldAt: null,
      pausedAt: null,
      pauseReason: null,
      scheduleId: null,
      scheduledTime: null,
    });
    expect(house.rung).toContain(`m ${view.executionId}`);
    expect(await executions.get(view.executionId)).toEqual(view);
  });

  test('makes a name and an empty input when there is none', async () => {
    const [one, two] = [await executions.start('m', {}), await executions.start('m', {})];
    expect(one.input).toEqual({});
    expect(one.name).not.toBe(two.name);
  });

  test('answers the same execution for the same name and input, and refuses another input', async () => {
    const first = await executions.start('m', { name: 'same', input: { a: 1, b: 2 } });
    expect(await executions.start('m', { name: 'same', input: { b: 2, a: 1 } })).toEqual(first);
    const refusal = await refusalOf(executions.start('m', { name: 'same', input: { a: 1 } }));
    expect(refusal).toMatchObject({
      code: 'EXECUTION_EXISTS',
      statusCode: 409,
      details: [{ pointer: '/name' }],
    });
  });

  test('succeeds while the queue is down', async () => {
    house.queue.down = true;
    expect(await executions.start('m', {})).toMatchObject({ status: 'RUNNING' });
  });

  test('goes to a named queue if there is one', async () => {
    const view = await executions.start('m', { queue: 'critical' });
    expect(view.queue).toBe('critical');
    expect(house.rung).toContain(`critical ${view.executionId}`);
    expect(await refusalOf(executions.start('m', { queue: 'none' }))).toMatchObject({
      code: 'QUEUE_NOT_FOUND',
    });
    expect(await refusalOf(executions.start('m', { queue: '\0' }))).toMatchObject({
      code: 'QUEUE_NOT_FOUND',
    });
  });

  test.each(['none', '', '\0', 'a/b'])('refuses the unknown machine %j', async (id) => {
    expect(await refusalOf(executions.start(id, {}))).toMatchObject({
      code: 'STATE_MACHINE_NOT_FOUND',
      statusCode: 404,
    });
  });

  test.each([
    '',
    'a b',
    'a\tb',
    'a\nb',
    'a<',
    'a]',
    'a*',
    'a?',
    'a"',
    'a#',
    'a/b',
    'a:b',
    'a\0',
    'a\u007F',
    'a\u0085',
    '\uD800',
    'x'.repeat(81),
    'a,b',
    'a$b',
  ])('refuses the name %j', async (name) => {
    const refusal = await refusalOf(executions.start('m', { name }));
    expect(refusal).toMatchObject({ code: 'INVALID_NAME', statusCode: 400, details: [{ pointer: '/name' }] });
  });

  test.each(['x'.repeat(80), 'Ünï-cödé_1.2', '名前', "it's(1)!+=@"])('takes the name %j', async (name) => {
    expect(await executions.start('m', { name })).toMatchObject({ name });
  });

  test.each<[Json, string]>([
    ['\0', '/input'],
    [{ a: { 'b/c': ['ok', 'x\0'] } }, '/input/a/b~1c/1'],
    [{ 'k\0': 1 }, '/input'],
    ['half \uD83D', '/input'],
    [[{ '\uDE00': null }], '/input/0'],
  ])('refuses text that cannot be stored, %#, and says where', async (input, pointer) => {
    const refusal = await refusalOf(executions.start('m', { input }));
    expect(refusal).toMatchObject({ code: 'INVALID_INPUT', details: [{ pointer }] });
  });

  test('stores every other text as it was given', async () => {
    const input = { text: 'whole \u{1F600} \\u0000 \u0001 \u2028 \uFFFF', __proto__x: 1 };
    const { executionId } = await executions.start('m', { input });
    expect((await executions.get(executionId)).input).toEqual(input);
  });

  test('refuses an input over the limit, and one that nests without end', async () => {
    const refusal = await refusalOf(executions.start('m', { input: 'ä'.repeat(5_000) }));
    expect(refusal).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', statusCode: 413 });
    let deep: Json = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(await refusalOf(executions.start('m', { input: deep }))).toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('waits for the end if asked, and no longer than asked', async () => {
    const waiting = executions.start('m', { name: 'awaited' }, { waitSeconds: 20 });
    setTimeout(async () => {
      const { items } = await executions.list({ stateMachineId: 'm', name: 'awaited' });
      await end(items[0]?.executionId ?? '');
    }, 200);
    expect(await waiting).toMatchObject({ status: 'SUCCEEDED', output: 'done', endTime: expect.any(Date) });
    expect(await executions.start('m', {}, { waitSeconds: 0.2 })).toMatchObject({ status: 'RUNNING' });
    // Who comes later may wait for it too.
    const { executionId } = await executions.start('m', { name: 'late' });
    const late = executions.start('m', { name: 'late' }, { waitSeconds: 20 });
    setTimeout(() => void end(executionId), 100);
    expect(await late).toMatchObject({ executionId, status: 'SUCCEEDED' });
  });
});

describe('enqueueing an execution', () => {
  test('for later is rung for by then; what is further away than ten minutes is left to the sweeper', async () => {
    const view = await executions.enqueue({
      stateMachineId: 'm',
      queue: 'low',
      at: new Date(Date.now() + 60_000),
    });
    expect(view).toMatchObject({ queue: 'low', status: 'RUNNING' });
    const rung = house.rung.find((ring) => ring.startsWith(`low ${view.executionId} in `)) ?? '';
    expect(Number(rung.split(' in ')[1])).toBeGreaterThan(50_000);
    const later = await executions.enqueue({
      stateMachineId: 'm',
      queue: 'low',
      at: new Date(Date.now() + 3_600_000),
    });
    expect(house.rung.some((ring) => ring.includes(later.executionId))).toBe(false);
    const now = await executions.enqueue({ stateMachineId: 'm', queue: 'low' });
    expect(house.rung).toContain(`low ${now.executionId}`);
  });

  test.each([new Date(Number.NaN), new Date(8.64e15), new Date(-8.64e15)])(
    'refuses the time %p',
    async (at) => {
      const refusal = await refusalOf(executions.enqueue({ stateMachineId: 'm', queue: 'low', at }));
      expect(refusal).toMatchObject({ code: 'VALIDATION_FAILED', details: [{ pointer: '/at' }] });
    },
  );
});

describe('chaining', () => {
  const entered = (id: number, name: string): HistoryEvent => ({
    id,
    previousEventId: id - 1,
    type: 'PassStateEntered',
    timestamp: id,
    details: { name, input: {} },
  });
  const exited = (id: number, name: string, output: Json): HistoryEvent => ({
    id,
    previousEventId: id - 1,
    type: 'PassStateExited',
    timestamp: id,
    details: { name, output },
  });

  test("takes the source's output, or the last one of a state of it", async () => {
    const source = await putExecution(house.deps.database, {
      status: 'SUCCEEDED',
      output: '{"total":3}',
      end_time: new Date(),
    });
    await putHistory(
      house.deps.database,
      source,
      [entered(1, 'A'), exited(2, 'A', 'old'), entered(3, 'A'), exited(4, 'A', 'new'), entered(5, 'B')],
      2,
    );
    const chained = await executions.start('m', { sourceExecutionId: source });
    expect(chained).toMatchObject({ input: { total: 3 }, sourceExecutionId: source });
    expect(await executions.start('m', { sourceExecutionId: source, sourceStateName: 'A' })).toMatchObject({
      input: 'new',
    });
    const refuse = (sourceStateName: string): Promise<unknown> =>
      refusalOf(executions.start('m', { sourceExecutionId: source, sourceStateName }));
    expect(await refuse('B')).toMatchObject({ code: 'SOURCE_HAS_NO_OUTPUT', statusCode: 409 });
    expect(await refuse('C')).toMatchObject({ code: 'STATE_NOT_FOUND', statusCode: 404 });
  });

  test('refuses what has no output, what is not there, and two inputs', async () => {
    const running = await putExecution(house.deps.database, {});
    expect(await refusalOf(executions.start('m', { sourceExecutionId: running }))).toMatchObject({
      code: 'SOURCE_HAS_NO_OUTPUT',
    });
    expect(await refusalOf(executions.start('m', { sourceExecutionId: 'x' }))).toMatchObject({
      code: 'EXECUTION_NOT_FOUND',
    });
    expect(await refusalOf(executions.start('m', { sourceExecutionId: running, input: 1 }))).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
    expect(await refusalOf(executions.start('m', { sourceStateName: 'A' }))).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });
});

describe('reading executions', () => {
  test.each(['x', '', '\0', newId()])('refuses the unknown id %j in every way of asking', async (id) => {
    for (const ask of [executions.get, executions.history, executions.states, executions.stop]) {
      expect(await refusalOf(ask(id))).toMatchObject({ code: 'EXECUTION_NOT_FOUND', statusCode: 404 });
    }
  });

  test('refuses to list those of a machine that never was, but not of one that has none', async () => {
    expect(await refusalOf(executions.list({ stateMachineId: 'never' }))).toMatchObject({
      code: 'STATE_MACHINE_NOT_FOUND',
    });
    expect(await refusalOf(executions.count({ stateMachineId: 'never' }))).toMatchObject({
      code: 'STATE_MACHINE_NOT_FOUND',
    });
    await makeMachine(house.deps.database, 'idle');
    expect(await executions.list({ stateMachineId: 'idle' })).toEqual({ items: [], nextCursor: null });
    expect(await executions.count({ stateMachineId: 'idle' })).toEqual({ count: 0 });
  });

  test('refuses filters, limits and cursors that make no sense', async () => {
    expect(await refusalOf(executions.list({ name: 'a\0' }))).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: [{ pointer: '/name' }],
    });
    for (const limit of [0, -1, 1.5, 1001, Number.NaN]) {
      expect(await refusalOf(executions.list({ limit }))).toMatchObject({ code: 'VALIDATION_FAILED' });
    }
    expect(await refusalOf(executions.list({ cursor: 'nonsense' }))).toMatchObject({
      code: 'INVALID_CURSOR',
      statusCode: 400,
    });
    const { executionId } = await executions.start('m', {});
    expect(await refusalOf(executions.history(executionId, { cursor: 'x' }))).toMatchObject({
      code: 'INVALID_CURSOR',
    });
    expect(await refusalOf(executions.states(executionId, { cursor: 'x' }))).toMatchObject({
      code: 'INVALID_CURSOR',
    });
  });

  test('shows events as AWS does, and what became of each state, page by page', async () => {
    const id = await putExecution(house.deps.database, {});
    const event = (n: number, type: HistoryEvent['type'], details: Record<string, Json>): HistoryEvent => ({
      id: n,
      previousEventId: n - 1,
      type,
      timestamp: n * 1000,
      details,
    });
    await putHistory(
      house.deps.database,
      id,
      [
        event(1, 'ExecutionStarted', { input: { a: 1 } }),
        event(2, 'PassStateEntered', { name: 'A', input: { a: 1 } }),
        event(3, 'PassStateExited', { name: 'A', output: [2] }),
        event(4, 'SucceedStateEntered', { name: 'B', input: [2] }),
      ],
      2,
    );
    const first = await executions.history(id, { limit: 2 });
    expect(first.items).toMatchObject([
      {
        id: 1,
        previousEventId: 0,
        type: 'ExecutionStarted',
        timestamp: new Date(1000),
        executionStartedEventDetails: { input: '{"a":1}' },
      },
      { id: 2, type: 'PassStateEntered', stateEnteredEventDetails: { name: 'A', input: '{"a":1}' } },
    ]);
    expect(
      (await executions.history(id, { limit: 9, cursor: first.nextCursor ?? '' })).items.map((e) => e.id),
    ).toEqual([3, 4]);
    expect((await executions.history(id, { reverse: true })).items.map((e) => e.id)).toEqual([4, 3, 2, 1]);

    const states = await executions.states(id, { limit: 1 });
    expect(states.items).toEqual([
      {
        stateName: 'A',
        stateType: 'Pass',
        status: 'SUCCEEDED',
        input: { a: 1 },
        output: [2],
        error: null,
        startTime: new Date(2000),
        endTime: new Date(3000),
        retryCount: 0,
        sequenceNumber: 1,
      },
    ]);
    const rest = await executions.states(id, { limit: 1, cursor: states.nextCursor ?? '' });
    expect(rest).toMatchObject({
      items: [{ stateName: 'B', status: 'RUNNING', output: null, endTime: null, sequenceNumber: 2 }],
      nextCursor: null,
    });
  });
});

describe('stopping an execution', () => {
  test('puts it into the inbox, rings, and answers when it has ended', async () => {
    const { executionId } = await executions.start('m', {});
    setTimeout(() => void end(executionId, "status = 'ABORTED', error = 'E', cause = 'C'"), 300);
    expect(await executions.stop(executionId, { error: 'E', cause: 'C' })).toMatchObject({
      status: 'ABORTED',
      error: 'E',
    });
    const { rows } = await house.deps.database.pool.query(
      'SELECT kind, data FROM inbox WHERE execution_id = $1',
      [executionId],
    );
    expect(rows).toEqual([{ kind: 'stop', data: '{"error":"E","cause":"C"}' }]);
    expect(house.rung.filter((ring) => ring === `m ${executionId}`)).toHaveLength(2);
    expect(await refusalOf(executions.stop(executionId))).toMatchObject({
      code: 'EXECUTION_ENDED',
      statusCode: 409,
    });
  });

  test('answers after two seconds how it stands, if nobody advances it', async () => {
    const { executionId } = await executions.start('m', {});
    const started = performance.now();
    expect(await executions.stop(executionId)).toMatchObject({ status: 'RUNNING' });
    expect(performance.now() - started).toBeGreaterThan(1_900);
  });

  test('refuses texts that cannot be stored or are too long', async () => {
    const { executionId } = await executions.start('m', {});
    expect(await refusalOf(executions.stop(executionId, { error: 'x\0' }))).toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await refusalOf(executions.stop(executionId, { cause: 'x'.repeat(32_769) }))).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });
});
