/**
 * How soon what a killed worker was advancing goes on, with the settings that a worker has by default:
 * `node --import ./scripts/typescript.js bench/waiting/recovery.ts [kills] [executions]`, after `npm run build`.
 *
 * Three workers hold tasks; one of them is killed with SIGKILL at any moment between two heartbeats. For each task that
 * it held: from the kill to the moment in which another worker calls it again, by the database's clock.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readOptions } from '../options.js';
import { type Service, withService } from '../ours/service.js';
import { type Process, startProcess } from '../processes.js';
import { startServers } from '../servers.js';
import { median, percentile } from '../statistics.js';
import { say } from './process-facts.js';

const KILLS = Number(process.argv[2] ?? 24);
/** Held at any time, by all workers together. */
const HELD = Number(process.argv[3] ?? 60);
const WORKERS = 3;
/** Longer than the pause between two heartbeats and two sweeps, so that a kill falls anywhere in it. */
const KILL_WITHIN_MS = 4_000;
const LOOK_MS = 50;

interface Calls {
  pid: number;
  keys: string[];
}

const options = readOptions([]);
if (options === 'help') throw new Error('there are no options here');
const env = { HANDLERS: fileURLToPath(new URL('holding-handlers.js', import.meta.url)) };
const servers = await startServers(options);
try {
  const databaseUrl = await servers.freshDatabase();
  const settings = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: servers.redisUrl,
    QUEUE_PREFIX: 'recovery',
    ...env,
  };
  const bench = {
    servers: { ...servers, freshDatabase: async () => databaseUrl },
    options: { ...options, env: settings },
  };
  await withService(bench, { workers: 0 }, (service) => measure(service, () => startWorker(settings)));
} finally {
  await servers.stop();
}

async function startWorker(settings: Readonly<Record<string, string>>): Promise<Process> {
  const worker = startProcess('dist/main/worker.js', settings);
  await worker.said('the worker takes work');
  return worker;
}

async function measure(service: Service, startOne: () => Promise<Process>): Promise<void> {
  const { pool, call, createMachine } = service;
  await pool.query(
    'CREATE TABLE held (key text, execution_id uuid, pid int, at timestamptz DEFAULT clock_timestamp())',
  );
  await createMachine('held', {
    StartAt: 'Hold',
    States: { Hold: { Type: 'Task', Resource: 'hold', End: true } },
  });
  const workers = new Map<number, Process>();
  const add = async (): Promise<void> => {
    const worker = await startOne();
    workers.set(worker.pid, worker);
  };
  const begin = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await call('POST', '/state-machines/held/executions', { input: {} });
  };
  try {
    for (let n = 0; n < WORKERS; n++) await add();
    await begin(HELD);
    const waits: number[] = [];
    for (let kill = 1; kill <= KILLS; kill++) {
      const victims = await untilHeld(service, HELD);
      await sleep(Math.random() * KILL_WITHIN_MS);
      const victim = victims
        .filter(({ pid }) => workers.has(pid))
        .sort((a, b) => b.keys.length - a.keys.length)[0];
      if (victim === undefined) throw new Error('no worker holds anything');
      const killedAtMs = await databaseTime(service);
      process.kill(victim.pid, 'SIGKILL');
      workers.delete(victim.pid);
      const starting = add();
      const mine = await untilCalledAgain(service, victim.keys);
      waits.push(...mine.map((atMs) => atMs - killedAtMs));
      say(
        `kill ${kill}: ${mine.length} tasks, the first after ${seconds(Math.min(...mine) - killedAtMs)}, the last after ${seconds(Math.max(...mine) - killedAtMs)}`,
      );
      await starting;
      await begin(victim.keys.length);
    }
    say(
      `${KILLS} workers killed, ${waits.length} tasks: p50 ${seconds(median(waits))}, p99 ${seconds(percentile(waits, 0.99))}, ` +
        `at most ${seconds(Math.max(...waits))}`,
    );
  } finally {
    for (const worker of workers.values()) process.kill(worker.pid, 'SIGKILL');
  }
}

/** Waits until so many tasks have been called once, and not again. @returns who holds them. */
async function untilHeld({ pool }: Service, count: number): Promise<Calls[]> {
  for (;;) {
    const { rows } = await pool.query<Calls>(
      `SELECT pid, array_agg(key) AS keys FROM (
         SELECT key, min(pid) AS pid FROM held GROUP BY key HAVING count(*) = 1
       ) once GROUP BY pid`,
    );
    if (rows.reduce((sum, { keys }) => sum + keys.length, 0) >= count) return rows;
    await sleep(LOOK_MS);
  }
}

/** @returns the moments of the second calls, in ms since the epoch. */
async function untilCalledAgain({ pool }: Service, keys: readonly string[]): Promise<number[]> {
  for (;;) {
    const { rows } = await pool.query<{ ms: number }>(
      `SELECT (extract(epoch FROM max(at)) * 1000)::float8 AS ms FROM held
       WHERE key = ANY($1::text[]) GROUP BY key HAVING count(*) > 1`,
      [keys],
    );
    if (rows.length === keys.length) return rows.map(({ ms }) => ms);
    await sleep(LOOK_MS);
  }
}

async function databaseTime({ pool }: Service): Promise<number> {
  const { rows } = await pool.query<{ ms: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms',
  );
  return rows[0]?.ms ?? Number.NaN;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
