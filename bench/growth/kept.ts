import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type pg from 'pg';
import type { BenchOptions } from '../options.js';
import { withService } from '../ours/service.js';
import type { Servers } from '../servers.js';

const TABLES = ['executions', 'journal', 'inbox', 'batches', 'batch_chunks', 'queue_totals', 'workers'];
/** Batches of so many: as a service gets its work, rather than in one. */
const BATCH = 10_000;

interface TableSize {
  live: number;
  dead: number;
  bytes: number;
}

/** What is kept of many executions of one task each, in the database and in Redis. */
export async function measureKept(
  servers: Servers,
  options: BenchOptions,
  say: (text: string) => void,
): Promise<void> {
  const redis = new Redis(servers.redisUrl);
  await withService({ servers, options }, { workers: 2 }, async ({ call, createMachine, pool }) => {
    await createMachine('kept', {
      StartAt: 'A',
      States: { A: { Type: 'Task', Resource: 'noop', End: true } },
    });
    const before = await sizesOf(pool);
    const keysBefore = await facts(redis);
    const begunAt = performance.now();
    for (let from = 0; from < options.executions; from += BATCH) {
      const inputs = Array.from({ length: Math.min(BATCH, options.executions - from) }, (_, n) => from + n);
      const { batchId } = await call<{ batchId: string }>('POST', '/state-machines/kept/batch', {
        mode: 'distributed',
        inputs,
      });
      const over = async (): Promise<boolean> =>
        (await pool.query('SELECT 1 FROM batches WHERE id = $1 AND end_time IS NOT NULL', [batchId]))
          .rowCount === 1;
      while (!(await over())) await sleep(100);
    }
    const seconds = (performance.now() - begunAt) / 1000;
    say(
      `\n${options.executions.toLocaleString('en')} executions of one task, in ${seconds.toFixed(0)} s\n\n`,
    );
    await sleep(5_000);
    const after = await sizesOf(pool);
    say('| table | rows before | rows after | dead after | size before | size after | per execution |\n');
    say('|---|---:|---:|---:|---:|---:|---:|\n');
    for (const table of TABLES) {
      const [was, is] = [before.get(table), after.get(table)];
      if (was === undefined || is === undefined) continue;
      const each = (is.bytes - was.bytes) / options.executions;
      say(
        `| \`${table}\` | ${was.live} | ${is.live.toLocaleString('en')} | ${is.dead.toLocaleString('en')} | ${mb(was.bytes)} | ${mb(is.bytes)} | ${each.toFixed(0)} B |\n`,
      );
    }
    const keysAfter = await facts(redis);
    say(
      `\nRedis: ${keysBefore.keys} keys and ${mb(keysBefore.bytes)} before, ${keysAfter.keys} keys and ${mb(keysAfter.bytes)} after\n`,
    );
  });
  redis.disconnect();
}

async function sizesOf(pool: pg.Pool): Promise<Map<string, TableSize>> {
  const { rows } = await pool.query<TableSize & { name: string }>(
    `SELECT relname AS name, n_live_tup::float8 AS live, n_dead_tup::float8 AS dead, pg_total_relation_size(relid)::float8 AS bytes
     FROM pg_stat_user_tables WHERE relname = ANY($1)`,
    [TABLES],
  );
  return new Map(rows.map(({ name, ...size }) => [name, size]));
}

async function facts(redis: Redis): Promise<{ keys: number; bytes: number }> {
  const memory = await redis.info('memory');
  return { keys: await redis.dbsize(), bytes: Number(/used_memory:(\d+)/.exec(memory)?.[1]) };
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
