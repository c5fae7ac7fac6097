import { cpus, totalmem } from 'node:os';
import { Redis } from 'ioredis';
import type pg from 'pg';

/** Where the figures come from: a line each, for whoever compares them with others. */
export async function describeMachine(pool: pg.Pool, redisUrl: string): Promise<string[]> {
  const cores = cpus();
  return [
    `${cores.length} cores (${cores[0]?.model.trim() ?? 'unknown'}), ${(totalmem() / 2 ** 30).toFixed(0)} GB; ` +
      'the load, our processes, PostgreSQL and Redis share them',
    `Node ${process.versions.node}, PostgreSQL ${await setting(pool, 'server_version')}, Redis ${await redisFacts(redisUrl)}`,
    `PostgreSQL: ${await settings(pool)}`,
  ];
}

/** What decides how durable and how fast a commit is. */
const SETTINGS = ['fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size'];

async function settings(pool: pg.Pool): Promise<string> {
  const pairs = await Promise.all(SETTINGS.map(async (name) => `${name} = ${await setting(pool, name)}`));
  return pairs.join(', ');
}

async function setting(pool: pg.Pool, name: string): Promise<string> {
  const { rows } = await pool.query<{ value: string }>('SELECT current_setting($1) AS value', [name]);
  return rows[0]?.value ?? 'unknown';
}

async function redisFacts(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown';
    const [appendOnly, appendSync] = await Promise.all(
      ['appendonly', 'appendfsync'].map(async (name) => configured(await redis.config('GET', name), name)),
    );
    return `${version} (appendonly ${appendOnly}, appendfsync ${appendSync})`;
  } finally {
    redis.disconnect();
  }
}

/** RESP3 answers a map, RESP2 a flat list. */
function configured(answer: unknown, name: string): string {
  if (Array.isArray(answer)) return String(answer[1]);
  if (typeof answer === 'object' && answer !== null && name in answer) {
    return String(Object.entries(answer).find(([key]) => key === name)?.[1]);
  }
  return 'unknown';
}
