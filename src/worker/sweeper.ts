/**
 * The sweeper: what makes doorbells a mere convenience. One process at a time
 * 1. declares dead whose lease has run out and frees what they owned,
 * 2. rings again for what is runnable, unowned and older than the head of its queue,
 * 3. rings ahead for timers that are due before its next rounds,
 * 4. rings for batches that nobody leads.
 * A round waits at least twenty times as long as the last one took, so that sweeping stays cheap however
 * much there is to look at.
 */
import {
  type Database,
  dueExecutions,
  type Freed,
  freeOrphans,
  openBatches,
  overdueExecutions,
  reapWorkers,
  sweepReceiving,
  withSweepLock,
} from '../store/index.js';
import { RING_AHEAD_MS, type WorkerLog } from './runner.js';

export interface SweeperOptions {
  database: Database;
  sweepMs: number;
  /** The database's time in ms. */
  now: () => number;
  queues: () => readonly string[];
  /** The time of a queue's oldest job in ms; undefined: it has none. Rejects when the queue is down. */
  headOf: (queue: string) => Promise<number | undefined>;
  ring: (
    queue: string,
    executionIds: readonly string[],
    options: { delayMs: number; again: boolean },
  ) => Promise<void>;
  ringBatch: (queue: string, batchId: string) => Promise<void>;
  log: WorkerLog;
}

export interface Sweeper {
  stop(): Promise<void>;
}

const ROUND_MAX = 2_000;

export function startSweeper(options: SweeperOptions): Sweeper {
  const { database, sweepMs, log } = options;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | undefined;
  let orphansAtMs = 0;
  /** Timers due until then have been rung for. */
  let rungUntilMs = 0;

  const sweep = async (): Promise<void> => {
    const startedAt = performance.now();
    try {
      await withSweepLock(database.pool, sweepOnce);
    } catch (error) {
      if (!stopped) log.warn({ err: error }, 'a sweep failed; the next one tries again');
    }
    const tookMs = performance.now() - startedAt;
    if (!stopped) timer = setTimeout(start, Math.max(sweepMs, 20 * tookMs));
  };
  const start = (): void => {
    round = sweep();
  };
  // Workers that start together do not sweep together.
  timer = setTimeout(start, sweepMs * (0.5 + Math.random() / 2));

  async function sweepOnce(): Promise<void> {
    const freed = await reapWorkers(database.pool);
    if (freed.length > 0)
      log.warn({ executions: freed.length }, 'a worker died; its executions are free again');
    await ringFor(freed, false);
    if (options.now() - orphansAtMs > 60_000) {
      orphansAtMs = options.now();
      await ringFor(await freeOrphans(database.pool), false);
      await sweepReceiving(database.pool);
    }
    const nowMs = options.now();
    const cutoffs = await Promise.all(
      options.queues().map(async (queue) => {
        const head = await options.headOf(queue);
        return { queue, beforeMs: Math.min(nowMs - 2 * sweepMs, head ?? Number.POSITIVE_INFINITY) };
      }),
    );
    await ringFor(await overdueExecutions(database.pool, cutoffs, ROUND_MAX), true);
    await ringTimers(nowMs);
    for (const { batchId, queue } of await openBatches(database.pool))
      await options.ringBatch(queue, batchId);
  }

  async function ringFor(freed: readonly Freed[], again: boolean): Promise<void> {
    const byQueue = new Map<string, string[]>();
    for (const { queue, executionId } of freed) {
      const ids = byQueue.get(queue);
      if (ids === undefined) byQueue.set(queue, [executionId]);
      else ids.push(executionId);
    }
    for (const [queue, ids] of byQueue) await options.ring(queue, ids, { delayMs: 0, again });
  }

  /** What parked for longer than a worker rings ahead by itself. */
  async function ringTimers(nowMs: number): Promise<void> {
    const untilMs = nowMs + RING_AHEAD_MS;
    const due = await dueExecutions(database.pool, Math.max(nowMs, rungUntilMs), untilMs, ROUND_MAX);
    for (const { queue, executionId, wakeAtMs } of due) {
      await options.ring(queue, [executionId], { delayMs: Math.ceil(wakeAtMs - nowMs), again: true });
    }
    rungUntilMs = due.length < ROUND_MAX ? untilMs : (due.at(-1)?.wakeAtMs ?? untilMs) - 1;
  }

  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}
