/**
 * The sweeper: what makes doorbells a mere convenience. One process at a time
 * 1. declares dead whose lease has run out and frees what they owned,
 * 2. rings again for what is runnable, unowned and older than the head of its queue, page by page,
 * 3. rings ahead for timers that are due before its next rounds,
 * 4. rings for batches that nobody leads, and leads those that are being stopped,
 * 5. finishes what a crash left half done between executions, and clears away what has had its day (forgotten.ts).
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
  type Position,
  reapWorkers,
  sweepReceiving,
  withSweepLock,
} from '../store/index.js';
import type { Forgotten } from './forgotten.js';
import type { WorkerLog } from './runner.js';

interface SweeperOptions {
  database: Database;
  sweepMs: number;
  /** The database's time in ms. */
  now: () => number;
  queues: () => readonly string[];
  /** Whether this process may declare others dead. */
  mayReap: () => boolean;
  /** The time of a queue's oldest job in ms; undefined: it has none. Rejects when the queue is down. */
  headOf: (queue: string) => Promise<number | undefined>;
  ring: (bells: readonly Bell[]) => Promise<void>;
  /** Rings for many, so many with one job. */
  ringChunks: (queue: string, executionIds: readonly string[], chunkSize: number) => Promise<void>;
  ringBatch: (queue: string, batchId: string) => Promise<void>;
  /** Leads a batch in this process. */
  lead: (batchId: string) => void;
  forgotten: Forgotten;
  log: WorkerLog;
}

interface Sweeper {
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

/** Rows of one round: some tens of milliseconds for the database, some more for the queue. */
const ROUND_MAX = 10_000;
/** Longer than any pause between two rounds. */
const LOOK_AHEAD_MS = 60_000;
const PAUSE_MAX_MS = 30_000;
/** What was rung for is not rung for again before this, unless it was lost once more. */
const RING_AGAIN_MS = 30_000;
/** Jobs that a queue is given for what is overdue, as long as they need not hold more than 50 executions each. */
const CHUNKS = 40;
const CHUNK_MAX = 50;

export function startSweeper(options: SweeperOptions): Sweeper {
  const { database, sweepMs, log } = options;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | undefined;
  let orphansAtMs = 0;
  /** How far the overdue have been rung for, and since when. */
  let overdueAfter: Position | undefined;
  let overdueSinceMs = 0;
  /** How far ahead timers have been rung for. */
  let timersAfter: Position = { wakeAtMs: 0, executionId: NO_ID };

  const sweep = async (): Promise<void> => {
    const startedAt = performance.now();
    let full = false;
    try {
      await withSweepLock(database.pool, async () => {
        full = await sweepOnce();
      });
    } catch (error) {
      if (!stopped) log.warn({ err: error }, 'a sweep failed; the next one tries again');
    }
    const tookMs = performance.now() - startedAt;
    // There is more of it: a flushed queue with a long backlog is filled again at the pace of the database.
    const pauseMs = full ? tookMs : Math.max(sweepMs, 10 * tookMs);
    if (!stopped) timer = setTimeout(start, Math.min(PAUSE_MAX_MS, pauseMs));
  };
  const start = (): void => {
    round = sweep();
  };
  // Workers that start together do not sweep together.
  timer = setTimeout(start, sweepMs * (0.5 + Math.random() / 2));

  /** Answers whether there is more than one round could take. */
  async function sweepOnce(): Promise<boolean> {
    const freed = options.mayReap() ? await reapWorkers(database.pool) : [];
    if (freed.length > 0)
      log.warn({ executions: freed.length }, 'a worker died; its executions are free again');
    await ringFor(freed);
    const nowMs = options.now();
    if (nowMs - orphansAtMs > 60_000) {
      orphansAtMs = nowMs;
      await ringFor(await freeOrphans(database.pool));
      await sweepReceiving(database.pool);
      await options.forgotten.clear();
    }
    await options.forgotten.finish();
    const overdueFull = await ringOverdue(nowMs);
    const timersFull = await ringTimers(nowMs);
    for (const { batchId, queue, stopping } of await openBatches(database.pool)) {
      // A doorbell would wait for a slot, and what is to be stopped may have them all.
      if (stopping) options.lead(batchId);
      else await options.ringBatch(queue, batchId);
    }
    const redrivesFull = await options.forgotten.redrive();
    return overdueFull || timersFull || redrivesFull;
  }

  async function ringFor(freed: readonly Freed[]): Promise<void> {
    const byQueue = new Map<string, string[]>();
    for (const { queue, executionId } of freed) {
      const ids = byQueue.get(queue);
      if (ids === undefined) byQueue.set(queue, [executionId]);
      else ids.push(executionId);
    }
    for (const [queue, ids] of byQueue) {
      await options.ringChunks(queue, ids, Math.min(CHUNK_MAX, Math.ceil(ids.length / CHUNKS)));
    }
  }

  async function ringOverdue(nowMs: number): Promise<boolean> {
    if (nowMs - overdueSinceMs > RING_AGAIN_MS) {
      overdueAfter = undefined;
      overdueSinceMs = nowMs;
    }
    const cutoffs = await Promise.all(
      options.queues().map(async (queue) => {
        const head = await options.headOf(queue);
        return { queue, beforeMs: Math.min(nowMs - 2 * sweepMs, head ?? Number.POSITIVE_INFINITY) };
      }),
    );
    const overdue = await overdueExecutions(database.pool, cutoffs, overdueAfter, ROUND_MAX);
    await ringFor(overdue);
    overdueAfter = overdue.at(-1) ?? overdueAfter;
    return overdue.length === ROUND_MAX;
  }

  /** What parked for longer than a worker rings ahead by itself. */
  async function ringTimers(nowMs: number): Promise<boolean> {
    const untilMs = nowMs + LOOK_AHEAD_MS;
    if (timersAfter.wakeAtMs < nowMs) timersAfter = { wakeAtMs: nowMs, executionId: LAST_ID };
    const due = await dueExecutions(database.pool, timersAfter, untilMs, ROUND_MAX);
    await options.ring(
      due.map(({ queue, executionId, wakeAtMs }) => ({
        queue,
        executionId,
        delayMs: Math.ceil(wakeAtMs - nowMs),
        jobId: timerJobId(executionId, wakeAtMs),
      })),
    );
    const last = due.at(-1);
    const full = due.length === ROUND_MAX;
    timersAfter = full && last !== undefined ? last : { wakeAtMs: untilMs, executionId: LAST_ID };
    return full;
  }

  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}

/** Before and after every id, to begin or to leave out what is due at an instant. */
const NO_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
