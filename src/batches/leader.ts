/**
 * The life of a batch in the worker that leads it: claim it, lead it in its mode, let it go.
 *
 * 1. A fault (the database is away) ends nothing: the leader reads again where the batch stands and goes on,
 *    for as long as the batch is its own.
 * 2. Whatever the end, the batch is let go, so that the sweeper finds another leader if there is more to do.
 */
import { type Bell, createBell } from './bell.js';
import { leadConcurrent } from './concurrent.js';
import { leadDistributed } from './distributed.js';
import type { Lead } from './lead.js';
import { leadMapRun } from './map-run.js';
import { faultPauseMs } from './plan.js';
import type { BatchDoorbell, BatchStore, LedBatch, Runner, SlotPool } from './ports.js';
import { leadSequential } from './sequential.js';

export interface LeaderOptions {
  store: BatchStore;
  doorbell: BatchDoorbell;
  pool: SlotPool;
  runner: Runner;
  onFault: (error: unknown, batchId: string) => void;
}

export interface Leader {
  /**
   * Leads a batch, if it is to be had, for as long as it needs a leader: until all members are created
   * (distributed) or have ended. Never rejects. When the signal aborts, the batch is let go at once.
   */
  lead(workerId: string, batchId: string, signal: AbortSignal): Promise<void>;
  /** Says that there may be news of a batch: heard if this process leads it. */
  hear(batchId: string): void;
}

/** Leads batches for one worker process, each at most once at a time however often it is rung for. Starts nothing by itself. */
export function createLeader(options: LeaderOptions): Leader {
  /** What this process leads or is about to, and whether it was rung for again meanwhile. */
  const leading = new Map<string, { rung: boolean; news: Bell }>();
  return {
    lead: async (workerId, batchId, signal) => {
      const mine = leading.get(batchId);
      if (mine !== undefined) {
        mine.rung = true;
        return;
      }
      const state = { rung: true, news: createBell(signal) };
      leading.set(batchId, state);
      // A ring that came while the batch was being let go may be about a stop that nobody has seen.
      while (state.rung && !signal.aborted) {
        state.rung = false;
        await leadIfToBeHad({ ...options, workerId, batchId, signal, news: state.news });
      }
      leading.delete(batchId);
    },
    hear: (batchId) => leading.get(batchId)?.news.ring(),
  };
}

async function leadIfToBeHad(lead: Lead): Promise<void> {
  let batch: LedBatch | undefined;
  try {
    batch = await lead.store.claim(lead.workerId, lead.batchId);
    if (batch === undefined) return;
    await leadUntilDone(lead, batch);
  } catch (error) {
    // Whether the claim went through is not known; letting go settles it.
    lead.onFault(error, lead.batchId);
  }
  await letGo(lead);
  if (batch !== undefined && lead.signal.aborted) await callNext(lead, batch.queue);
}

async function leadUntilDone(lead: Lead, batch: LedBatch): Promise<void> {
  const pause = createBell(lead.signal);
  let led: LedBatch | undefined = batch;
  let faults = 0;
  while (led !== undefined && !lead.signal.aborted) {
    try {
      if (faults > 0) {
        const startedBefore: number = led.started;
        led = await lead.store.read(lead.workerId, lead.batchId);
        // It got on in between: this fault is not a continuation of the last.
        if (led !== undefined && led.started > startedBefore) faults = 1;
      }
      if (led !== undefined) await leadByMode(lead, led);
      return;
    } catch (error) {
      faults++;
      lead.onFault(error, lead.batchId);
      await pause.wait(faultPauseMs(faults));
    }
  }
}

function leadByMode(lead: Lead, batch: LedBatch): Promise<void> {
  switch (batch.mode) {
    case 'distributed':
      return leadDistributed(lead, batch);
    case 'concurrent':
      return leadConcurrent(lead, batch);
    case 'sequential':
      return leadSequential(lead, batch);
    case 'mapRun':
      return leadMapRun(lead, batch);
  }
}

/**
 * Tried until it is known: a batch that stayed with a worker that has forgotten it would have no leader
 * for as long as that worker lives. While shutting down once is enough, since the worker's row goes too.
 */
async function letGo(lead: Lead): Promise<void> {
  const pause = createBell(lead.signal);
  for (let faults = 1; ; faults++) {
    try {
      return await lead.store.release(lead.workerId, lead.batchId);
    } catch (error) {
      lead.onFault(error, lead.batchId);
      if (lead.signal.aborted) return;
      await pause.wait(faultPauseMs(faults));
    }
  }
}

/** Another leader need not wait for the sweeper. */
async function callNext(lead: Lead, queue: string): Promise<void> {
  try {
    await lead.doorbell.ringBatch(queue, lead.batchId);
  } catch (error) {
    lead.onFault(error, lead.batchId);
  }
}
