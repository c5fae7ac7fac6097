import { Queue, Worker } from 'bullmq';
import { Redis, type RedisOptions } from 'ioredis';
import { type Backend, PATIENCE_MS, QueueUnavailable, within } from './backend.js';
import type { Outage } from './outage.js';

/**
 * BullMQ on Redis. Connections of a process: one for who rings and asks, which fails fast; one for the
 * commands of all workers, which waits as long as it takes; and one blocking connection for each queue that
 * is taken from.
 */
export function connectRedis(url: string, prefix: string, outage: Outage): Backend {
  const asking = new Redis(url, {
    retryStrategy,
    disconnectTimeout: DISCONNECT_MS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
  });
  let working: WorkersRedis | undefined;
  let stopping = false;
  watch(asking, outage);
  // The first attempt may take its time; later ones are known to fail.
  let downSince = performance.now();
  asking.on('close', () => {
    downSince = Math.min(downSince, performance.now());
  });
  asking.on('ready', () => {
    downSince = Number.POSITIVE_INFINITY;
  });

  const reach = async (): Promise<void> => {
    if (asking.status === 'ready') return;
    const left = PATIENCE_MS - (performance.now() - downSince);
    if (left <= 0) throw new QueueUnavailable('Redis is unreachable');
    await within(left, ready(asking));
  };

  return {
    reach,
    async ping() {
      await reach();
      await within(PATIENCE_MS, asking.ping());
    },
    openQueue(name) {
      // Without its own readiness and version check a queue can be opened while Redis is away, and works
      // when it is back; with them its first failure would stay with it for good.
      const patience = { skipWaitingForReady: true, skipVersionCheck: true };
      return new Queue(name, {
        connection: asking,
        prefix,
        ...patience,
        streams: { events: { maxLen: 100 } },
      });
    },
    async oldest(_name, queue) {
      const jobs = await queue.getJobs(['wait', 'active'], 0, 0, true);
      // A job that is removed while it is read comes back as nothing.
      const due = jobs.flatMap((job) => (job ? [job.timestamp + (job.opts.delay ?? 0)] : []));
      return due.length === 0 ? undefined : Math.min(...due);
    },
    async reachForWork() {
      if (working !== undefined) return;
      working = new WorkersRedis(url, {
        retryStrategy: (times) => (stopping ? null : retryStrategy(times)),
        disconnectTimeout: DISCONNECT_MS,
        maxRetriesPerRequest: null,
      });
      working.setMaxListeners(0); // every worker listens on it
      watch(working, outage);
    },
    openWorker(name, options, work) {
      if (working === undefined) throw new Error('reachForWork comes first');
      const worker = new Worker(name, work, { ...options, connection: working, prefix });
      worker.on('error', (error) => outage.failed(error));
      const blocking = working.lastCopy;
      return {
        async close() {
          // BullMQ waits forever for the end of a connection that is just trying to come back.
          if (blocking !== undefined) await settled(blocking);
          await worker.close();
        },
      };
    },
    giveUpWaiting() {
      stopping = true;
    },
    async close() {
      asking.disconnect();
      working?.disconnect();
    },
  };
}

// Back within a second of Redis being back, and no faster than it can bear.
const retryStrategy = (times: number): number => Math.min(50 * 2 ** Math.min(times, 5), 1_000);
// How long a connection that we end may take before it is cut.
const DISCONNECT_MS = 200;

/** Remembers the copy that BullMQ makes of it for a worker's blocking command. */
class WorkersRedis extends Redis {
  lastCopy: Redis | undefined;

  override duplicate(override?: Partial<RedisOptions>): Redis {
    this.lastCopy = super.duplicate(override);
    return this.lastCopy;
  }
}

function settled(redis: Redis): Promise<void> {
  if (redis.status === 'ready' || redis.status === 'end') return Promise.resolve();
  return new Promise((resolve) => {
    redis.once('ready', () => resolve());
    redis.once('end', () => resolve());
  });
}

function watch(redis: Redis, outage: Outage): void {
  redis.on('error', (error) => outage.failed(error));
  redis.on('ready', () => outage.recovered());
}

function ready(redis: Redis): Promise<void> {
  return new Promise((resolve) => {
    redis.once('ready', () => resolve());
  });
}
