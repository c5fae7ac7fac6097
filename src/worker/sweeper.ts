/**
 * The sweeper: what makes doorbells a mere convenience. One process at a time
 * 1. declares dead whose lease has run out and frees what they owned,
 * 2. rings again for what is runnable, unowned and older than the head of its queue,
 * 3. rings ahead for timers that are due before its next rounds,
 * 4. rings for batches that nobody leads.
 * A round waits at least ten times as long as the last one took, so that sweeping stays cheap however
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
import type { WorkerLog } from './runner.js';

export interface SweeperOptions {
  database: Database;
  sweepMs: number;
  /** The database's time in ms. */
  now: () => number;
  queues: () => readonly string[];
  /** The time of a queue's oldest job in ms; undefined: it has none. Rejects when the queue is down. */
  headOf: (queue: string) => Promise<number | undefined>;
  /** Rings for each with a job of that id, unless there is one. */
  ring: (bells: readonly Bell[]) => Promise<void>;
  ringBatch: (queue: string, batchId: string) => Promise<void>;
  log: WorkerLog;
}

export interface Sweeper {
  stop(): Promise<void>;
}

/** One ring of a doorbell. */
export interface Bell {
  queue: string;
  executionId: string;
  delayMs: number;
  jobId: string | undefined;
}

/** A timer's job: whoever rings ahead for it, there is one. */
export function timerJobId(executionId: string, wakesAtMs: number): string {
  return `timer-${executionId}-${Math.round(wakesAtMs)}`;
}

const ROUND_MAX = 2_000;
/** Longer than any pause between two rounds. */
const LOOK_AHEAD_MS = 60_000;
const PAUSE_MAX_MS = 30_000;

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
    if (!stopped) timer = setTimeout(start, Math.min(PAUSE_MAX_MS, Math.max(sweepMs, 10 * tookMs)));
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
    await options.ring(
      freed.map(({ queue, executionId }) => ({
        queue,
        executionId,
        delayMs: 0,
        // What is rung again and again, while its ring may still be on its way, is in the queue once.
        jobId: again ? `again-${executionId}` : undefined,
      })),
    );
  }

  /** What parked for longer than a worker rings ahead by itself. */
  async function ringTimers(nowMs: number): Promise<void> {
    const untilMs = nowMs + LOOK_AHEAD_MS;
    const due = await dueExecutions(database.pool, Math.max(nowMs, rungUntilMs), untilMs, ROUND_MAX);
    await options.ring(
      due.map(({ queue, executionId, wakeAtMs }) => ({
        queue,
        executionId,
        delayMs: Math.ceil(wakeAtMs - nowMs),
        jobId: timerJobId(executionId, wakeAtMs),
      })),
    );
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
