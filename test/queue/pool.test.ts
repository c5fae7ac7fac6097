import { describe, expect, test } from '@jest/globals';
import { NoSlot, type Slot, SlotPool } from '../../src/queue/pool.js';

/** Keeps `depth` requests of a queue waiting, until `stop`, and notes every grant. */
function backlog(pool: SlotPool, queue: string, depth: number, granted: Slot[]): { stop(): void } {
  let stopped = false;
  const ask = (): void => {
    if (stopped) return;
    pool.acquire(queue).then(
      (slot) => {
        granted.push(slot);
        ask();
      },
      () => {},
    );
  };
  for (let n = 0; n < depth; n++) ask();
  return {
    stop: () => {
      stopped = true;
      pool.cancel(queue);
    },
  };
}

async function settle(): Promise<void> {
  for (let n = 0; n < 5; n++) await Promise.resolve();
}

/** Releases slots in the order in which they were granted, `count` times, and counts grants by queue. */
async function turnOver(granted: Slot[], count: number): Promise<Record<string, number>> {
  await settle();
  const counts: Record<string, number> = {};
  for (let n = 0; n < count; n++) {
    const slot = granted.shift();
    if (slot === undefined) throw new Error('no slot is held by anybody');
    counts[slot.queue] = (counts[slot.queue] ?? 0) + 1;
    slot.release();
    await settle();
  }
  return counts;
}

describe('the slot pool', () => {
  test('grants in proportion to the weights when every queue is backlogged', async () => {
    const pool = new SlotPool(10);
    const weights: Record<string, number> = { critical: 6, machine: 5, default: 3, low: 1 };
    const granted: Slot[] = [];
    const backlogs = Object.entries(weights).map(([queue, weight]) => {
      pool.setWeight(queue, weight);
      return backlog(pool, queue, 8, granted);
    });
    await turnOver(granted, 100); // the pool was first come, first served while it had free slots
    const counts = await turnOver(granted, 3000);
    for (const [queue, weight] of Object.entries(weights)) {
      expect((counts[queue] ?? 0) / 3000).toBeCloseTo(weight / 15, 2);
    }
    for (const each of backlogs) each.stop();
  });

  test('gives everything to a queue that is backlogged alone', async () => {
    const pool = new SlotPool(4);
    pool.setWeight('low', 1);
    pool.setWeight('critical', 6);
    const granted: Slot[] = [];
    const low = backlog(pool, 'low', 8, granted);
    await settle();
    expect(pool.running()).toEqual({ low: 4 });
    expect(await turnOver(granted, 100)).toEqual({ low: 100 });
    low.stop();
  });

  test('lets no queue starve, however small its weight', async () => {
    const pool = new SlotPool(2);
    pool.setWeight('heavy', 1000);
    pool.setWeight('light', 1);
    const granted: Slot[] = [];
    const both = [backlog(pool, 'heavy', 8, granted), backlog(pool, 'light', 8, granted)];
    const counts = await turnOver(granted, 5000);
    expect(counts['light']).toBeGreaterThanOrEqual(4);
    for (const each of both) each.stop();
  });

  test('gives no credit for the time in which a queue was idle', async () => {
    const pool = new SlotPool(5);
    pool.setWeight('busy', 1);
    pool.setWeight('late', 1);
    const granted: Slot[] = [];
    const busy = backlog(pool, 'busy', 8, granted);
    await turnOver(granted, 1000);
    const late = backlog(pool, 'late', 8, granted);
    await turnOver(granted, 10);
    const counts = await turnOver(granted, 100);
    expect(counts['late']).toBeGreaterThanOrEqual(45);
    expect(counts['late']).toBeLessThanOrEqual(55);
    for (const each of [busy, late]) each.stop();
  });

  test('follows a weight that is changed while it works', async () => {
    const pool = new SlotPool(5);
    pool.setWeight('a', 1);
    pool.setWeight('b', 1);
    const granted: Slot[] = [];
    const both = [backlog(pool, 'a', 8, granted), backlog(pool, 'b', 8, granted)];
    await turnOver(granted, 100);
    pool.setWeight('a', 9);
    await turnOver(granted, 20);
    const counts = await turnOver(granted, 1000);
    expect((counts['a'] ?? 0) / 1000).toBeCloseTo(0.9, 2);
    for (const each of both) each.stop();
  });

  test('serves the waiters of one queue in the order in which they came', async () => {
    const pool = new SlotPool(1);
    const first = await pool.acquire('q');
    const order: number[] = [];
    const waiting = [1, 2, 3].map((n) =>
      pool.acquire('q').then((slot) => {
        order.push(n);
        slot.release();
      }),
    );
    first.release();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
  });

  test('never hands out more slots than it has, although one is released twice', async () => {
    const pool = new SlotPool(2);
    const [a] = [await pool.acquire('q'), await pool.acquire('q')];
    let third = 0;
    const waiting = [pool.acquire('q'), pool.acquire('q')];
    for (const each of waiting) each.then(() => third++);
    a?.release();
    a?.release();
    await settle();
    expect(third).toBe(1);
    expect(pool.busy).toBe(2);
  });

  test('sends away who waits for a queue that is cancelled, and nobody else', async () => {
    const pool = new SlotPool(1);
    const held = await pool.acquire('kept');
    const gone = pool.acquire('gone');
    const kept = pool.acquire('kept');
    pool.cancel('gone');
    await expect(gone).rejects.toThrow(NoSlot);
    held.release();
    expect((await kept).queue).toBe('kept');
    expect(pool.running()).toEqual({ kept: 1 });
  });

  test('grows and shrinks while slots are held', async () => {
    const pool = new SlotPool(1);
    const first = await pool.acquire('q');
    const second = pool.acquire('q');
    pool.size = 2;
    const slot = await second;
    pool.size = 1;
    let granted = false;
    const third = pool.acquire('q').then(() => {
      granted = true;
    });
    first.release();
    await settle();
    expect(granted).toBe(false);
    slot.release();
    await third;
    expect(pool.busy).toBe(1);
  });

  test('refuses a size and a weight that make no sense', () => {
    expect(() => new SlotPool(0)).toThrow(RangeError);
    expect(() => new SlotPool(1).setWeight('q', 0)).toThrow(RangeError);
  });
});

test('who waits in vain is told so after its time, and keeps nobody behind it from a slot', async () => {
  const pool = new SlotPool(1);
  const held = await pool.acquire('a');
  const impatient = pool.acquire('a', 20);
  const patient = pool.acquire('a');
  const last = pool.acquire('a', 20);
  await expect(impatient).rejects.toThrow(NoSlot);
  await expect(last).rejects.toThrow(NoSlot);
  held.release();
  (await patient).release();
  expect(pool.busy).toBe(0);
  (await pool.acquire('a', 20)).release();
});
