import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { type Contender, type Sample, sampleOf, Void } from '../contender.js';
import { startBenchProcess } from '../processes.js';
import type { Servers } from '../servers.js';

/** Jobs that lie in Redis when the clock starts, taken and finished by one process that does nothing else. */
export function bullmqBaseline(servers: Servers, jobs: number): Contender {
  return {
    name: 'BullMQ, empty processor',
    table: 'executions',
    measure: async () => {
      const name = `bench-${randomUUID()}`;
      const redis = new Redis(servers.redisUrl, { maxRetriesPerRequest: null });
      const queue = new Queue(name, { connection: redis });
      try {
        await addJobs(queue, jobs);
        return await finishJobs(queue, servers, jobs);
      } finally {
        await queue.obliterate({ force: true });
        await queue.close();
        redis.disconnect();
      }
    },
  };
}

/** One round trip carries so many. */
const BULK = 1000;

async function addJobs(queue: Queue, jobs: number): Promise<void> {
  for (let at = 0; at < jobs; at += BULK) {
    const count = Math.min(BULK, jobs - at);
    await queue.addBulk(
      Array.from({ length: count }, () => ({
        name: 'job',
        data: { ids: [randomUUID()] },
        opts: { removeOnComplete: true },
      })),
    );
  }
}

async function finishJobs(queue: Queue, { redisUrl, cpu }: Servers, jobs: number): Promise<Sample> {
  const worker = startBenchProcess('bench/baselines/bullmq-process.ts', {
    REDIS_URL: redisUrl,
    QUEUE: queue.name,
    JOBS: String(jobs),
  });
  try {
    await worker.said('ready');
    const used = await cpu.start([worker.pid]);
    const startedAt = performance.now();
    worker.tell('go');
    await worker.said('done');
    const seconds = (performance.now() - startedAt) / 1000;
    const time = await used();
    const left = await queue.getJobCountByTypes('wait', 'active', 'delayed', 'failed');
    if (left !== 0) throw new Void(`${left} of ${jobs} jobs are left`);
    return sampleOf(jobs, seconds, time);
  } finally {
    await worker.stop();
  }
}
