import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createEndings, type Database, type Endings, newId } from '../../src/store/index.js';
import { openStore, putExecution, silent } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;
let endings: Endings;

beforeAll(async () => {
  ({ database, close } = await openStore());
});

afterAll(() => close());

beforeEach(() => {
  endings = createEndings(database, silent);
});

afterEach(() => endings.close());

async function timed(waiting: Promise<void>): Promise<number> {
  const start = performance.now();
  await waiting;
  return performance.now() - start;
}

const end = (id: string, told: boolean): Promise<unknown> =>
  database.pool.query(
    `WITH e AS (UPDATE executions SET end_time = now(), status = 'SUCCEEDED' WHERE id = $1 RETURNING id)
     SELECT CASE WHEN $2 THEN pg_notify('escapement_ended', id::text) END FROM e`,
    [id, told],
  );

describe('waiting for an end', () => {
  test('is over as soon as the end is told', async () => {
    const [first, second] = [await putExecution(database, {}), await putExecution(database, {})];
    const other = endings.waitForEnd(second, 20_000);
    await new Promise((resolve) => setTimeout(resolve, 300)); // the session listens by now
    const waiting = timed(endings.waitForEnd(first, 20_000));
    setTimeout(() => void end(first, true), 100);
    const ms = await waiting;
    expect(ms).toBeGreaterThan(80);
    expect(ms).toBeLessThan(900);
    await end(second, true);
    await other;
  });

  test('is over soon after the end even if nobody tells', async () => {
    const id = await putExecution(database, {});
    const waiting = timed(endings.waitForEnd(id, 20_000));
    setTimeout(() => void end(id, false), 100);
    expect(await waiting).toBeLessThan(3_000);
  });

  test('is over at once for what has ended', async () => {
    const id = await putExecution(database, { end_time: new Date() });
    expect(await timed(endings.waitForEnd(id, 20_000))).toBeLessThan(900);
  });

  test('is over when the time is, or when who waits has gone', async () => {
    const id = await putExecution(database, {});
    const ms = await timed(endings.waitForEnd(id, 300));
    expect(ms).toBeGreaterThan(250);
    expect(ms).toBeLessThan(1_500);
    expect(await timed(endings.waitForEnd(id, 20_000, AbortSignal.abort()))).toBeLessThan(100);
    expect(await timed(endings.waitForEnd(id, 20_000, AbortSignal.timeout(100)))).toBeLessThan(1_500);
  });

  test('survives the loss of the session that listens', async () => {
    const ids = [newId(), await putExecution(database, {})];
    const waiting = timed(Promise.race(ids.map((id) => endings.waitForEnd(id, 20_000))));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await database.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
    );
    await end(ids[1] ?? '', false);
    expect(await waiting).toBeLessThan(5_000);
  });

  test('ends with the process that waits', async () => {
    const id = await putExecution(database, {});
    const waiting = timed(endings.waitForEnd(id, 20_000));
    await endings.close();
    expect(await waiting).toBeLessThan(2_000);
  });
});
