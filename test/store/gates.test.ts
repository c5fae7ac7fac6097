import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  abortExecution,
  admitHeld,
  changeStateMachine,
  countExecutions,
  createStarts,
  type Database,
  deliverSignal,
  findExecution,
  findStateMachine,
  heldMachines,
  newId,
  pauseExecution,
  redriveExecution,
  type StartRow,
  type Starts,
  startChild,
} from '../../src/store/index.js';
import { withTransaction } from '../../src/store/own-session.js';
import { makeMachine, openStore, putExecution } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;
let starts: Starts;
let machines = 0;

beforeAll(async () => {
  ({ database, close } = await openStore(10));
  starts = createStarts(database);
});

afterAll(() => close());

interface Limits {
  maxConcurrentExecutions?: number | null;
  startsPerSecond?: number | null;
}

async function machine(limits: Limits): Promise<string> {
  const id = `limited-${++machines}`;
  await makeMachine(database, id);
  await limit(id, limits);
  return id;
}

async function limit(id: string, limits: Limits): Promise<void> {
  expect((await changeStateMachine(database, id, limits)).kind).toBe('changed');
}

async function start(stateMachineId: string, more: Partial<StartRow> = {}): Promise<string> {
  const answer = await starts.start({
    stateMachineId,
    name: newId(),
    input: '{}',
    queue: undefined,
    at: undefined,
    waited: false,
    sourceExecutionId: undefined,
    sourceStateName: undefined,
    ...more,
  });
  if (answer.kind !== 'created') throw new Error(answer.kind);
  return answer.execution.executionId;
}

async function startMany(stateMachineId: string, count: number): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: count }, () => start(stateMachineId)));
  return ids.toSorted();
}

const admit = async (id: string): Promise<string[]> =>
  (await admitHeld(database.pool, id)).admitted.map(({ executionId }) => executionId).toSorted();

const end = (id: string) =>
  database.pool.query(
    "UPDATE executions SET status = 'SUCCEEDED', end_time = now(), wake_at = NULL WHERE id = $1",
    [id],
  );

async function row(id: string): Promise<Record<string, unknown>> {
  const { rows } = await database.pool.query('SELECT * FROM executions WHERE id = $1', [id]);
  return rows[0];
}

const placesOf = async (id: string): Promise<number> => {
  const { rows } = await database.pool.query(
    'SELECT 1 FROM executions WHERE state_machine_id = $1 AND end_time IS NULL AND wake_at IS NOT NULL',
    [id],
  );
  return rows.length;
};

describe('a machine that may have so many at once', () => {
  test('holds what is started, and lets in as many as there are places, the oldest first', async () => {
    const id = await machine({ maxConcurrentExecutions: 2 });
    const all = await startMany(id, 5);
    expect(await placesOf(id)).toBe(0);
    expect((await findExecution(database.pool, all[0] ?? ''))?.heldAt).toBeInstanceOf(Date);
    expect(await countExecutions(database.pool, { stateMachineId: id, held: true })).toBe(5);
    expect(await admit(id)).toEqual(all.slice(0, 2));
    expect(await admit(id)).toEqual([]);
    expect((await findExecution(database.pool, all[0] ?? ''))?.heldAt).toBeNull();
    await end(all[1] ?? '');
    expect(await admit(id)).toEqual([all[2]]);
    expect(await countExecutions(database.pool, { stateMachineId: id, held: true })).toBe(2);
    expect(await heldMachines(database.pool)).toContain(id);
  });

  test('never has more, however many give out places at once', async () => {
    const id = await machine({ maxConcurrentExecutions: 7 });
    const all = await startMany(id, 60);
    const seen: number[] = [];
    for (let round = 0; round < 12; round++) {
      await Promise.all(Array.from({ length: 6 }, () => admitHeld(database.pool, id)));
      seen.push(await placesOf(id));
      const { rows } = await database.pool.query<{ id: string }>(
        'SELECT id FROM executions WHERE state_machine_id = $1 AND end_time IS NULL AND wake_at IS NOT NULL LIMIT 7',
        [id],
      );
      // Ends and admissions at the same time.
      await Promise.all([...rows.map((one) => end(one.id)), admitHeld(database.pool, id), start(id)]);
    }
    expect(Math.max(...seen)).toBe(7);
    const { rows: open } = await database.pool.query(
      'SELECT id FROM executions WHERE id = ANY($1) AND end_time IS NULL',
      [all],
    );
    expect(open).toEqual([]);
  });

  test('counts what ran before there was a limit', async () => {
    const id = await machine({});
    const before = await startMany(id, 3);
    expect(await placesOf(id)).toBe(3);
    await limit(id, { maxConcurrentExecutions: 4 });
    const after = await startMany(id, 2);
    expect(await admit(id)).toEqual([after[0]]);
    await end(before[0] ?? '');
    expect(await admit(id)).toEqual([after[1]]);
  });

  test('lets more in when the limit is raised, and all of them when it is removed', async () => {
    const id = await machine({ maxConcurrentExecutions: 1 });
    const all = await startMany(id, 600);
    expect(await admit(id)).toHaveLength(1);
    await limit(id, { maxConcurrentExecutions: 3 });
    expect(await admit(id)).toEqual(all.slice(1, 3));
    await limit(id, { maxConcurrentExecutions: null });
    const { admitted, againMs } = await admitHeld(database.pool, id);
    expect(admitted).toHaveLength(500);
    expect(againMs).toBe(0);
    expect(await admit(id)).toHaveLength(97);
    const free = await start(id);
    expect((await row(free))['wake_at']).not.toBeNull();
  });

  test('keeps the place of one that waits, is paused, or lost its worker', async () => {
    const id = await machine({ maxConcurrentExecutions: 1 });
    const [first = '', second = ''] = await startMany(id, 2);
    expect(await admit(id)).toEqual([first]);
    await database.pool.query('UPDATE executions SET wake_at = NULL, epoch = 3 WHERE id = $1', [first]);
    await pauseExecution(database.pool, first, undefined);
    expect(await admit(id)).toEqual([]);
    await end(first);
    expect(await admit(id)).toEqual([second]);
  });

  test('passes by those that are paused or are not to begin yet', async () => {
    const id = await machine({ maxConcurrentExecutions: 5 });
    const paused = await start(id);
    await pauseExecution(database.pool, paused, undefined);
    const later = await start(id, { at: new Date(Date.now() + 3_600_000) });
    const now = await start(id);
    expect(await admit(id)).toEqual([now]);
    expect((await findExecution(database.pool, later))?.heldAt?.getTime()).toBeGreaterThan(Date.now());
  });

  test('wakes nothing that is held, whatever comes in, but for a stop', async () => {
    const id = await machine({ maxConcurrentExecutions: 1 });
    const [first = '', second = '', third = ''] = await startMany(id, 3);
    await admit(id);
    await deliverSignal(database.pool, second, 'tokenSucceeded', { frameId: 0, key: 'k', output: 1 });
    expect(await row(second)).toMatchObject({ wake_at: null, inbox_seq: 1 });
    await deliverSignal(database.pool, second, 'stop', {});
    expect((await row(second))['wake_at']).not.toBeNull();
    expect(await row(second)).toMatchObject({ held_at: null, admitted_at: null });
    expect(await abortExecution(database.pool, first, undefined, undefined)).toBe(true);
    expect(await admit(id)).toEqual([third]);
  });

  test('holds children, too', async () => {
    const id = await machine({ maxConcurrentExecutions: 1 });
    const parent = await putExecution(database, { depth: 4 });
    const answer = await startChild(database.pool, {
      parent: { executionId: parent, frameId: 0, key: 'k' },
      stateMachineId: id,
      name: 'child',
      input: '{}',
      notify: true,
    });
    if (answer.kind !== 'started') throw new Error(answer.kind);
    expect(await row(answer.child.executionId)).toMatchObject({ wake_at: null, depth: 5 });
    expect(await admit(id)).toEqual([answer.child.executionId]);
  });

  test('takes a redriven one back when there is a place again', async () => {
    const id = await machine({ maxConcurrentExecutions: 1 });
    const first = await start(id);
    expect(await admit(id)).toEqual([first]);
    await database.pool.query(
      "UPDATE executions SET status = 'FAILED', end_time = now(), wake_at = NULL WHERE id = $1",
      [first],
    );
    await database.pool.query(
      `INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, events, frames)
       VALUES ($1, 1, 1, 1, 1, '[]', '{"left":[]}')`,
      [first],
    );
    const second = await start(id);
    expect(await admit(id)).toEqual([second]);
    expect(await redriveExecution(database.pool, first, undefined)).toMatchObject({ kind: 'redriven' });
    expect(await row(first)).toMatchObject({ status: 'RUNNING', wake_at: null });
    expect(await admit(id)).toEqual([]);
    await end(second);
    expect(await admit(id)).toEqual([first]);
    expect((await row(first))['wake_at']).not.toBeNull();
  });

  test('gets a limit while its executions are being written in any order', async () => {
    const id = await machine({});
    const ids = await startMany(id, 40);
    const write = (order: readonly string[]) =>
      withTransaction(database.pool, async (session) => {
        for (const one of order) {
          await session.query('UPDATE executions SET faults = faults + 1 WHERE id = $1', [one]);
        }
      }).catch((error: unknown) => {
        if (!String(error).includes('deadlock')) throw error;
      });
    await Promise.all([write(ids), limit(id, { maxConcurrentExecutions: 1 }), write(ids.toReversed())]);
    const { rows } = await database.pool.query(
      'SELECT count(*)::int AS n FROM executions WHERE state_machine_id = $1 AND admitted_at IS NOT NULL',
      [id],
    );
    expect(rows).toEqual([{ n: 40 }]);
  });

  test('shows its limits', async () => {
    const id = await machine({ maxConcurrentExecutions: 3, startsPerSecond: 0.5 });
    expect(await findStateMachine(database, id)).toMatchObject({
      maxConcurrentExecutions: 3,
      startsPerSecond: 0.5,
    });
  });
});

describe('a machine that may begin so many in a second', () => {
  test('gives them times that lie so far apart, for a second ahead, whoever gives them out', async () => {
    const id = await machine({ startsPerSecond: 20 });
    await startMany(id, 50);
    const rounds = await Promise.all([1, 2, 3].map(() => admitHeld(database.pool, id)));
    const times = rounds
      .flatMap(({ admitted }) => admitted.map(({ wakeAtMs }) => wakeAtMs))
      .toSorted((a, b) => a - b);
    expect(times.length).toBeGreaterThanOrEqual(20);
    expect(times.length).toBeLessThanOrEqual(25);
    for (const [n, time] of times.entries()) {
      if (n > 0) expect(time - (times[n - 1] ?? 0)).toBeGreaterThan(49);
    }
    expect(rounds.map(({ againMs }) => againMs).find((ms) => ms !== undefined)).toBeGreaterThan(0);
  });

  test('and so many at once keeps to both', async () => {
    const id = await machine({ startsPerSecond: 1000, maxConcurrentExecutions: 2 });
    const all = await startMany(id, 4);
    expect(await admit(id)).toEqual(all.slice(0, 2));
    expect((await admitHeld(database.pool, id)).againMs).toBeUndefined();
  });
});

describe('nesting', () => {
  test('is refused from a depth on, and no machine is taken for unknown because of it', async () => {
    await makeMachine(database, 'nested');
    const child = (parent: string, stateMachineId = 'nested') =>
      startChild(database.pool, {
        parent: { executionId: parent, frameId: 0, key: newId() },
        stateMachineId,
        name: newId(),
        input: '{}',
        notify: false,
        depthMax: 3,
      });
    let at = await putExecution(database, {});
    for (let depth = 1; depth <= 3; depth++) {
      const answer = await child(at);
      if (answer.kind !== 'started') throw new Error(answer.kind);
      at = answer.child.executionId;
      expect(await row(at)).toMatchObject({ depth });
    }
    expect(await child(at)).toEqual({ kind: 'tooDeep' });
    expect(await child(await putExecution(database, {}), 'none')).toEqual({ kind: 'unknownMachine' });
  });
});
