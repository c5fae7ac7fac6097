import { type Backend, within } from './backend.js';
import { assertQueueName } from './names.js';
import type { OpenQueues } from './open-queues.js';

/** A queue as BullMQ sees it: in jobs, each of which stands for one to fifty executions. */
export interface QueueStats {
  waiting: number;
  /** In the hands of workers, most of them waiting for a slot. */
  active: number;
  delayed: number;
  failed: number;
  /** How long the oldest that waits or is active has been due, in ms. */
  oldestJobAgeMs: number | null;
}

/** @throws QueueUnavailable when the queue cannot be asked. */
export async function readStats(
  backend: Backend,
  queues: OpenQueues,
  names: readonly string[],
): Promise<Record<string, QueueStats>> {
  for (const name of names) assertQueueName(name);
  await backend.reach();
  const ask = async (name: string): Promise<[string, QueueStats]> => {
    const [counts, head] = await Promise.all([
      queues.use(name, (queue) => queue.getJobCounts('wait', 'active', 'delayed', 'failed')),
      readHead(backend, queues, name),
    ]);
    return [
      name,
      {
        waiting: counts['wait'] ?? 0,
        active: counts['active'] ?? 0,
        delayed: counts['delayed'] ?? 0,
        failed: counts['failed'] ?? 0,
        oldestJobAgeMs: head === undefined ? null : Math.max(0, Date.now() - head),
      },
    ];
  };
  return Object.fromEntries(await within(STATS_MS, Promise.all(names.map(ask))));
}

/** When the oldest job that waits or is active became due, in ms since the epoch; undefined if there is none. */
export async function readHead(
  backend: Backend,
  queues: OpenQueues,
  name: string,
): Promise<number | undefined> {
  assertQueueName(name);
  await backend.reach();
  return within(
    STATS_MS,
    queues.use(name, (queue) => backend.oldest(name, queue)),
  );
}

/** Hundreds of queues may be asked at once. */
const STATS_MS = 5_000;
