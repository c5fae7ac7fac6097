import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '../../src/main/embedded-postgres.js';
import { prepareTemplate } from './database.js';
import { startRedisServer } from './redis-server.js';

/**
 * Before all tests: one real PostgreSQL with a migrated template database, and one real Redis. The tests find
 * them in TEST_DATABASE_ADMIN_URL and TEST_REDIS_URL.
 */
export async function startEnvironment(): Promise<void> {
  try {
    await Promise.all([startPostgres(), findRedis()]);
  } catch (error) {
    await stopEnvironment(); // Jest does not, after a set-up that failed
    throw error;
  }
}

/** After all tests: clears away what was started, newest first, all of it even when something fails. */
export async function stopEnvironment(): Promise<void> {
  const failures: unknown[] = [];
  for (const clear of duties.splice(0).reverse()) await clear().catch((error) => failures.push(error));
  if (failures.length > 0) throw new AggregateError(failures, 'the test set-up could not be cleared away');
}

const duties: (() => Promise<void>)[] = [];

async function startPostgres(): Promise<void> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'escapement-postgres-'));
  duties.push(() => rm(dataDir, { recursive: true, force: true }));
  const postgres = await startEmbeddedPostgres({
    dataDir,
    scratchDir: dataDir,
    // No test pulls the plug, so nothing has to reach the disk.
    settings: { fsync: 'off', full_page_writes: 'off', max_wal_size: '256MB' },
  });
  duties.push(() => postgres.stop());
  process.env['TEST_DATABASE_ADMIN_URL'] = postgres.url;
  await prepareTemplate();
}

async function findRedis(): Promise<void> {
  let url = process.env['REDIS_URL'];
  if (url === undefined || url === '') {
    const redis = await startRedisServer();
    duties.push(() => redis.stop());
    url = redis.url;
  }
  process.env['TEST_REDIS_URL'] = url;
}
