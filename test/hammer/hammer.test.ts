/** The hammer, for a few seconds (`npm run hammer` is the long one), and its hardest blow alone: a commit that comes late. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connectDatabase, createClaims, type Database, openHot, reapWorkers } from '../../src/store/index.js';
import { createJournalWriter } from '../../src/store/journal.js';
import { createDatabase, type TestDatabase } from '../setup/database.js';
import { checkpointOf, insertExecutions, insertWorker } from '../store/rows.js';
import { dropFence, reapFreeFirst } from './breakage.js';
import { hammer } from './hammer.js';

const silent = { info: () => undefined, warn: () => undefined };
/** Soon over: it counts from the start of the server at the earliest, in ms. */
const LEASE_MS = 100;
const ignore = (): void => undefined;

let testDatabase: TestDatabase;
beforeEach(async () => {
  testDatabase = await createDatabase();
});
afterEach(() => testDatabase.drop());

test('processes that steal from each other lose nothing, do nothing twice and leave nothing behind', async () => {
  const { counts, blows, violations } = await hammer({ url: testDatabase.url, seconds: 8, processes: 3 });
  expect(violations).toEqual([]);
  // There was something to be violated.
  for (const count of [counts.takeovers, counts.results, counts.acknowledged, blows.expired, blows.backends])
    expect(count).toBeGreaterThan(0);
}, 120_000);

describe('who takes an execution over while a commit of its last owner is late', () => {
  test('sees that commit', async () => {
    expect(await takeOver(reapWorkers)).toEqual({ read: 1, committed: 1 });
  });

  test('would miss it if the flush held no lock', async () => {
    const restore = dropFence();
    try {
      expect(await takeOver(reapWorkers)).toEqual({ read: 0, committed: 1 });
    } finally {
      restore();
    }
  });

  test('would miss it if the reaper freed before it deletes', async () => {
    expect(await takeOver(untilFreed)).toEqual({ read: 0, committed: 1 });
  });
});

/** The deletion waits for the flush, which is too late then. */
async function untilFreed(pool: Database['pool']): Promise<void> {
  void reapFreeFirst(pool);
  const freed = async (): Promise<boolean> =>
    (await pool.query('SELECT 1 FROM executions WHERE owner IS NULL')).rows.length > 0;
  while (!(await freed()));
}

const LATE = `
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON journal DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION late()`;

/** @returns the last checkpoint that the successor reads, and the last that there is in the end. */
async function takeOver(
  reap: (pool: Database['pool']) => Promise<unknown>,
): Promise<{ read: number; committed: number }> {
  const database = connectDatabase({ url: testDatabase.url, poolSize: 6, log: silent });
  const hot = openHot(testDatabase.url, silent);
  const { pool } = database;
  try {
    await pool.query(LATE);
    const [id = ''] = await insertExecutions(pool, 1);
    const claimsOf = (workerId: string) =>
      createClaims({ pool: hot, workerId, isActive: () => false, onLost: ignore, onFreed: ignore });
    const dead = await insertWorker(pool, LEASE_MS);
    expect(await claimsOf(dead).claim(id)).toMatchObject({ kind: 'claimed' });
    const options = { timeoutMs: 1_000, onBatchStopping: ignore, onTell: ignore, onLost: ignore };
    const late = createJournalWriter({ pool: hot, workerId: dead, ...options }).append(
      checkpointOf(id, 1, 1),
    );
    const sleeping = async (): Promise<boolean> =>
      (
        await pool.query(
          "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
        )
      ).rows.length > 0;
    while (!(await sleeping()));
    await pool.query("UPDATE workers SET heartbeat_at = now() - interval '1 hour'");
    await reap(pool);
    const successor = claimsOf(await insertWorker(pool));
    expect(await successor.claim(id)).toMatchObject({ kind: 'claimed', claimed: { epoch: 2 } });
    const { lastSeq } = await successor.readTail(id, 0);
    await late;
    const { rows } = await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM journal');
    return { read: lastSeq, committed: rows[0]?.n ?? 0 };
  } finally {
    await hot.end();
    await database.close();
  }
}
