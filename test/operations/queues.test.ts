import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHealthOperations } from '../../src/operations/health.js';
import type { QueueOperations } from '../../src/operations/index.js';
import { createQueueOperations } from '../../src/operations/queues.js';
import { connectDatabase, createEndings, newId } from '../../src/store/index.js';
import { putExecution, silent } from '../store/fixtures.js';
import { type House, openHouse, refusalOf } from './fixtures.js';

let house: House;
let queues: QueueOperations;

beforeAll(async () => {
  house = await openHouse();
  queues = createQueueOperations(house.deps);
});

afterAll(() => house.close());

async function putLetter(
  columns: Record<string, unknown> = {},
): Promise<{ id: string; executionId: string }> {
  const executionId = await putExecution(house.deps.database, { queue: 'low', wake_at: null, ...columns });
  const id = newId();
  await house.deps.database.prisma.deadLetter.create({
    data: {
      id,
      queue: 'low',
      executionId,
      error: 'the journal could not be read',
      attempts: 5,
      failedAt: new Date(),
    },
  });
  return { id, executionId };
}

describe('queues', () => {
  test('answer all who ask at once with one look', async () => {
    let looks = 0;
    const { database } = house.deps;
    const pool = Object.assign(Object.create(database.pool), {
      query: (...args: [string]) => {
        if (args[0].includes('FROM queues')) looks++;
        return database.pool.query(...args);
      },
    });
    const watched = createQueueOperations({ ...house.deps, database: { ...database, pool } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => watched.stats()));
    expect(looks).toBe(1);
    expect(answers[19]?.queues.map(({ name }) => name)).toEqual(['critical', 'default', 'low']);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await watched.stats();
    expect(looks).toBe(2);
  });

  test('that do not exist have no dead letters', async () => {
    for (const name of ['none', '', '\0']) {
      expect(await refusalOf(queues.deadLetters(name))).toMatchObject({
        code: 'QUEUE_NOT_FOUND',
        statusCode: 404,
      });
    }
    for (const id of ['x', '\0', newId()]) {
      for (const ask of [queues.deadLetter, queues.retryDeadLetter, queues.dropDeadLetter]) {
        expect(await refusalOf(ask('low', id))).toMatchObject({
          code: 'DEAD_LETTER_NOT_FOUND',
          statusCode: 404,
        });
      }
    }
  });
});

describe('a dead letter', () => {
  test('is shown, and rings when it is retried', async () => {
    const { id, executionId } = await putLetter();
    expect(await queues.deadLetter('low', id)).toMatchObject({ id, executionId, queue: 'low', attempts: 5 });
    expect((await queues.deadLetters('low')).items.map((letter) => letter.id)).toEqual([id]);
    expect(await queues.retryDeadLetter('low', id)).toMatchObject({ id });
    expect(house.rung).toContain(`low ${executionId}`);
    expect(await refusalOf(queues.retryDeadLetter('low', id))).toMatchObject({
      code: 'DEAD_LETTER_NOT_FOUND',
    });
    expect((await queues.deadLetters('low')).items).toEqual([]);
  });

  test('that is dropped leaves no execution behind that runs for ever', async () => {
    const { id, executionId } = await putLetter();
    await queues.dropDeadLetter('low', id);
    const { rows } = await house.deps.database.pool.query(
      'SELECT status, error, cause, end_time FROM executions WHERE id = $1',
      [executionId],
    );
    expect(rows).toEqual([
      {
        status: 'ABORTED',
        error: 'DeadLetterDropped',
        cause: 'the journal could not be read',
        end_time: expect.any(Date),
      },
    ]);
    expect(await refusalOf(queues.deadLetter('low', id))).toMatchObject({ code: 'DEAD_LETTER_NOT_FOUND' });
  });

  test('whose execution a worker has taken again is stopped through the inbox', async () => {
    const { id, executionId } = await putLetter({ owner: newId(), wake_at: new Date() });
    await queues.dropDeadLetter('low', id);
    const { rows } = await house.deps.database.pool.query('SELECT kind FROM inbox WHERE execution_id = $1', [
      executionId,
    ]);
    expect(rows).toEqual([{ kind: 'stop' }]);
  });
});

describe('a database that is down', () => {
  test('is a refusal with the time to try again, and shows in the health', async () => {
    const database = connectDatabase({ url: 'postgresql://x:y@127.0.0.1:1/z', poolSize: 1, log: silent });
    const endings = createEndings(database, silent);
    const deps = { ...house.deps, database, endings };
    const down = createQueueOperations(deps);
    for (const ask of [() => down.stats(), () => down.deadLetters('low')]) {
      expect(await refusalOf(ask())).toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
        statusCode: 503,
        retryAfterSeconds: 2,
      });
    }
    expect(await createHealthOperations(deps).ready()).toEqual({
      ready: false,
      database: 'down',
      queue: 'up',
    });
    await endings.close();
    await database.close();
  });

  test('is told from a queue that is down', async () => {
    const health = createHealthOperations(house.deps);
    expect(await health.ready()).toEqual({ ready: true, database: 'up', queue: 'up' });
    house.queue.down = true;
    expect(await health.ready()).toEqual({ ready: true, database: 'up', queue: 'down' });
  });

  test('is told from a statement that takes too long', async () => {
    const { database } = house.deps;
    const slow = Object.assign(Object.create(database.pool), {
      query: async () => {
        const client = await database.pool.connect();
        try {
          await client.query('SET statement_timeout = 20');
          return await client.query('SELECT pg_sleep(5)');
        } finally {
          client.release(true);
        }
      },
    });
    const deps = { ...house.deps, database: { ...database, pool: slow } };
    expect(await refusalOf(createQueueOperations(deps).stats())).toMatchObject({
      code: 'OVERLOADED',
      statusCode: 503,
      retryAfterSeconds: 1,
    });
  });
});
