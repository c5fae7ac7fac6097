/** The service as it is run: separate processes, spoken to over HTTP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { guardAgainstOrphaning } from '../../src/main/orphan-guard.js';
import { createDatabase, type TestDatabase } from '../setup/database.js';
import { type RedisServer, startRedisServer } from '../setup/redis-server.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HANDLERS = fileURLToPath(new URL('ledger-handlers.js', import.meta.url));

export interface Process {
  child: ChildProcess;
  /** What it has logged, parsed. */
  lines: Record<string, unknown>[];
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface Api extends Process {
  url: string;
}

export interface Service {
  url: string;
  redis: RedisServer;
  pool: pg.Pool;
  workers: Process[];
  startWorker(env?: Record<string, string>): Promise<Process>;
  /** The one that `url` names, and those that were started beside it. */
  apis: Api[];
  startApi(env?: Record<string, string>): Promise<Api>;
  /** Answers status and body; never throws for a status. */
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Answer }>;
  stop(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: an answer's shape is what the tests look at.
export type Answer = any;

/** An API and some workers on a database and a Redis of their own. */
export async function startService(options: {
  workers: number;
  env?: Record<string, string>;
  /** Absent: a migrated one. */
  database?: TestDatabase;
}): Promise<Service> {
  const database = options.database ?? (await createDatabase());
  const redis = await startRedisServer();
  const pool = new pg.Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => undefined);
  await pool.query(
    'CREATE TABLE ledger (key text, execution_id uuid, state_name text, attempt int, pid int, at timestamptz DEFAULT now())',
  );
  const env = {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    PORT: '0',
    HANDLERS,
    WORKER_LEASE_SECONDS: '3',
    SWEEP_SECONDS: '1',
    LOG_LEVEL: 'info',
    ...options.env,
  };
  const processes: Process[] = [];
  const start = async (name: 'api' | 'worker', more: Record<string, string> = {}): Promise<Process> => {
    const started = await startProcess(name, { ...env, ...more });
    processes.push(started);
    return started;
  };
  const apis: Api[] = [];
  const startApi = async (more: Record<string, string> = {}): Promise<Api> => {
    const started = await start('api', more);
    const url = String(started.lines.find((line) => line['url'] !== undefined)?.['url']);
    const api = { ...started, url };
    apis.push(api);
    return api;
  };
  const { url } = await startApi();
  const workers: Process[] = [];
  const startWorker = async (more: Record<string, string> = {}): Promise<Process> => {
    const worker = await start('worker', more);
    workers.push(worker);
    return worker;
  };
  for (let n = 0; n < options.workers; n++) await startWorker();
  return {
    url,
    redis,
    pool,
    workers,
    startWorker,
    apis,
    startApi,
    call: async (method, path, body) => {
      const response = await fetch(`${url}${path}`, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as Answer) };
    },
    stop: async () => {
      await Promise.all(processes.map((one) => one.kill('SIGTERM')));
      await pool.end();
      await redis.stop();
      await database.drop();
    },
  };
}

async function startProcess(name: 'api' | 'worker', env: Record<string, string>): Promise<Process> {
  const child = spawn(process.execPath, [`dist/main/${name}.js`], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  guardAgainstOrphaning(child);
  const lines: Record<string, unknown>[] = [];
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (text) => {
      const line = JSON.parse(text) as Record<string, unknown>;
      lines.push(line);
      if (line['msg'] === 'the API listens' || line['msg'] === 'the worker takes work') resolve();
    });
    child.once('exit', (code) => reject(new Error(`the ${name} ended with ${code}: ${errors}`)));
  });
  await ready;
  return {
    child,
    lines,
    kill: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, 'exit');
    },
  };
}

/** Asks until the answer fits, or says what the last one was. */
export async function until<T>(
  ask: () => Promise<T>,
  fits: (answer: T) => boolean,
  withinMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (Date.now() > deadline)
      throw new Error(`still not, after ${withinMs} ms: ${JSON.stringify(answer)?.slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
