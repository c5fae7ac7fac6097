import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { SlotPool } from '../../src/queue/index.js';
import type { Database } from '../../src/store/index.js';
import { createThrottle, type Throttle } from '../../src/worker/throttle.js';
import { eventually } from '../setup/eventually.js';
import { rememberingLog } from '../setup/log.js';
import { openStore } from '../store/fixtures.js';

const SLOW_MS = 50;

let database: Database;
let close: () => Promise<void>;
let pool: SlotPool;
let throttle: Throttle;
let log: ReturnType<typeof rememberingLog>;

beforeAll(async () => {
  ({ database, close } = await openStore());
});
afterAll(() => close());

beforeEach(async () => {
  pool = new SlotPool(16);
  log = rememberingLog();
  throttle = createThrottle({ pool, slowMs: SLOW_MS, log });
  for (let n = 0; n < 16; n++) await pool.acquire('q');
});
afterEach(() => throttle.stop());

const statement = (seconds: number) => throttle.watch(database.pool.query('SELECT pg_sleep($1)', [seconds]));

test('a worker takes less and less while the database is slow, and as much as ever when it has recovered', async () => {
  const slow = statement(2);
  await eventually(() => expect(pool.size).toBe(1));
  await slow;
  await eventually(() => expect(pool.size).toBe(16));
  expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
});

test('statements that are slow one after another count as one that is slow for long', async () => {
  for (let n = 0; n < 8 && pool.size > 4; n++) await statement((3 * SLOW_MS) / 1000);
  expect(pool.size).toBeLessThanOrEqual(4);
});

test('quick statements change nothing, however many, and those that fail are told as they are', async () => {
  for (let n = 0; n < 20; n++) await Promise.all([statement(0), statement(0), sleep(5)]);
  await expect(throttle.watch(database.pool.query('SELECT 1/0'))).rejects.toThrow('division by zero');
  expect(log.lines).toEqual([]);
  expect(pool.size).toBe(16);
});

test('a bound of 0 is none', async () => {
  const never = createThrottle({ pool, slowMs: 0, log });
  await never.watch(database.pool.query('SELECT pg_sleep(0.2)'));
  expect(pool.size).toBe(16);
});
