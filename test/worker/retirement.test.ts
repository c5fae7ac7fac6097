import { expect, test } from '@jest/globals';
import { readConfig } from '../../src/config.js';
import { startRetirement } from '../../src/worker/retirement.js';
import { eventually } from '../setup/eventually.js';
import { openStore, putExecution } from '../store/fixtures.js';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const HOURS = 3_600_000;

test('workers delete together what RETENTION_DAYS does not keep, and nothing else', async () => {
  const { database, close } = await openStore();
  const { retention } = readConfig({ RETENTION_DAYS: 'SUCCEEDED=0.5,FAILED=2' });
  const ended = (status: string, hours: number) =>
    putExecution(database, {
      id: `00000000-0000-7000-8000-${String(hours).padStart(12, '0')}`,
      status,
      end_time: new Date(Date.now() - hours * HOURS),
    });
  await ended('SUCCEEDED', 13);
  await ended('FAILED', 49);
  const kept = [await ended('SUCCEEDED', 11), await ended('FAILED', 47), await ended('ABORTED', 9999)];
  const workers = [1, 2].map(() => startRetirement({ database, retention, idleMs: 20, log }));
  await eventually(async () => {
    const { rows } = await database.pool.query('SELECT id FROM executions ORDER BY id');
    expect(rows.map(({ id }) => id)).toEqual(kept.toSorted());
  });
  await Promise.all(workers.map((worker) => worker.stop()));
  await close();
});

test('RETENTION_DAYS is a number for all that has ended, or one for each status named, and unset keeps everything', () => {
  const day = 86_400_000;
  expect(readConfig({}).retention).toEqual({});
  expect(readConfig({ RETENTION_DAYS: '7' }).retention).toEqual({
    SUCCEEDED: 7 * day,
    FAILED: 7 * day,
    TIMED_OUT: 7 * day,
    ABORTED: 7 * day,
  });
  expect(readConfig({ RETENTION_DAYS: 'SUCCEEDED=1, ABORTED=90' }).retention).toEqual({
    SUCCEEDED: day,
    ABORTED: 90 * day,
  });
  for (const wrong of ['0', '-1', 'x', 'RUNNING=3', 'SUCCEEDED', '7,FAILED=3', 'FAILED=']) {
    expect(() => readConfig({ RETENTION_DAYS: wrong })).toThrow('RETENTION_DAYS');
  }
});
