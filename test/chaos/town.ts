/** The town: two APIs and three workers with a database, a Redis and a ledger, each process behind proxies of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type RedisServer, startRedisServer } from '../setup/redis-server.js';
import { prepareLedger } from './ledger.js';
import { readMachines, type TownMachine } from './machines.js';
import { type Kind, type Member, startMember } from './member.js';
import { type PostgresServer, startPostgresServer } from './servers.js';

export interface Town {
  postgres: PostgresServer;
  redis: RedisServer;
  /** The harness's own way into the database; it breaks when the server does, and comes back with it. */
  database: pg.Pool;
  ledger: pg.Pool;
  apis: readonly Member[];
  workers: readonly Member[];
  members: readonly Member[];
  machines: readonly TownMachine[];
  leaseMs: number;
  /** The URL of one of the APIs that listen; waits for one. */
  someApi(): Promise<string>;
  /** Takes back whatever a fault has done to servers and networks, and waits until every process is ready. */
  heal(): Promise<void>;
  stop(): Promise<void>;
}

export interface TownOptions {
  leaseSeconds: number;
  sweepSeconds: number;
  /** More settings for every process. */
  env?: Readonly<Record<string, string>>;
  /** Gets whatever the processes write. */
  onLine: (name: string, line: string) => void;
}

const HANDLERS = fileURLToPath(new URL('handlers.js', import.meta.url));

/** Few enough that a fault can take them all. */
export const MAX_CONNECTIONS = 100;

/** Starts all of it and makes the machines. Takes some seconds. */
export async function startTown(options: TownOptions): Promise<Town> {
  const duties: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const duty of duties.splice(0).reverse()) await duty();
  };
  try {
    return await build(options, duties, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  options: TownOptions,
  duties: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Town> {
  const postgres = await startPostgresServer({ max_connections: String(MAX_CONNECTIONS) });
  duties.push(() => postgres.stop());
  const books = await startPostgresServer({ fsync: 'off' });
  duties.push(() => books.stop());
  const redis = await startRedisServer();
  duties.push(() => redis.stop());
  const database = openPool(postgres.url, 'chaos');
  duties.push(() => database.end());
  const ledger = openPool(books.url, 'chaos');
  duties.push(() => ledger.end());
  await prepareLedger(ledger);

  const start = async (kind: Kind, n: number): Promise<Member> => {
    const member = await startMember({
      kind,
      name: `${kind}-${n}`,
      database: new URL(postgres.url),
      redis: new URL(redis.url),
      env: {
        HANDLERS,
        LEDGER_URL: books.url,
        WORKER_LEASE_SECONDS: String(options.leaseSeconds),
        SWEEP_SECONDS: String(options.sweepSeconds),
        CONCURRENCY: '100',
        LOG_LEVEL: 'info',
        ...options.env,
      },
      onLine: options.onLine,
    });
    duties.push(() => member.stop());
    return member;
  };
  const apis = [await start('api', 1), await start('api', 2)];
  const workers = [await start('worker', 1), await start('worker', 2), await start('worker', 3)];
  const members = [...apis, ...workers];
  await Promise.all(members.map((member) => member.ready()));

  const someApi = async (): Promise<string> => {
    for (;;) {
      const open = apis.flatMap(({ url }) => url ?? []);
      const url = open[Math.floor(Math.random() * open.length)];
      if (url !== undefined) return url;
      await sleep(50);
    }
  };
  const machines = await readMachines();
  for (const { id, definition } of machines) await makeMachine(await someApi(), id, definition);

  return {
    postgres,
    redis,
    database,
    ledger,
    apis,
    workers,
    members,
    machines,
    leaseMs: options.leaseSeconds * 1000,
    someApi,
    heal: async () => {
      for (const { toDatabase, toRedis } of members) {
        toDatabase.heal();
        toRedis.heal();
      }
      await Promise.all(members.map((member) => member.ready()));
    },
    // What was started together may be ended together; the servers go last.
    stop: async () => {
      await Promise.all(members.map((member) => member.stop()));
      await stop();
    },
  };
}

async function makeMachine(api: string, id: string, definition: unknown): Promise<void> {
  const response = await fetch(`${api}/state-machines`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id, name: id, definition }),
  });
  if (response.status !== 201) throw new Error(`${id} was not made: ${await response.text()}`);
}

function openPool(url: string, name: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: 4,
    application_name: name,
    connectionTimeoutMillis: 5_000,
  });
  pool.on('error', () => undefined); // faults cut it off
  return pool;
}
