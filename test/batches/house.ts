import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { createLeader, type Leader, type Runner, type Slot } from '../../src/batches/index.js';
import { createBatchStore, openBatches } from '../../src/store/batch-leading.js';
import { insertWorker } from '../store/rows.js';
import { claimMember, endMember } from './rows.js';

type Ending = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** What becomes of a member when it is run: by its index. */
export type Fate = (index: number) => Ending | 'parked' | { ms: number; ending: Ending };

export interface TestWorker {
  workerId: string;
  leader: Leader;
  /** Leads until done, or until `stop`. */
  lead(batchId: string): Promise<void>;
  /** Shutdown, as the leader sees it. */
  stop: AbortController;
  /** How often each member was run here, by execution id. */
  runs: Map<string, number>;
  /** Members of each batch ended in this order here, by index. */
  order: number[];
  /** The most that ran here at once. */
  peak(): number;
  rung: { executions: string[]; chunkSizes: number[]; batches: string[] };
  faults: unknown[];
  /** Runs what was rung for, until a check holds: the part of a distributed batch that is not the leader's. */
  work(until: () => Promise<boolean>): Promise<void>;
}

/** A worker whose runner ends members through the tables, with the rule that the real flush counts by. */
export async function createTestWorker(
  pool: pg.Pool,
  options: { fate?: Fate; slots?: number; store?: ReturnType<typeof createBatchStore> } = {},
): Promise<TestWorker> {
  const workerId = await insertWorker(pool);
  const fate = options.fate ?? (() => 'SUCCEEDED');
  const stop = new AbortController();
  const runs = new Map<string, number>();
  const order: number[] = [];
  const rung: TestWorker['rung'] = { executions: [], chunkSizes: [], batches: [] };
  const faults: unknown[] = [];
  let running = 0;
  let peak = 0;

  const advance = async (id: string): Promise<'ended' | 'parked' | 'elsewhere'> => {
    if (!(await claimMember(pool, workerId, id))) return 'elsewhere';
    runs.set(id, (runs.get(id) ?? 0) + 1);
    peak = Math.max(peak, ++running);
    const { rows } = await pool.query('SELECT batch_index FROM executions WHERE id = $1', [id]);
    const index = Number(rows[0]?.batch_index);
    try {
      const end = fate(index);
      if (end === 'parked') {
        await pool.query('UPDATE executions SET owner = NULL, wake_at = NULL WHERE id = $1', [id]);
        return 'parked';
      }
      if (typeof end === 'object') await sleep(end.ms);
      order.push(index);
      await endMember(pool, id, typeof end === 'object' ? end.ending : end);
      return 'ended';
    } finally {
      running--;
    }
  };
  const runner: Runner = {
    run: async (id: string, slot: Slot) => {
      try {
        return await advance(id);
      } finally {
        slot.release();
      }
    },
  };
  const leader = createLeader({
    store: options.store ?? createBatchStore({ pool }),
    doorbell: {
      ringBatch: async (_queue, batchId) => void rung.batches.push(batchId),
      ringChunks: async (_queue, ids, chunkSize) => {
        rung.executions.push(...ids);
        rung.chunkSizes.push(chunkSize);
      },
    },
    pool: slotsOf(options.slots ?? 10),
    runner,
    onFault: (error) => faults.push(error),
  });
  return {
    workerId,
    leader,
    lead: (batchId) => leader.lead(workerId, batchId, stop.signal),
    stop,
    runs,
    order,
    peak: () => peak,
    rung,
    faults,
    work: async (until) => {
      while (!(await until())) {
        const id = rung.executions.shift();
        if (id === undefined) await sleep(2);
        else await advance(id);
      }
    },
  };
}

/** A pool of slots, first come, first served. */
function slotsOf(size: number): { acquire(queue: string, signal: AbortSignal): Promise<Slot> } {
  let free = size;
  const waiting: (() => void)[] = [];
  return {
    acquire: async () => {
      if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      else free--;
      let released = false;
      return {
        release: () => {
          if (released) throw new Error('a slot was released twice');
          released = true;
          const next = waiting.shift();
          if (next === undefined) free++;
          else next();
        },
      };
    },
  };
}

/** Whether a batch wants a leader and has none. */
export async function wantsLeader(pool: pg.Pool, batchId: string): Promise<boolean> {
  return (await openBatches(pool)).some((batch) => batch.batchId === batchId);
}

/** Chance that is the same in every run. */
export function chance(seed: string, index: number): number {
  return createHash('sha1').update(`${seed}/${index}`).digest().readUInt32BE(0) / 2 ** 32;
}
