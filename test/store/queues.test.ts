import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type Database,
  deleteStateMachine,
  ensureQueues,
  findDeadLetter,
  listDeadLetters,
  listQueues,
  liveWorkers,
  newId,
  queueStats,
  registerWorker,
  reviveDeadLetter,
} from '../../src/store/index.js';
import { makeMachine, openStore, putExecution } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, close } = await openStore());
});

afterAll(() => close());

describe('queues', () => {
  test('that are built in are there after any number of starts, with the weights that were asked for', async () => {
    await Promise.all([
      ensureQueues(database, {}),
      ensureQueues(database, { low: 2, bulk: 4 }),
      ensureQueues(database, {}),
    ]);
    expect(await listQueues(database)).toEqual([
      { name: 'bulk', weight: 4, stateMachineId: null },
      { name: 'critical', weight: 6, stateMachineId: null },
      { name: 'default', weight: 3, stateMachineId: null },
      { name: 'low', weight: 2, stateMachineId: null },
    ]);
  });

  test('count what waits, what is under way and what is for later, from PostgreSQL', async () => {
    await makeMachine(database, 'counted');
    const base = { state_machine_id: 'counted', queue: 'counted' };
    const ago = (ms: number): Date => new Date(Date.now() - ms);
    await putExecution(database, { ...base, wake_at: ago(30_000) });
    await putExecution(database, { ...base, wake_at: ago(10_000) });
    await putExecution(database, { ...base, wake_at: ago(90_000), owner: newId() });
    await putExecution(database, { ...base, wake_at: ago(-60_000) });
    await putExecution(database, { ...base, wake_at: null }); // waits for something from outside
    await putExecution(database, { ...base, end_time: new Date(), status: 'SUCCEEDED' });
    await database.pool.query(
      `INSERT INTO queue_totals VALUES ('counted', $1, 5, 1), ('counted', $2, 7, 0)`,
      [newId(), newId()],
    );
    const stats = (await queueStats(database)).find(({ name }) => name === 'counted');
    expect(stats).toMatchObject({
      weight: 5,
      stateMachineId: 'counted',
      waiting: 2,
      active: 1,
      delayed: 1,
      completed: 12,
      failed: 1,
    });
    expect(stats?.oldestAgeSeconds).toBeGreaterThan(29);
    expect(stats?.oldestAgeSeconds).toBeLessThan(60);
    expect((await queueStats(database)).find(({ name }) => name === 'default')).toMatchObject({
      waiting: 0,
      oldestAgeSeconds: null,
    });
  });

  test('of a deleted machine are shown for as long as something is in them', async () => {
    await makeMachine(database, 'leaving');
    const id = await putExecution(database, { state_machine_id: 'leaving', queue: 'leaving' });
    await deleteStateMachine(database, 'leaving', { force: true });
    const shown = async (): Promise<boolean> =>
      (await queueStats(database)).some(({ name }) => name === 'leaving');
    expect(await shown()).toBe(true);
    await database.pool.query('UPDATE executions SET end_time = now() WHERE id = $1', [id]);
    expect(await shown()).toBe(false);
  });

  test('are worked by those whose lease has not run out', async () => {
    const [alive, dead] = [newId(), newId()];
    const hello = { host: 'h', pid: 1, queues: ['a', 'b'], concurrency: 9, leaseMs: 5_000 };
    await registerWorker(database.pool, { ...hello, workerId: alive });
    await registerWorker(database.pool, { ...hello, workerId: dead });
    await database.pool.query(`UPDATE workers SET running = '{"a": 3, "b": 4}' WHERE id = $1`, [alive]);
    await database.pool.query(`UPDATE workers SET heartbeat_at = now() - interval '6 s' WHERE id = $1`, [
      dead,
    ]);
    expect(await liveWorkers(database)).toEqual([
      {
        workerId: alive,
        host: 'h',
        pid: 1,
        queues: ['a', 'b'],
        concurrency: 9,
        running: 7,
        startedAt: expect.any(Date),
        heartbeatAt: expect.any(Date),
      },
    ]);
  });
});

describe('dead letters', () => {
  async function putLetter(
    columns: Record<string, unknown> = {},
  ): Promise<{ id: string; executionId: string }> {
    const executionId = await putExecution(database, {
      queue: 'default',
      wake_at: null,
      faults: 5,
      ...columns,
    });
    const id = newId();
    await database.prisma.deadLetter.create({
      data: { id, queue: 'default', executionId, error: 'oops', attempts: 5, failedAt: new Date() },
    });
    return { id, executionId };
  }

  test('are paged oldest first, without those whose execution has ended', async () => {
    const letters = [await putLetter(), await putLetter(), await putLetter()];
    const ended = await putLetter({ end_time: new Date(), status: 'ABORTED' });
    const page = await listDeadLetters(database, 'default', { limit: 2, cursor: undefined });
    const rest = await listDeadLetters(database, 'default', {
      limit: 2,
      cursor: page.nextCursor ?? undefined,
    });
    expect([...page.items, ...rest.items].map(({ id }) => id)).toEqual(letters.map(({ id }) => id));
    expect(rest.nextCursor).toBeNull();
    expect(await findDeadLetter(database, 'default', ended.id)).toBeUndefined();
    expect(await findDeadLetter(database, 'low', letters[0]?.id ?? '')).toBeUndefined();
    expect(await findDeadLetter(database, 'default', 'nonsense')).toBeUndefined();
  });

  test('that are retried leave, and their execution is runnable with its faults forgotten, once', async () => {
    const { id, executionId } = await putLetter();
    const answers = await Promise.all([
      reviveDeadLetter(database, 'default', id),
      reviveDeadLetter(database, 'default', id),
    ]);
    expect(answers.filter((letter) => letter !== undefined)).toMatchObject([
      { id, executionId, error: 'oops' },
    ]);
    const { rows } = await database.pool.query(
      'SELECT faults, wake_at <= now() AS due FROM executions WHERE id = $1',
      [executionId],
    );
    expect(rows).toEqual([{ faults: 0, due: true }]);
    expect(await findDeadLetter(database, 'default', id)).toBeUndefined();
  });
});
