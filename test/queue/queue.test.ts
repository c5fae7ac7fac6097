import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isQueueName, SlotPool } from '../../src/queue/index.js';
import { eventually } from '../setup/eventually.js';
import { type House, listen, openHouse, range, STORES } from './house.js';

const only = (name: string) => () => [{ name, weight: 1 }];

describe.each(STORES)('queues on %s', (store) => {
  let house: House;
  beforeEach(async () => {
    house = await openHouse(store);
  });
  afterEach(async () => {
    await house.close();
    expect(house.log.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });

  test('what is rung in one process is heard in another, each execution once', async () => {
    const listener = listen(house.connect(), only('q'));
    const { producer } = house.connect();
    await Promise.all(range(100).map((id) => producer.ring('q', [id])));
    await eventually(() => expect(listener.heard).toHaveLength(100));
    expect(listener.heard.map(({ id }) => id).sort()).toEqual(range(100).sort());
    await eventually(() => expect(listener.pool.busy).toBe(0));
  });

  test('a chunk is one job for up to fifty executions', async () => {
    const queues = house.connect();
    await queues.producer.ringChunks('q', range(120), 50);
    expect((await queues.stats(['q']))['q']).toMatchObject({ waiting: 3, active: 0, delayed: 0, failed: 0 });
    const listener = listen(queues, only('q'), { slots: 7 });
    await eventually(() => expect(listener.heard).toHaveLength(120));
    expect(new Set(listener.heard.map(({ id }) => id)).size).toBe(120);
    await eventually(async () => expect(await queues.head('q')).toBeUndefined());
  });

  test('a batch is announced by its id and takes no slot', async () => {
    const queues = house.connect();
    const listener = listen(queues, only('q'), { slots: 1, hold: true });
    await queues.producer.ring('q', ['holds the only slot']);
    await queues.producer.ringBatch('q', 'batch-1');
    await eventually(() => expect(listener.batches).toEqual(['batch-1']));
  });

  test('a delayed bell is heard when it is due and not before', async () => {
    const queues = house.connect();
    const listener = listen(queues, only('q'));
    await queues.producer.ring('q', ['first']);
    await eventually(() => expect(listener.heard).toHaveLength(1)); // now the worker is idle
    const rung = Date.now();
    await queues.producer.ring('q', ['late'], { delayMs: 400 });
    expect((await queues.stats(['q']))['q']).toMatchObject({ waiting: 0, delayed: 1, oldestJobAgeMs: null });
    await eventually(() => expect(listener.heard).toHaveLength(2));
    const after = (listener.heard[1]?.at ?? 0) - rung;
    expect(after).toBeGreaterThanOrEqual(390);
    expect(after).toBeLessThan(1_400);
  });

  test('a job id keeps a second job out while the first is there, and lets it in afterwards', async () => {
    const queues = house.connect();
    await queues.producer.ring('q', ['x'], { jobId: 's-x' });
    await queues.producer.ring('q', ['x'], { jobId: 's-x' });
    expect((await queues.stats(['q']))['q']?.waiting).toBe(1);
    const listener = listen(queues, only('q'));
    await eventually(() => expect(listener.heard).toHaveLength(1));
    await eventually(async () => expect(await queues.head('q')).toBeUndefined());
    await queues.producer.ring('q', ['x'], { jobId: 's-x' });
    await eventually(() => expect(listener.heard).toHaveLength(2));
  });

  test('a queue that is new is taken from without a restart, and one that is gone no longer', async () => {
    const queues = house.connect();
    let list = [{ name: 'old', weight: 1 }];
    const listener = listen(queues, () => list);
    await queues.producer.ring('new', ['n']);
    await queues.producer.ring('old', ['o']);
    await eventually(() => expect(listener.heard).toHaveLength(1));
    list = [{ name: 'new', weight: 2 }];
    await eventually(() => expect(listener.heard.map(({ queue }) => queue)).toEqual(['old', 'new']));
    expect(listener.consumer.queues()).toEqual(['new']);
    await queues.producer.ring('old', ['o2']);
    await queues.producer.ring('new', ['n2']);
    await eventually(() => expect(listener.heard).toHaveLength(3));
    expect(listener.heard[2]?.id).toBe('n2');
  });

  test('a worker that is limited to some queues leaves the others alone', async () => {
    const queues = house.connect();
    const list = () => [
      { name: 'mine', weight: 1 },
      { name: 'theirs', weight: 1 },
    ];
    const listener = listen(queues, list, { only: ['mine'] });
    await queues.producer.ring('theirs', ['t']);
    await queues.producer.ring('mine', ['m']);
    await eventually(() => expect(listener.heard.map(({ id }) => id)).toEqual(['m']));
    expect(listener.consumer.queues()).toEqual(['mine']);
  });

  test('with every queue backlogged, slots follow the weights', async () => {
    const queues = house.connect();
    const weights = { critical: 6, machine: 5, default: 3, low: 1 };
    const list = Object.entries(weights).map(([name, weight]) => ({ name, weight }));
    await Promise.all(list.map(({ name }) => queues.producer.ring(name, range(400))));
    const listener = listen(queues, () => list, { slots: 4, hold: true });
    // One slot comes back at a time, and only while every queue has something in hand.
    const counted = 300;
    while (listener.heard.length < counted) {
      await eventually(() => expect(listener.pool.busy).toBe(4));
      await new Promise((resolve) => setTimeout(resolve, store === 'Redis' ? 2 : 5));
      listener.held.shift()?.release();
    }
    for (const [name, weight] of Object.entries(weights)) {
      const share = listener.heard.filter(({ queue }) => queue === name).length / counted;
      expect(Math.abs(share - weight / 15)).toBeLessThan(0.04);
    }
  });

  test('stopping waits for no slot, and what has none yet is there for the next worker', async () => {
    const first = house.connect();
    const listener = listen(first, only('q'), { slots: 3, hold: true });
    await first.producer.ringChunks('q', range(50));
    await first.producer.ring('q', range(20, 'y'));
    await eventually(() => expect(listener.heard).toHaveLength(3));
    await first.close();
    expect(listener.heard).toHaveLength(3);

    const second = listen(house.connect(), only('q'));
    await eventually(() => expect(second.heard).toHaveLength(67), 3_000);
    const all = [...listener.heard, ...second.heard].map(({ id }) => id);
    expect(new Set(all).size).toBe(70);
  });

  test('the head is when the oldest job became due, and its age is in the statistics', async () => {
    const queues = house.connect();
    expect(await queues.head('q')).toBeUndefined();
    const before = Date.now();
    await queues.producer.ring('q', ['a']);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const between = Date.now();
    await queues.producer.ring('q', ['b']);
    const head = (await queues.head('q')) ?? 0;
    expect(head).toBeGreaterThanOrEqual(before - 5);
    expect(head).toBeLessThan(between);
    const stats = await queues.stats(['q', 'empty']);
    expect(stats['q']?.oldestJobAgeMs).toBeGreaterThanOrEqual(45);
    expect(stats['empty']).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0, oldestJobAgeMs: null });
  });

  test('a listener that throws gets the bell again, as often as the policy says', async () => {
    const queues = house.connect({ attempts: 3, backoffMs: 20 });
    const pool = new SlotPool(2);
    const calls: string[] = [];
    queues.consume({
      pool,
      queues: async () => [{ name: 'q', weight: 1 }],
      onExecution(_queue, id, slot) {
        calls.push(id);
        if (id === 'bad' || calls.length === 1) throw new Error('not now');
        slot.release();
      },
      onBatch: () => {},
    });
    await queues.producer.ring('q', ['good']);
    await eventually(() => expect(calls).toEqual(['good', 'good']));
    await queues.producer.ring('q', ['bad']);
    await eventually(async () => expect((await queues.stats(['q']))['q']?.failed).toBe(1));
    expect(calls).toEqual(['good', 'good', 'bad', 'bad', 'bad']);
    expect(pool.busy).toBe(0);
    expect(house.log.lines.splice(0).filter(({ level }) => level === 'error')).toHaveLength(4);
  });

  test('a process that only rings has no need of a consumer, and answers a ping', async () => {
    const queues = house.connect();
    await queues.ping();
    await queues.producer.ring('q', []);
    await queues.producer.ring('q', ['x']);
    expect((await queues.stats(['q']))['q']?.waiting).toBe(1);
  });

  test('a name that no queue can have is refused', async () => {
    const queues = house.connect();
    const complaint = "'a:b' cannot be a queue";
    await expect(queues.producer.ring('a:b', ['x'])).rejects.toThrow(complaint);
    await expect(queues.producer.ringBatch('a:b', 'x')).rejects.toThrow(complaint);
    await expect(queues.stats(['q', 'a:b'])).rejects.toThrow(complaint);
    await expect(queues.head('a:b')).rejects.toThrow(complaint);
    expect(isQueueName('order-processing_2')).toBe(true);
    for (const name of ['', 'a:b', 'a b', 'ä', 'x'.repeat(101)]) expect(isQueueName(name)).toBe(false);
  });
});
