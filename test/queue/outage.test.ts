import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connectQueues, type Queues, QueueUnavailable } from '../../src/queue/index.js';
import { eventually } from '../setup/eventually.js';
import { type RememberingLog, rememberingLog } from '../setup/log.js';
import { type RedisServer, startRedisServer } from '../setup/redis-server.js';
import { listen, range } from './house.js';

const one = () => [{ name: 'q', weight: 1 }];

describe('when Redis fails', () => {
  let redis: RedisServer;
  let log: RememberingLog;
  let opened: Queues[];
  const connect = (): Queues => {
    const queues = connectQueues({ redisUrl: redis.url, databaseUrl: 'postgresql://unused', log });
    opened.push(queues);
    return queues;
  };
  beforeEach(async () => {
    redis = await startRedisServer();
    log = rememberingLog();
    opened = [];
  });
  afterEach(async () => {
    await Promise.all(opened.map((queues) => queues.close()));
    await redis.stop();
  });

  test('ringing fails soon while it is gone, and taking goes on when it is back', async () => {
    const queues = connect();
    const listener = listen(queues, one);
    await queues.producer.ring('q', ['before']);
    await eventually(() => expect(listener.heard).toHaveLength(1));

    await redis.kill();
    for (let attempt = 0; attempt < 5; attempt++) {
      await expect(queues.producer.ring('q', ['lost'])).rejects.toThrow(QueueUnavailable);
      await expect(queues.ping()).rejects.toThrow(QueueUnavailable);
      await expect(queues.stats(['q'])).rejects.toThrow(QueueUnavailable);
      await expect(queues.head('q')).rejects.toThrow(QueueUnavailable);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }

    await redis.restart();
    await eventually(() => queues.ping());
    await queues.producer.ring('q', ['after']);
    await eventually(() => expect(listener.heard.map(({ id }) => id)).toContain('after'));
    expect(listener.heard.map(({ id }) => id)).not.toContain('lost');
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(log.lines.filter(({ message }) => message.includes('reachable again'))).toHaveLength(1);
  });

  test('a process that starts while it is gone rings in vain, and takes when it comes', async () => {
    await redis.kill();
    const queues = connect();
    const listener = listen(queues, one);
    await expect(queues.producer.ring('q', ['lost'])).rejects.toThrow(QueueUnavailable);
    await redis.restart();
    await eventually(() => queues.producer.ring('q', ['found']));
    await eventually(() => expect(listener.heard.map(({ id }) => id)).toEqual(['found']));
  });

  test('flushing it under busy workers harms nothing but the jobs that were there', async () => {
    const queues = connect();
    const listener = listen(queues, one, { slots: 2, hold: true });
    await queues.producer.ringChunks('q', range(500));
    await eventually(() => expect(listener.heard).toHaveLength(2));
    await flushAll(redis.url);
    for (const slot of listener.held.splice(0)) slot.release();
    await queues.producer.ring('q', ['after the flood']);
    await eventually(() => {
      for (const slot of listener.held.splice(0)) slot.release();
      expect(listener.heard.map(({ id }) => id)).toContain('after the flood');
    });
    await eventually(async () => {
      for (const slot of listener.held.splice(0)) slot.release();
      expect(await queues.head('q')).toBeUndefined();
    });
  });

  test.each([0, 500])('a process ends although it has been gone for %d ms', async (goneMs) => {
    const queues = connect();
    const listener = listen(queues, one);
    await queues.producer.ring('q', ['heard']);
    await eventually(() => expect(listener.heard).toHaveLength(1));
    await redis.kill();
    await new Promise((resolve) => setTimeout(resolve, goneMs));
    await queues.close();
  });
});

async function flushAll(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const { connect } = await import('node:net');
  const socket = connect(Number(port), hostname);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('data', () => resolve());
    socket.write('FLUSHALL\r\n');
  });
  socket.destroy();
}
