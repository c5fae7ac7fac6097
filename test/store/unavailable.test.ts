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

  test('and ends a session in the breath in which it lets it in ends nothing else', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.end(Buffer.concat([AUTHENTICATED, READY, SHUTTING_DOWN])));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 1;
    const leaving = connectDatabase({
      url: `postgresql://x:y@127.0.0.1:${port}/z`,
      poolSize: 1,
      log: silent,
    });
    // Its error comes before who is waiting for the session can listen to it: nobody else may be asked to.
    const session = await leaving.pool.connect();
    expect(isUnavailable(await errorOf(session.query('SELECT 1')))).toBe(true);
    session.release(true);
    await leaving.close();
    server.close();
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

/** Messages of the server: https://www.postgresql.org/docs/current/protocol-message-formats.html */
function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const AUTHENTICATED = message('R', Buffer.alloc(4));
const READY = message('Z', Buffer.from('I'));
const SHUTTING_DOWN = message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection\0\0'));
