import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createArns } from '../../src/engine/index.js';
import {
  type ChildStart,
  createStarts,
  type Database,
  deleteStateMachine,
  findRunningChild,
  orphanedChildren,
  readSignals,
  startChild,
  tellParents,
  untoldChildren,
} from '../../src/store/index.js';
import { makeMachine, openStore, putExecution } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;
const arns = createArns({ region: 'eu-west-1', accountId: '123456789012' });

beforeAll(async () => {
  ({ database, close } = await openStore(10));
  await makeMachine(database, 'child');
});

afterAll(() => close());

async function parent(): Promise<ChildStart['parent']> {
  const executionId = await putExecution(database, { wake_at: null });
  return { executionId, frameId: 4, key: `${executionId}/9` };
}

let names = 0;

async function asked(more: Partial<ChildStart> = {}): Promise<ChildStart> {
  return {
    parent: await parent(),
    stateMachineId: 'child',
    name: `child-${++names}`,
    input: '{"a":1}',
    notify: true,
    ...more,
  };
}

async function end(id: string, columns = "status = 'SUCCEEDED', output = '{\"b\":2}'"): Promise<void> {
  await database.pool.query(
    `UPDATE executions SET end_time = now(), wake_at = NULL, ${columns} WHERE id = $1`,
    [id],
  );
}

async function started(start: ChildStart): Promise<string> {
  const answer = await startChild(database.pool, start);
  if (answer.kind !== 'started') throw new Error(answer.kind);
  return answer.child.executionId;
}

describe('a child', () => {
  test('is started once for its call, however often and by however many it is asked for', async () => {
    const start = await asked();
    const answers = await Promise.all(Array.from({ length: 8 }, () => startChild(database.pool, start)));
    const ids = answers.map((answer) => (answer.kind === 'started' ? answer.child.executionId : answer.kind));
    expect(new Set(ids).size).toBe(1);
    expect(answers.filter((answer) => answer.kind === 'started' && answer.created)).toHaveLength(1);
    expect(await findRunningChild(database.pool, start.parent)).toBe(ids[0]);
    await end(ids[0] ?? '');
    expect(await startChild(database.pool, start)).toMatchObject({
      kind: 'started',
      created: false,
      child: { executionId: ids[0] },
    });
    expect(await findRunningChild(database.pool, start.parent)).toBeUndefined();
  });

  test('of a machine that there is not, or is no more, is not started; what was started is still found', async () => {
    expect(await startChild(database.pool, await asked({ stateMachineId: 'nobody' }))).toEqual({
      kind: 'unknownMachine',
    });
    await makeMachine(database, 'brief');
    const start = await asked({ stateMachineId: 'brief' });
    const id = await started(start);
    await deleteStateMachine(database, 'brief', { force: true });
    expect(await started(start)).toBe(id);
    expect(await startChild(database.pool, { ...start, parent: await parent() })).toEqual({
      kind: 'unknownMachine',
    });
  });

  test('of a name that is taken is that execution, if it runs with the same input and nobody else waits for it', async () => {
    const name = 'taken';
    const alone = await createStarts(database).start({
      stateMachineId: 'child',
      name,
      input: '{"a": 1}',
      queue: undefined,
      at: undefined,
      waited: false,
      sourceExecutionId: undefined,
      sourceStateName: undefined,
    });
    if (alone.kind !== 'created') throw new Error(alone.kind);
    const { executionId } = alone.execution;
    expect(await startChild(database.pool, await asked({ name, input: '{"a":2}' }))).toEqual({
      kind: 'exists',
    });
    expect(await started(await asked({ name, notify: false }))).toBe(executionId);
    expect(await started(await asked({ name }))).toBe(executionId);
    // It has a parent now, which is told of its end.
    expect(await startChild(database.pool, await asked({ name }))).toEqual({ kind: 'exists' });
    await end(executionId);
    expect(await startChild(database.pool, await asked({ name, notify: false }))).toEqual({ kind: 'exists' });
  });
});

describe('the end of a child', () => {
  test('is told to its parent once, whoever tells and however often', async () => {
    const start = await asked();
    const id = await started(start);
    expect(await tellParents(database.pool, arns, [id])).toEqual([]);
    await end(id);
    const woken = await Promise.all(Array.from({ length: 6 }, () => tellParents(database.pool, arns, [id])));
    expect(woken.flat()).toEqual([{ executionId: start.parent.executionId, queue: 'm', owner: null }]);
    const signals = await readSignals(database.pool, start.parent.executionId, 0);
    expect(signals).toEqual([
      {
        seq: 1,
        kind: 'childEnded',
        data: {
          frameId: 4,
          key: start.parent.key,
          child: {
            executionArn: `arn:aws:states:eu-west-1:123456789012:execution:child:${start.name}`,
            name: start.name,
            stateMachineArn: 'arn:aws:states:eu-west-1:123456789012:stateMachine:child',
            status: 'SUCCEEDED',
            input: '{"a":1}',
            output: '{"b":2}',
            startTimeMs: expect.any(Number),
            stopTimeMs: expect.any(Number),
          },
        },
      },
    ]);
  });

  test('is not told to who does not wait, or has ended', async () => {
    const alone = await asked({ notify: false });
    const over = await asked();
    for (const start of [alone, over]) await end(await started(start));
    await end(over.parent.executionId, "status = 'ABORTED'");
    const { rows } = await database.pool.query<{ id: string }>(
      'SELECT id FROM executions WHERE parent_id = ANY($1)',
      [[alone.parent.executionId, over.parent.executionId]],
    );
    expect(
      await tellParents(
        database.pool,
        arns,
        rows.map(({ id }) => id),
      ),
    ).toEqual([]);
    for (const { parent } of [alone, over])
      expect(await readSignals(database.pool, parent.executionId, 0)).toEqual([]);
  });

  test('reaches one parent from many children, in numbers without a gap', async () => {
    const { parent: to } = await asked();
    const ids: string[] = [];
    for (let n = 0; n < 30; n++)
      ids.push(await started(await asked({ parent: { ...to, key: `${to.executionId}/${n}` } })));
    for (const id of ids) await end(id);
    await Promise.all([
      tellParents(database.pool, arns, ids.slice(0, 20)),
      tellParents(database.pool, arns, ids.slice(10)),
    ]);
    const signals = await readSignals(database.pool, to.executionId, 0);
    expect(signals.map(({ seq }) => seq)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
  });
});

test('the sweeper finds what was not told, and page by page who is waited for by nobody', async () => {
  const untold = await started(await asked());
  const orphan = await asked();
  const orphaned = await started(orphan);
  const fine = await started(await asked());
  await end(untold);
  await end(orphan.parent.executionId, "status = 'ABORTED'");
  const ended = await untoldChildren(database.pool, 1_000);
  const orphans: string[] = [];
  let after: string | undefined = '00000000-0000-0000-0000-000000000000';
  while (after !== undefined) {
    const page = await orphanedChildren(database.pool, after, 2);
    orphans.push(...page.orphans);
    after = page.last;
  }
  expect(ended).toContain(untold);
  expect(orphans).toEqual([orphaned]);
  expect([...ended, ...orphans]).not.toContain(fine);
});
