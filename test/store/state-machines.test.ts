import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  changeStateMachine,
  createDefinitions,
  createStateMachine,
  type Database,
  deleteStateMachine,
  findStateMachine,
  hasStateMachine,
  listQueues,
  listStateMachines,
  listVersions,
} from '../../src/store/index.js';
import { makeMachine, openStore, putExecution } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, close } = await openStore());
});

afterAll(() => close());

const NEW = {
  name: 'n',
  description: null,
  type: 'STANDARD',
  queue: undefined,
  weight: 5,
  metadata: null,
  definition: { StartAt: 'A', States: { A: { Type: 'Succeed' } } },
};

describe('state machines', () => {
  test('are made with a queue of their own, once, even when asked at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        createStateMachine(database, { ...NEW, stateMachineId: 'once', weight: 7 }),
      ),
    );
    expect(answers.filter(({ kind }) => kind === 'created')).toHaveLength(1);
    expect(answers.filter(({ kind }) => kind === 'exists')).toHaveLength(7);
    const queues = (await listQueues(database)).filter(({ name }) => name === 'once');
    expect(queues).toEqual([{ name: 'once', weight: 7, stateMachineId: 'once' }]);
  });

  test('use another queue only if it is there', async () => {
    const asking = { ...NEW, stateMachineId: 'guest', queue: 'host' };
    expect(await createStateMachine(database, asking)).toEqual({ kind: 'unknownQueue' });
    expect(await hasStateMachine(database, 'guest')).toBe(false);
    await makeMachine(database, 'host');
    expect(await createStateMachine(database, asking)).toMatchObject({ machine: { queue: 'host' } });
    expect((await listQueues(database)).map(({ name }) => name)).not.toContain('guest');
  });

  test('do not take over a queue that is not theirs', async () => {
    await database.prisma.queue.create({ data: { name: 'shared', weight: 1, createdAt: new Date() } });
    expect(await createStateMachine(database, { ...NEW, stateMachineId: 'shared' })).toEqual({
      kind: 'queueTaken',
    });
    expect(await hasStateMachine(database, 'shared')).toBe(false);
  });

  test('get a new version for a new definition, and none for the same in another order', async () => {
    await makeMachine(database, 'v');
    const same = { States: { A: { Type: 'Succeed' } }, StartAt: 'A' };
    expect(await changeStateMachine(database, 'v', { definition: same, name: 'x' })).toMatchObject({
      machine: { version: 1, name: 'x' },
    });
    const next = { StartAt: 'B', States: { B: { Type: 'Succeed' } } };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => changeStateMachine(database, 'v', { definition: next })),
    );
    expect(answers.map((answer) => answer.kind === 'changed' && answer.machine.version)).toEqual([
      2, 2, 2, 2, 2,
    ]);
    expect(await changeStateMachine(database, 'v', { metadata: { a: 1 }, description: 'd' })).toMatchObject({
      machine: { version: 2, definition: next, metadata: { a: 1 }, description: 'd', name: 'x' },
    });
    expect(await changeStateMachine(database, 'v', { metadata: null })).toMatchObject({
      machine: { metadata: null },
    });
    expect(await changeStateMachine(database, 'v', { queue: 'nowhere' })).toEqual({ kind: 'unknownQueue' });
    expect(await changeStateMachine(database, 'never', { name: 'x' })).toEqual({ kind: 'unknown' });
    const versions = await listVersions(database, 'v', { limit: 1, cursor: undefined });
    expect(versions).toMatchObject({
      items: [{ version: 2, definition: next }],
      nextCursor: expect.any(String),
    });
    const rest = await listVersions(database, 'v', { limit: 1, cursor: versions?.nextCursor ?? undefined });
    expect(rest).toMatchObject({ items: [{ version: 1 }], nextCursor: null });
  });

  test('are not deleted while something of theirs runs, unless forced', async () => {
    await makeMachine(database, 'busy');
    await putExecution(database, { state_machine_id: 'busy' });
    expect(await deleteStateMachine(database, 'busy', { force: false })).toEqual({ kind: 'inUse' });
    expect(await findStateMachine(database, 'busy')).toBeDefined();
    expect(await deleteStateMachine(database, 'busy', { force: true })).toEqual({ kind: 'deleted' });
    expect(await findStateMachine(database, 'busy')).toBeUndefined();
    expect(await deleteStateMachine(database, 'busy', { force: true })).toEqual({ kind: 'unknown' });
    expect(await hasStateMachine(database, 'busy')).toBe(true);
    expect(await listVersions(database, 'busy', { limit: 1, cursor: undefined })).toBeUndefined();
  });

  test('can be made anew by several at once, but only once', async () => {
    await makeMachine(database, 'again');
    await deleteStateMachine(database, 'again', { force: false });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => createStateMachine(database, { ...NEW, stateMachineId: 'again' })),
    );
    expect(answers.filter(({ kind }) => kind === 'created')).toMatchObject([{ machine: { version: 2 } }]);
    expect(answers.filter(({ kind }) => kind === 'exists')).toHaveLength(4);
  });

  test('are listed newest first, in pages, by part of the name in any case, without those that were deleted', async () => {
    const ids = ['l1', 'l2', 'l3', 'l4', 'l5'];
    for (const id of ids) {
      await createStateMachine(database, {
        ...NEW,
        stateMachineId: id,
        name: id === 'l2' ? '100% Ready' : `List ${id}`,
      });
    }
    // The same instant: the id decides.
    await database.pool.query(`UPDATE state_machines SET created_at = '2027-01-01' WHERE id = ANY($1)`, [
      ids,
    ]);
    await deleteStateMachine(database, 'l4', { force: false });
    const read: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listStateMachines(
        database,
        { createdAfter: new Date('2026-12-31') },
        { limit: 2, cursor },
      );
      read.push(...page.items.map(({ stateMachineId }) => stateMachineId));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(read).toEqual(['l5', 'l3', 'l2', 'l1']);
    const find = async (filter: object): Promise<string[]> =>
      (await listStateMachines(database, filter, { limit: 10, cursor: undefined })).items.map(
        (m) => m.stateMachineId,
      );
    expect(await find({ name: 'LIST L' })).toEqual(['l5', 'l3', 'l1']);
    expect(await find({ name: '%' })).toEqual(['l2']);
    expect(await find({ id: 'l3' })).toEqual(['l3']);
    expect(await find({ id: 'l3', createdBefore: new Date('2026-12-31') })).toEqual([]);
    expect(await find({ type: 'EXPRESS' })).toEqual([]);
  });
});

describe('definitions', () => {
  test('are compiled once for all who ask, and again once they have fallen out', async () => {
    for (const id of ['c1', 'c2', 'c3']) await makeMachine(database, id);
    const compiled: string[] = [];
    const definitions = createDefinitions({
      database,
      processorOf: () => undefined,
      max: 2,
      compile: (text) => {
        compiled.push(text);
        return { comment: undefined, timeoutSeconds: undefined, source: {}, startAt: 'A', states: new Map() };
      },
    });
    const [first, ...others] = await Promise.all(
      Array.from({ length: 9 }, () => definitions.machine('c1', 1)),
    );
    expect(others.every((machine) => machine === first && machine !== undefined)).toBe(true);
    expect(compiled).toHaveLength(1);
    await definitions.machine('c2', 1);
    await definitions.machine('c1', 1); // c2 is the oldest now
    await definitions.machine('c3', 1);
    await definitions.machine('c1', 1);
    expect(compiled).toHaveLength(3);
    await definitions.machine('c2', 1);
    expect(compiled).toHaveLength(4);
  });

  test('that are not there yet are looked for again', async () => {
    const definitions = createDefinitions({
      database,
      processorOf: () => undefined,
      compile: () => ({
        comment: undefined,
        timeoutSeconds: undefined,
        source: {},
        startAt: 'A',
        states: new Map(),
      }),
    });
    expect(await definitions.machine('late', 1)).toBeUndefined();
    await makeMachine(database, 'late');
    expect(await definitions.machine('late', 1)).toBeDefined();
  });
});
