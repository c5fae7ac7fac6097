import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  createStarts,
  createStateMachine,
  type Database,
  deleteStateMachine,
  listOpenExecutions,
  type StartRow,
} from '../../src/store/index.js';
import { makeMachine, openStore } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, close } = await openStore(10));
  await makeMachine(database, 'orders');
});

afterAll(() => close());

function row(name: string, more: Partial<StartRow> = {}): StartRow {
  return {
    stateMachineId: 'orders',
    name,
    input: '{"a":1,"b":[true,null]}',
    queue: undefined,
    at: undefined,
    waited: false,
    sourceExecutionId: undefined,
    sourceStateName: undefined,
    ...more,
  };
}

async function rowsNamed(name: string): Promise<Record<string, unknown>[]> {
  return (
    await database.pool.query('SELECT *, wake_at > now() AS later FROM executions WHERE name = $1', [name])
  ).rows;
}

describe('starting', () => {
  test('writes one row for a name that is asked for a hundred times at once, in one process', async () => {
    const { start } = createStarts(database);
    const answers = await Promise.all(Array.from({ length: 100 }, () => start(row('once'))));
    expect(await rowsNamed('once')).toHaveLength(1);
    expect(answers.filter(({ kind }) => kind === 'created')).toHaveLength(1);
    expect(answers.filter(({ kind }) => kind === 'existing')).toHaveLength(99);
    const ids = new Set(answers.map((answer) => ('execution' in answer ? answer.execution.executionId : '')));
    expect(ids.size).toBe(1);
  });

  test('writes one row for each name when several processes ask for the same names in different orders', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `race-${index}`);
    const processes = Array.from({ length: 5 }, () => createStarts(database));
    const answers = await Promise.all(
      processes.flatMap(({ start }, index) =>
        (index % 2 === 0 ? names : names.toReversed()).map((name) => start(row(name))),
      ),
    );
    expect(answers.filter(({ kind }) => kind === 'created')).toHaveLength(50);
    expect(answers.filter(({ kind }) => kind === 'existing')).toHaveLength(200);
  });

  test('takes an input that says the same in other words for the same, and another for a conflict', async () => {
    const { start } = createStarts(database);
    expect((await start(row('twice'))).kind).toBe('created');
    expect((await start(row('twice', { input: '{ "b": [true, null], "a": 1.0 }' }))).kind).toBe('existing');
    const conflict = await start(row('twice', { input: '{"a":1,"b":[null,true]}' }));
    expect(conflict).toMatchObject({ kind: 'conflict', execution: { input: '{"a":1,"b":[true,null]}' } });
    expect(await rowsNamed('twice')).toHaveLength(1);
  });

  test('does not let a row that PostgreSQL refuses take its neighbours with it', async () => {
    const { start } = createStarts(database);
    const answers = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) => start(row(index === 17 ? 'bad\0name' : `good-${index}`))),
    );
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(39);
    expect(answers[17]).toMatchObject({ status: 'rejected', reason: { code: '22021' } });
  });

  test('is runnable now, or at the time that was asked for, but never before now', async () => {
    const { start } = createStarts(database);
    await Promise.all([
      start(row('now')),
      start(row('later', { at: new Date(Date.now() + 60_000) })),
      start(row('past', { at: new Date(0) })),
    ]);
    expect(await rowsNamed('now')).toMatchObject([
      { status: 'RUNNING', later: false, owner: null, epoch: 0 },
    ]);
    expect(await rowsNamed('later')).toMatchObject([{ later: true }]);
    const [past] = await rowsNamed('past');
    expect(past?.['wake_at']).toEqual(past?.['start_time']);
  });

  test('begins with the latest version, in the queue of the machine unless another is named', async () => {
    const { start } = createStarts(database);
    const answers = await Promise.all([start(row('own')), start(row('other', { queue: 'critical' }))]);
    expect(answers).toMatchObject([
      { kind: 'created', execution: { version: 1, queue: 'orders', startTime: expect.any(Date) } },
      { kind: 'created', execution: { version: 1, queue: 'critical' } },
    ]);
  });

  test('finds no machine that never was, or that was deleted', async () => {
    const { start } = createStarts(database);
    await makeMachine(database, 'gone');
    await deleteStateMachine(database, 'gone', { force: true });
    const answers = await Promise.all([
      start(row('x', { stateMachineId: 'never' })),
      start(row('x', { stateMachineId: 'gone' })),
      start(row('neighbour')),
    ]);
    expect(answers.map(({ kind }) => kind)).toEqual(['unknownMachine', 'unknownMachine', 'created']);
  });

  test('never slips an execution past a delete', async () => {
    for (let round = 0; round < 10; round++) {
      const stateMachineId = `raced-${round}`;
      await makeMachine(database, stateMachineId);
      const { start } = createStarts(database);
      const starting = Promise.all(
        Array.from({ length: 8 }, async (_, index) => {
          await new Promise((resolve) => setTimeout(resolve, index));
          return start(row(`r-${index}`, { stateMachineId }));
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, round % 5));
      const { kind } = await deleteStateMachine(database, stateMachineId, { force: false });
      const open = await listOpenExecutions(database, stateMachineId, '00000000-0000-0000-0000-000000000000');
      const created = (await starting).filter((answer) => answer.kind === 'created');
      // Either the delete saw what had started, or nothing starts.
      if (kind === 'deleted') expect([open.length, created.length]).toEqual([0, 0]);
      else expect([kind, created.length]).toEqual(['inUse', 8]);
    }
  });

  test('finds the machine again once it was made anew, with the next version', async () => {
    await makeMachine(database, 'phoenix');
    const { start } = createStarts(database);
    await start(row('first', { stateMachineId: 'phoenix' }));
    await deleteStateMachine(database, 'phoenix', { force: true });
    const made = await createStateMachine(database, {
      stateMachineId: 'phoenix',
      name: 'risen',
      description: null,
      type: 'STANDARD',
      queue: undefined,
      weight: 5,
      metadata: null,
      definition: { StartAt: 'B', States: { B: { Type: 'Succeed' } } },
    });
    expect(made).toMatchObject({ kind: 'created', machine: { version: 2, name: 'risen' } });
    expect(await start(row('second', { stateMachineId: 'phoenix' }))).toMatchObject({
      execution: { version: 2 },
    });
  });
});
