import { type Job, UnrecoverableError, WaitingError } from 'bullmq';
import type { Backend, OpenWorker } from './backend.js';
import { readDoorbell } from './doorbell.js';
import { isQueueName } from './names.js';
import type { Log } from './outage.js';
import { NoSlot, type Slot, type SlotPool } from './pool.js';

export interface WeightedQueue {
  name: string;
  weight: number;
}

export interface ConsumeOptions {
  /** Shared by all queues of the process, whoever takes from them. */
  pool: SlotPool;
  /** The queues to take from, as they are now. Asked at every refresh; may fail. */
  queues(): Promise<readonly WeightedQueue[]>;
  /** Only these, where a worker is limited to some. */
  only?: readonly string[] | undefined;
  /** Has to return at once; whoever gets the slot releases it when the execution is parked or ended. */
  onExecution(queue: string, id: string, slot: Slot): void;
  onBatch(queue: string, batchId: string): void;
  /** How often to look for new queues and weights, in ms. */
  refreshMs?: number;
}

export interface Consumer {
  /** The queues it takes from right now. */
  queues(): string[];
  /** Looks for new queues now. Never rejects: what fails is logged and tried at the next refresh. */
  refresh(): Promise<void>;
  /** Takes no more, and puts back what has no slot yet. Final. */
  stop(): Promise<void>;
}

/** Jobs of one queue that one process holds while their executions wait for slots. */
const JOBS_AT_ONCE = 8;
/**
 * A job whose executions find no slot here within this time goes back, so that another worker with free slots
 * can have it: a busy worker holds up nobody's work for longer.
 */
const HOLD_MS = 1_000;
const REFRESH_MS = 2_000;
/** What has not let go by then is left behind; its jobs come back by themselves. */
const STOP_MS = 2_000;

const WORKER_OPTIONS = {
  concurrency: JOBS_AT_ONCE,
  // A job is done as soon as its executions have slots; when its process dies before, others see it after
  // the lock has run out and the next look at what has stalled: 15 s. How often that happens is no fault.
  lockDuration: 10_000,
  stalledInterval: 5_000,
  maxStalledCount: 1_000_000,
  removeOnComplete: { count: 0 },
  runRetryDelay: 1_000,
};

/**
 * Takes from queues, with one BullMQ worker for each. A job is in hand only until each of its executions has
 * a slot: what follows is between the execution's row and its owner, and no longer the queue's concern.
 */
export function createConsumer(backend: Backend, log: Log, options: ConsumeOptions): Consumer {
  const { pool } = options;
  const workers = new Map<string, OpenWorker>();
  const leaving = new Set<Promise<void>>();
  const stopped = new Set<string>();
  let stopping: Promise<void> | undefined;
  let listFailed = false;

  const work = async (queue: string, job: Job, token: string | undefined): Promise<void> => {
    const bell = readDoorbell(job.data);
    if (bell === undefined) throw new UnrecoverableError('the job is none of ours: it has no execution ids');
    if (bell.kind === 'batch') {
      options.onBatch(queue, bell.batchId);
      return;
    }
    for (const [n, id] of bell.ids.entries()) {
      const slot = await slotFor(queue);
      if (slot === undefined) return putBack(job, token, bell.ids.slice(n));
      try {
        options.onExecution(queue, id, slot);
      } catch (error) {
        slot.release();
        log.error({ queue, executionId: id, error: messageOf(error) }, 'an execution was not taken up');
        throw error;
      }
    }
  };

  const slotFor = async (queue: string): Promise<Slot | undefined> => {
    if (stopping !== undefined || stopped.has(queue)) return undefined;
    try {
      return await pool.acquire(queue, HOLD_MS);
    } catch (error) {
      if (error instanceof NoSlot) return undefined;
      throw error;
    }
  };

  const start = (queue: string): void => {
    stopped.delete(queue);
    workers.set(
      queue,
      backend.openWorker(queue, WORKER_OPTIONS, (job, token) => work(queue, job, token)),
    );
    log.debug({ queue }, 'taking from queue');
  };

  const leave = (queue: string, worker: OpenWorker): Promise<void> => {
    workers.delete(queue);
    stopped.add(queue);
    pool.cancel(queue);
    const left = closeSoon(worker, log, queue).finally(() => leaving.delete(left));
    leaving.add(left);
    return left;
  };

  const look = async (): Promise<void> => {
    const listed = await options.queues();
    const wanted = new Map(
      listed
        .filter(({ name }) => isQueueName(name) && (options.only?.includes(name) ?? true))
        .map(({ name, weight }) => [name, weight]),
    );
    await backend.reachForWork();
    if (stopping !== undefined) return;
    for (const [queue, worker] of workers) if (!wanted.has(queue)) void leave(queue, worker);
    for (const [queue, weight] of wanted) {
      pool.setWeight(queue, weight);
      if (!workers.has(queue)) start(queue);
    }
  };

  let looking: Promise<void> | undefined;
  const refresh = (): Promise<void> => {
    // Two at once would start a worker twice; who comes meanwhile wants to see what is new since.
    const after = looking ?? Promise.resolve();
    const next = after
      .then(() => (stopping === undefined ? look() : undefined))
      .then(
        () => {
          listFailed = false;
        },
        (error: unknown) => {
          const about = { error: messageOf(error) };
          if (!listFailed) log.warn(about, 'cannot look for queues to take from; trying again');
          listFailed = true;
        },
      )
      .finally(() => {
        if (looking === next) looking = undefined;
      });
    looking = next;
    return next;
  };

  const timer = setInterval(() => {
    if (looking === undefined) void refresh();
  }, options.refreshMs ?? REFRESH_MS);
  void refresh();

  return {
    queues: () => [...workers.keys()],
    refresh,
    stop() {
      if (stopping === undefined) {
        clearInterval(timer);
        backend.giveUpWaiting();
        stopping = Promise.resolve().then(async () => {
          await looking;
          for (const [queue, worker] of workers) void leave(queue, worker);
          await Promise.all(leaving);
        });
      }
      return stopping;
    },
  };
}

/** Gives a job back for the executions that have no slot yet, so that another worker can take it right away. */
async function putBack(job: Job, token: string | undefined, rest: readonly string[]): Promise<never> {
  await job.updateData({ ids: rest });
  if (token === undefined) throw new Error('a job without a lock cannot be put back');
  await job.moveToWait(token);
  throw new WaitingError();
}

async function closeSoon(worker: OpenWorker, log: Log, queue: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), STOP_MS);
  });
  try {
    const outcome = await Promise.race([worker.close(), late]);
    if (outcome === 'late') log.debug({ queue }, 'a worker does not let go of its queue; leaving it behind');
  } catch (error) {
    log.debug({ queue, error: messageOf(error) }, 'left a queue with an error');
  } finally {
    clearTimeout(timer);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
