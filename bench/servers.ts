import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/main/embedded-postgres.js';
import { migrate } from '../src/store/index.js';
import { startRedisServer } from '../test/setup/redis-server.js';
import { type CpuClock, createCpuClock } from './cpu.js';

/** The PostgreSQL and the Redis of one bench, with nobody else on them. */
export interface Servers {
  admin: pg.Pool;
  redisUrl: string;
  cpu: CpuClock;
  /** A migrated database that nothing was done in. All go with the server. */
  freshDatabase(): Promise<string>;
  stop(): Promise<void>;
}

/** Durable, both of them: fsync and synchronous commits there, an append-only file here. */
export async function startServers(options: { statements: boolean }): Promise<Servers> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'escapement-bench-'));
  const postgres = await startEmbeddedPostgres({
    dataDir,
    scratchDir: dataDir,
    settings: {
      fsync: 'on',
      synchronous_commit: 'on',
      ...(options.statements && {
        shared_preload_libraries: 'pg_stat_statements',
        'pg_stat_statements.track_planning': 'on',
      }),
    },
  });
  const redis = await startRedisServer();
  const admin = new pg.Pool({ connectionString: postgres.url, max: 2 });
  admin.on('error', () => undefined); // it breaks when the server stops
  if (options.statements) await admin.query('CREATE EXTENSION pg_stat_statements');
  const asking = new Redis(redis.url);
  const cpu = await createCpuClock(admin, asking);
  let databases = 0;
  return {
    admin,
    redisUrl: redis.url,
    cpu,
    freshDatabase: async () => {
      const name = `bench_${++databases}`;
      await admin.query(`CREATE DATABASE ${name}`);
      const url = new URL(postgres.url);
      url.pathname = `/${name}`;
      await migrate(url.href);
      return url.href;
    },
    stop: async () => {
      asking.disconnect();
      await admin.end();
      await Promise.all([redis.stop(), postgres.stop()]);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
