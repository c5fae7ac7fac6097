import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Json } from '../../src/std/json.js';
import type { BenchOptions } from '../options.js';
import { type Process, startProcess } from '../processes.js';
import type { Servers } from '../servers.js';

/** Escapement as it is run: an API process and worker processes, on a database of its own. */
export interface Service {
  url: string;
  /** For looking whether all is as it should be; not for the work. */
  pool: pg.Pool;
  /** Asks the API. @throws Error for a status that is not 2xx. */
  call<T>(method: string, path: string, body?: Json): Promise<T>;
  /** Of its processes. */
  pids: readonly number[];
  createMachine(id: string, definition: Json): Promise<void>;
}

export interface ServiceShape {
  /** 'embedded': the API and one worker in one process, with the queue in PostgreSQL. */
  workers: number | 'embedded';
}

export interface Bench {
  servers: Servers;
  options: BenchOptions;
}

/** Starts a service, lets it be used, and stops it whatever happens. */
export async function withService<T>(
  { servers, options }: Bench,
  { workers }: ServiceShape,
  use: (service: Service) => Promise<T>,
): Promise<T> {
  const databaseUrl = await servers.freshDatabase();
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  const env = {
    DATABASE_URL: databaseUrl,
    ...(workers !== 'embedded' && { REDIS_URL: servers.redisUrl }),
    QUEUE_PREFIX: `bench-${randomUUID().slice(0, 8)}`,
    PORT: '0',
    ...options.env,
  };
  const profiling =
    options.cpuProfiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.cpuProfiles}`];
  const processes: Process[] = [];
  const start = (name: 'api' | 'worker' | 'embedded'): Process => {
    const started = startProcess(`dist/main/${name}.js`, env, profiling);
    processes.push(started);
    return started;
  };
  try {
    const front = start(workers === 'embedded' ? 'embedded' : 'api');
    const { url } = await front.said(workers === 'embedded' ? 'Escapement is up' : 'the API listens');
    const behind = workers === 'embedded' ? [] : Array.from({ length: workers }, () => start('worker'));
    await Promise.all(behind.map((one) => one.said('the worker takes work')));
    return await use(
      serviceAt(
        String(url),
        pool,
        processes.map(({ pid }) => pid),
      ),
    );
  } finally {
    await Promise.all(processes.map((one) => one.stop()));
    await pool.end();
  }
}

function serviceAt(url: string, pool: pg.Pool, pids: readonly number[]): Service {
  const call = async <T>(method: string, path: string, body?: Json): Promise<T> => {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  };
  return {
    url,
    pool,
    pids,
    call,
    createMachine: async (id, definition) => {
      await call('POST', '/state-machines', { id, name: id, definition });
    },
  };
}
