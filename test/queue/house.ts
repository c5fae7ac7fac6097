import { type Consumer, connectQueues, type Queues, type Slot, SlotPool } from '../../src/queue/index.js';
import { createDatabase } from '../setup/database.js';
import { type RememberingLog, rememberingLog } from '../setup/log.js';
import { testRedis } from '../setup/redis.js';

/** The two stores that the queues can lie in, each ready for one test file. */
export const STORES = ['Redis', 'PostgreSQL'] as const;
export type Store = (typeof STORES)[number];

export interface House {
  /** Another process, as far as the queues are concerned. */
  connect(retryPolicy?: { attempts: number; backoffMs: number }): Queues;
  log: RememberingLog;
  close(): Promise<void>;
}

export async function openHouse(store: Store): Promise<House> {
  const { url, prefix } = testRedis();
  const log = rememberingLog();
  const database = store === 'PostgreSQL' ? await createDatabase() : undefined;
  const opened: Queues[] = [];
  return {
    log,
    connect(retryPolicy = { attempts: 5, backoffMs: 1_000 }) {
      const queues = connectQueues(
        database === undefined
          ? { redisUrl: url, databaseUrl: 'postgresql://unused', prefix, retryPolicy, log }
          : { databaseUrl: database.url, retryPolicy, log },
      );
      opened.push(queues);
      return queues;
    },
    async close() {
      await Promise.all(opened.map((queues) => queues.close()));
      await database?.drop();
    },
  };
}

/** A consumer that notes what it hears, and holds the slots if told to. */
export interface Listener {
  consumer: Consumer;
  pool: SlotPool;
  heard: { queue: string; id: string; at: number }[];
  batches: string[];
  held: Slot[];
}

export function listen(
  queues: Queues,
  list: () => readonly { name: string; weight: number }[],
  options: { slots?: number; hold?: boolean; refreshMs?: number; only?: readonly string[] } = {},
): Listener {
  const pool = new SlotPool(options.slots ?? 10);
  const heard: Listener['heard'] = [];
  const batches: string[] = [];
  const held: Slot[] = [];
  const consumer = queues.consume({
    pool,
    queues: async () => list(),
    only: options.only,
    refreshMs: options.refreshMs ?? 100,
    onExecution(queue, id, slot) {
      heard.push({ queue, id, at: Date.now() });
      if (options.hold) held.push(slot);
      else setImmediate(() => slot.release());
    },
    onBatch: (_queue, batchId) => batches.push(batchId),
  });
  return { consumer, pool, heard, batches, held };
}

export function range(count: number, name = 'x'): string[] {
  return Array.from({ length: count }, (_, n) => `${name}${n}`);
}
