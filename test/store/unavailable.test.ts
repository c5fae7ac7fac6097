import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectDatabase, type Database, isUnavailable } from '../../src/store/index.js';
import { openStore, silent } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, close } = await openStore());
});

afterAll(() => close());

async function errorOf(asking: Promise<unknown>): Promise<unknown> {
  return asking.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a database that is down', () => {
  test('is recognised when nothing listens, by the pool and by Prisma', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    server.close();
    const port = typeof address === 'object' && address !== null ? address.port : 1;
    const nowhere = connectDatabase({
      url: `postgresql://x:y@127.0.0.1:${port}/z`,
      poolSize: 1,
      log: silent,
    });
    expect(isUnavailable(await errorOf(nowhere.pool.query('SELECT 1')))).toBe(true);
    expect(isUnavailable(await errorOf(nowhere.prisma.queue.findMany()))).toBe(true);
    expect(isUnavailable(await errorOf(nowhere.prisma.$queryRaw`SELECT 1`))).toBe(true);
    await nowhere.close();
  });

  test('is recognised when a session is ended under a statement, by the pool and by Prisma', async () => {
    for (const ask of [
      () => database.pool.query('SELECT pg_terminate_backend(pg_backend_pid())'),
      () => database.prisma.$queryRaw`SELECT pg_terminate_backend(pg_backend_pid())`,
      () => database.prisma.$transaction((tx) => tx.$queryRaw`SELECT pg_terminate_backend(pg_backend_pid())`),
    ]) {
      expect(isUnavailable(await errorOf(ask()))).toBe(true);
    }
    expect((await database.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  test('is recognised when no connection of the pool comes free', async () => {
    const { url } = database;
    const small = connectDatabase({ url, poolSize: 1, log: silent });
    const client = await small.pool.connect();
    try {
      expect(isUnavailable(await errorOf(small.pool.query('SELECT 1')))).toBe(true);
    } finally {
      client.release();
      await small.close();
    }
  });

  test('is not blamed for what is wrong with a statement', async () => {
    expect(isUnavailable(await errorOf(database.pool.query('SELEKT')))).toBe(false);
    expect(isUnavailable(await errorOf(database.pool.query('SELECT 1/0')))).toBe(false);
    expect(
      isUnavailable(await errorOf(database.prisma.queue.findUniqueOrThrow({ where: { name: 'none' } }))),
    ).toBe(false);
    expect(isUnavailable(new Error('anything else'))).toBe(false);
    expect(isUnavailable(undefined)).toBe(false);
  });
});
