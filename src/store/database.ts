/**
 * The connection to PostgreSQL: one pool, used by the hot statements directly and by Prisma for the rest.
 */
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from './generated/client.js';

export interface Database {
  pool: pg.Pool;
  prisma: PrismaClient;
  /** Where it is connected to: for a session of one's own (listening). Holds the password. */
  url: string;
  /** Waits for running statements and ends all sessions. */
  close(): Promise<void>;
}

/** What the store says to the log. */
export interface StoreLog {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
}

export interface DatabaseOptions {
  url: string;
  /** The most sessions at once. */
  poolSize: number;
  log: StoreLog;
  /** As it shows in pg_stat_activity. */
  applicationName?: string;
  /** How long the server may work on one statement, in ms. */
  statementTimeoutMs?: number;
}

/**
 * Makes the pool. It connects when first used, so a database that is down is no error yet; whatever is
 * asked of it then rejects, within CONNECT_MS, with an error that `isUnavailable` knows.
 */
export function connectDatabase(options: DatabaseOptions): Database {
  const { url, poolSize, log, applicationName = 'escapement', statementTimeoutMs = STATEMENT_MS } = options;
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_MS,
    idleTimeoutMillis: IDLE_MS,
    statement_timeout: statementTimeoutMs,
    // The client's own clock, for a server that is gone without a word: later than the server's.
    query_timeout: statementTimeoutMs + CONNECT_MS,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    keepAlive: true,
  });
  reportBreaks(pool, log, 'an idle database session broke');
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool),
    errorFormat: 'minimal',
    transactionOptions: { maxWait: CONNECT_MS, timeout: statementTimeoutMs },
  });
  return {
    pool,
    prisma,
    url,
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

/**
 * Sessions for the hot statements alone: claims, flushes, tails. They are prepared once and keep their plans,
 * so the plans must be right for a table of any size: by the primary key. On a young database, until
 * autovacuum first looks at it, the planner would rather read the whole table, and keep to that.
 */
export function openHot(url: string, log: StoreLog): pg.Pool {
  const hot = new pg.Pool({
    connectionString: url,
    max: HOT_SESSIONS,
    application_name: 'escapement hot',
    options: '-c enable_seqscan=off -c plan_cache_mode=force_generic_plan',
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: STATEMENT_MS + CONNECT_MS,
    idleTimeoutMillis: 0,
    keepAlive: true,
  });
  reportBreaks(hot, log, 'a hot session broke');
  return hot;
}

/** A flush, a claim and a tail may be on their way at once. */
const HOT_SESSIONS = 3;

/** One session beside the pool, for what must not wait behind other statements: the heartbeat. */
export function openSolo(url: string, log: StoreLog): pg.Pool {
  const solo = new pg.Pool({
    connectionString: url,
    max: 1,
    application_name: 'escapement heartbeat',
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: CONNECT_MS,
    query_timeout: 2 * CONNECT_MS,
    idleTimeoutMillis: 0,
    keepAlive: true,
  });
  reportBreaks(solo, log, "the heartbeat's session broke");
  return solo;
}

/**
 * An idle session that breaks is replaced by the pool; without a listener it would end the process. Once the
 * pool is being ended it is no news: `end` does not wait until the server has heard of it, so a server that
 * stops right after cuts some of them off. The error carries the whole session with it, so only what it says is told.
 */
function reportBreaks(pool: pg.Pool, log: StoreLog, message: string): void {
  // The pool's own listener is off from the moment in which a session is lent. If the server ends it in the same breath in
  // which it let it in, that is before whoever asked for it could listen.
  pool.on('connect', (session) => session.on('error', alreadyTold));
  pool.on('error', (error) => {
    if (!pool.ending) log.warn({ error: error.message }, message);
  });
}

/** Whoever uses the session hears of it from its statement, and the pool when nobody does. */
function alreadyTold(): void {
  // Nothing is left to be done.
}

/** For a connection, or for a free one of the pool: longer and a caller is better told to try again. */
const CONNECT_MS = 5_000;

/** Sessions beyond the usual load are given back after this. */
const IDLE_MS = 30_000;

/** No statement of ours works on more than a page or a flush; only statistics scan, and 30 s are millions of rows. */
const STATEMENT_MS = 30_000;
