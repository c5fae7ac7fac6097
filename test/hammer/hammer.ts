/**
 * The hammer: processes that steal executions from each other on one real PostgreSQL, while everything that can go wrong
 * between them does, all the time. Nobody looks whether it goes well until it is over: then the tables tell.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { connectDatabase, createStateMachine, type Database, reapWorkers } from '../../src/store/index.js';
import { type Breakage, reapFreeFirst } from './breakage.js';
import { type Crowd, gather, SESSIONS } from './crowd.js';
import { DEFINITION, MACHINE_ID } from './machine.js';
import { createOutside, type Outside } from './outside.js';
import { createLedgers, endDelays } from './tables.js';
import { judge, type Verdict } from './verdict.js';

export interface HammerOptions {
  /** A migrated database with nothing in it. */
  url: string;
  seconds: number;
  processes: number;
  breakage?: Breakage | undefined;
  say?: (line: string) => void;
}

/** How often what was done to the processes. */
export interface Blows {
  /** Workers declared dead while they were alive. */
  expired: number;
  backends: number;
  kills: number;
  freezes: number;
  pauses: number;
  redrives: number;
}

export interface Outcome extends Verdict {
  blows: Blows;
}

/** Far below what anybody would set, so that a process that is only slow is declared dead, too. */
const LEASE_MS = 1_000;
/** Executions under way at once, for each process. */
const ACTIVE = 12;
/** Enough that what is freed is taken at once: the sooner, the more likely before a late commit. */
const CONCURRENCY = 60;
/** Without faults what is left takes a few seconds; on a machine that does other things, some more. */
const DRAIN_MS = 60_000;
/** A broken fence may leave some that never end, which is a violation like another. */
const BROKEN_DRAIN_MS = 10_000;

const EXPIRE_EVERY_MS = 50;
const TERMINATE_EVERY_MS = 120;
const KILL_EVERY_MS = 4_000;
const FREEZE_EVERY_MS = 700;
const FREEZE_MS = { least: 200, more: 2_500 };

const silent = { info: () => undefined, warn: () => undefined };

export async function hammer(options: HammerOptions): Promise<Outcome> {
  const { url, seconds, processes, breakage, say = () => undefined } = options;
  const ledger = connectDatabase({ url, poolSize: 6, log: silent, applicationName: 'hammer ledger' });
  // Whose sessions are killed as those of the processes are.
  const outsiders = connectDatabase({ url, poolSize: 6, log: silent });
  try {
    await createLedgers(ledger.pool);
    await createMachine(ledger);
    const crowd = await gather(processes, {
      url,
      ledgerUrl: url,
      leaseMs: LEASE_MS,
      concurrency: CONCURRENCY,
      breakage,
    });
    try {
      say(`${processes} processes are at work`);
      const outside = createOutside(outsiders, ledger, processes * ACTIVE);
      const blows = await strike({ ledger, crowd, outside, seconds, breakage });
      say('no more faults; what is left is to end');
      await endDelays(ledger.pool);
      outside.calmDown();
      await drain(ledger, crowd, outside, breakage === undefined ? DRAIN_MS : BROKEN_DRAIN_MS);
      crowd.check();
      const verdict = await judge(ledger.pool, outside);
      return { ...verdict, blows: { ...blows, ...outside.counts } };
    } finally {
      await crowd.end();
    }
  } finally {
    await outsiders.close();
    await ledger.close();
  }
}

async function createMachine(database: Database): Promise<void> {
  const { kind } = await createStateMachine(database, {
    stateMachineId: MACHINE_ID,
    name: MACHINE_ID,
    description: null,
    type: 'STANDARD',
    queue: undefined,
    weight: 5,
    metadata: null,
    definition: DEFINITION,
  });
  if (kind !== 'created') throw new Error(`no machine to hammer: ${kind}`);
}

interface Battle {
  ledger: Database;
  crowd: Crowd;
  outside: Outside;
  seconds: number;
  breakage: Breakage | undefined;
}

/** All faults at once, each at its own pace, for so long. */
async function strike({
  ledger,
  crowd,
  outside,
  seconds,
  breakage,
}: Battle): Promise<Omit<Blows, 'pauses' | 'redrives'>> {
  const { pool } = ledger;
  const blows = { expired: 0, backends: 0, kills: 0, freezes: 0 };
  const untilMs = performance.now() + seconds * 1_000;
  const every = async (pauseMs: number, strikeOnce: () => Promise<unknown>): Promise<void> => {
    while (performance.now() < untilMs) {
      await strikeOnce();
      await sleep(pauseMs * (0.5 + Math.random()));
    }
  };
  const reap = breakage === 'free-first' ? reapFreeFirst : reapWorkers;
  await Promise.all([
    every(0, () => outside.round()),
    every(EXPIRE_EVERY_MS, async () => {
      const { rowCount } = await pool.query(EXPIRE_ONE);
      blows.expired += rowCount ?? 0;
      await reap(pool).catch(tolerateDeadlock);
    }),
    every(TERMINATE_EVERY_MS, async () => {
      const { rows } = await pool.query<{ n: number }>(TERMINATE_ONE);
      blows.backends += rows[0]?.n ?? 0;
    }),
    every(KILL_EVERY_MS, async () => {
      blows.kills++;
      await crowd.killOne();
    }),
    every(FREEZE_EVERY_MS, async () => {
      blows.freezes++;
      await crowd.freezeOne(FREEZE_MS.least + Math.random() * FREEZE_MS.more);
    }),
  ]);
  return blows;
}

/** One whose commit is on its way, and not there, if there is one: it is this one that a fence is for. Now and then any. */
const EXPIRE_ONE = `UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE id = (
  SELECT w.id FROM workers w LEFT JOIN pg_stat_activity a ON a.application_name = '${SESSIONS}' || w.pid
    AND a.wait_event = 'PgSleep' AND a.query LIKE '%INSERT INTO journal%'
  WHERE a.pid IS NOT NULL OR random() < 0.1 ORDER BY (a.pid IS NULL), random() LIMIT 1
)`;

/** In the middle of a statement, if any is at one. */
const TERMINATE_ONE = `SELECT count(pg_terminate_backend(pid))::int AS n FROM (
  SELECT pid FROM pg_stat_activity
  WHERE datname = current_database() AND (application_name LIKE '${SESSIONS}%' OR application_name LIKE 'escapement%')
  ORDER BY (state = 'active') DESC NULLS LAST, random() LIMIT 1
) one`;

/** Whoever it was that PostgreSQL chose, the next round reaps. */
function tolerateDeadlock(error: unknown): void {
  if (!(error instanceof pg.DatabaseError && error.code === '40P01')) throw error;
}

/** Until all have ended well, or the time is up: what is left then is a violation. */
async function drain({ pool }: Database, crowd: Crowd, outside: Outside, withinMs: number): Promise<void> {
  const untilMs = performance.now() + withinMs;
  while (performance.now() < untilMs) {
    crowd.check();
    await outside.round();
    const { rows } = await pool.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM executions WHERE status <> 'SUCCEEDED'",
    );
    if (rows[0]?.n === 0) return;
  }
}
