import {
  isPgPool,
  type PgPool,
  type PgQueryResult,
  PostgresConnection,
  type PostgresConnectionOptions,
  PostgresQueueBackend,
  runMigrations,
  withBackend,
} from 'bullmq';
import pg from 'pg';
import { type Backend, PATIENCE_MS, QueueUnavailable, within } from './backend.js';
import type { Outage } from './outage.js';

/**
 * BullMQ on PostgreSQL, in the schema `bullmq` of our own database. However many queues a process has, it
 * costs `POOL_SIZE` connections: BullMQ would open a pool and a listening connection for each queue and each
 * worker; here all of them share one of each.
 */
export function connectPostgres(url: string, outage: Outage): Backend {
  const pool = poolFor(url);
  pool.on('error', (error) => outage.failed(error));
  pool.on('connect', () => outage.recovered());

  let opening: Promise<void> | undefined;
  let shared: PostgresConnection | undefined;
  const open = (): Promise<void> => {
    // An attempt that failed is forgotten, so that the next caller tries anew.
    opening ??= openConnection(pool, outage).then(
      (connection) => {
        shared = connection;
      },
      (error) => {
        opening = undefined;
        outage.failed(error);
        throw new QueueUnavailable('the queue in PostgreSQL is unreachable', { cause: error });
      },
    );
    return opening;
  };
  const bullmq = withBackend<SharedBackend, PostgresConnectionOptions>((name, options) => {
    if (shared === undefined) throw new Error('reach comes first');
    return new SharedBackend(shared, name, options);
  });

  return {
    // The very first time it makes its tables, which takes longer than the patience of who rings.
    reach: () => (shared === undefined ? within(OPEN_MS, open()) : Promise.resolve()),
    async ping() {
      await within(PATIENCE_MS, pool.query('SELECT 1'));
    },
    openQueue: (name) => new bullmq.Queue(name, { connection: pool, streams: { events: { maxLen: 100 } } }),
    async oldest(name) {
      const { rows } = await pool.query<{ due: string | null }>(OLDEST, [name]);
      const due = rows[0]?.due;
      return due === null || due === undefined ? undefined : Number(due);
    },
    reachForWork: open,
    openWorker(name, options, work) {
      // A new job is notified, so that an idle worker need not look often: each look is three statements.
      const worker = new bullmq.Worker(name, work, { ...options, connection: pool, drainDelay: 30 });
      worker.on('error', (error) => outage.failed(error));
      return worker;
    },
    giveUpWaiting() {}, // a statement fails at once when the server is away
    async close() {
      outage.end();
      await shared?.close();
      await pool.end();
    },
  };
}

const SCHEMA = 'bullmq';
/** One listens; the others serve short statements. */
const POOL_SIZE = 6;
const OPEN_MS = 10_000;

// BullMQ's own range of waiting jobs always begins with the newest here. Two looks into partial indexes:
// job_ready_idx (queue, priority, seq) and job_active_idx, which has a handful of rows.
const OLDEST = `
  SELECT min(job.added_at_ms + coalesce((job.opts->>'delay')::bigint, 0)) AS due
    FROM (
      (SELECT added_at_ms, opts FROM job WHERE queue = $1 AND state = 'waiting' ORDER BY priority, seq LIMIT 1)
      UNION ALL
      (SELECT added_at_ms, opts FROM job WHERE queue = $1 AND state = 'active')
    ) AS job`;

function poolFor(url: string): PgPool {
  const opened = new pg.Pool({
    connectionString: url,
    // BullMQ's statements name its tables without a schema.
    options: `-c search_path=${SCHEMA}`,
    max: POOL_SIZE,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    application_name: 'escapement-queue',
  });
  // A session that breaks before whoever has borrowed it listens would end the process; its statements tell of it.
  opened.on('connect', (session) => session.on('error', () => undefined));
  const pool: unknown = opened;
  if (!isPgPool(pool)) throw new Error('BullMQ does not take this pool');
  return pool;
}

/** Makes or migrates BullMQ's tables, under its own advisory lock, and opens the connection that all share. */
async function openConnection(pool: PgPool, outage: Outage): Promise<PostgresConnection> {
  const client = await pool.connect();
  try {
    await runMigrations(client, SCHEMA);
  } finally {
    client.release();
  }
  const connection = new PostgresConnection(pool);
  connection.setMaxListeners(0); // every queue listens on it
  connection.on('error', (error) => outage.failed(error));
  await connection.waitUntilReady();
  const share = async (): Promise<void> => shareListener(await connection.getListenClient());
  connection.on('listenerinvalidated', () => share().catch((error) => outage.failed(error)));
  await share();
  return connection;
}

type Listener = Awaited<ReturnType<PostgresConnection['getListenClient']>>;

/** Makes a session fit for many workers: any number may listen on it, and one statement runs at a time. */
function shareListener(listener: Listener): void {
  if ('setMaxListeners' in listener && typeof listener.setMaxListeners === 'function') {
    listener.setMaxListeners(0);
  }
  const query = listener.query.bind(listener);
  let last: Promise<unknown> = Promise.resolve();
  listener.query = <R>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> => {
    const next = last.then(() => query<R>(text, params));
    last = next.catch(() => undefined); // whoever asked is told; the next one has its own turn
    return next;
  };
}

/** One queue's view of the shared connection: closing it takes its own listeners away and nothing else. */
class SharedBackend extends PostgresQueueBackend {
  readonly #listeners: (() => void)[] = [];

  constructor(
    connection: PostgresConnection,
    name: string,
    options: ConstructorParameters<typeof PostgresQueueBackend>[2],
  ) {
    const events = ['error', 'ready', 'close', 'listenerinvalidated'] as const;
    const before = new Map(events.map((event) => [event, connection.listeners(event)]));
    super(connection, name, options);
    for (const event of events) {
      for (const listener of connection.listeners(event)) {
        if (before.get(event)?.includes(listener)) continue;
        this.#listeners.push(() => connection.removeListener(event, listener as () => void));
      }
    }
  }

  override async close(): Promise<void> {
    this.closing ??= this.disconnectBlocking();
    await this.closing;
    for (const remove of this.#listeners.splice(0)) remove();
  }

  override disconnect(): Promise<void> {
    return this.close();
  }
}
