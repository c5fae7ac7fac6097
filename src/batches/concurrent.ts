/**
 * Members advanced in this process, at most `limit` under way at once, whoever advances them.
 *
 * 1. A member is created only when a slot for it is at hand, so none lies created and waits for its turn.
 * 2. Under way is what has been created and has not ended. What runs here says so when it ends. What has
 *    parked or was taken up by another worker is known by its id, and looked up from time to time.
 * 3. The slots that come free while a statement is on its way are used together by the next one.
 */
import { createBell } from './bell.js';
import type { Lead } from './lead.js';
import { createMemberSource } from './members.js';
import { CREATE_STEP, creatable, nextPollMs, type Standing, slotsWanted } from './plan.js';
import type { LedBatch, Slot } from './ports.js';
import { stopRest } from './stopping.js';

export function leadConcurrent(lead: Lead, batch: LedBatch): Promise<void> {
  return leadLimited(lead, batch, Math.max(1, batch.concurrency));
}

/** Done when every member has ended, or when the signal aborts; what still runs here then runs on. */
export async function leadLimited(lead: Lead, batch: LedBatch, limit: number): Promise<void> {
  const { store, workerId, batchId } = lead;
  const done = new AbortController();
  const bell = createBell(lead.signal);
  const slots = createSlots(lead, batch.queue, AbortSignal.any([lead.signal, done.signal]), bell.ring);
  const members = createMemberSource(store, batch);
  const { away, adoptable } = await leftBehind(lead, batch);
  const local = new Set<string>();
  let led: LedBatch | undefined = batch;
  let pollMs = nextPollMs(undefined);
  let polledAtMs = Date.now();

  try {
    while (led !== undefined && !lead.signal.aborted) {
      if (led.status !== 'RUNNING') return await stopRest(lead, led);
      takeUpLeftBehind();
      const count = Math.min(slots.free(), creatable(standing(led)), CREATE_STEP);
      if (count > 0) {
        led = await createAndRun(led, count);
        continue;
      }
      slots.ask(slotsWanted(standing(led)));
      const rung = await bell.wait(Math.max(0, polledAtMs + pollMs - Date.now()));
      const idle = local.size + away.size === 0 && led.started === led.total;
      // Looked up by the clock even when ends follow each other fast: those away end without ringing.
      if (rung && !idle && Date.now() < polledAtMs + pollMs) continue;
      led = await store.read(workerId, batchId);
      const changed = await forgetEnded();
      pollMs = nextPollMs(rung || changed ? undefined : pollMs);
      polledAtMs = Date.now();
    }
  } finally {
    done.abort();
    slots.giveBack();
  }

  function standing({ total, started }: LedBatch): Standing {
    return { limit, total, started, local: local.size, away: away.size, adoptable: adoptable.length };
  }

  /** Runs here what another leader left behind, as far as there are free slots. */
  function takeUpLeftBehind(): void {
    while (adoptable.length > 0) {
      const slot = slots.take();
      if (slot === undefined) return;
      const id = adoptable.shift();
      if (id === undefined) {
        slot.release();
        return;
      }
      away.delete(id);
      run(id, slot);
    }
  }

  async function createAndRun(now: LedBatch, count: number): Promise<LedBatch | undefined> {
    const from = now.started;
    const next = await members.take(from, count);
    const created = await store.createMembers({ workerId, batchId, from, members: next });
    if (created === undefined) return store.read(workerId, batchId);
    for (const id of created) {
      const slot = slots.take();
      if (slot === undefined) away.add(id);
      else run(id, slot);
    }
    return { ...now, started: from + next.length };
  }

  function run(executionId: string, slot: Slot): void {
    local.add(executionId);
    lead.runner
      .run(executionId, slot)
      .catch((error: unknown) => {
        lead.onFault(error, batchId);
        return 'fault' as const;
      })
      .then((left) => {
        local.delete(executionId);
        if (left !== 'ended') away.add(executionId);
        bell.ring();
      });
  }

  /** Forgets those away that have ended. @returns whether there were any. */
  async function forgetEnded(): Promise<boolean> {
    if (away.size === 0) return false;
    const asked = [...away];
    const open = new Set(await store.stillOpen(asked));
    const ended = asked.filter((id) => !open.has(id));
    for (const id of ended) away.delete(id);
    return ended.length > 0;
  }
}

/** What the leader before has left under way: all of it counts against the limit, what is due is run here. */
async function leftBehind(lead: Lead, batch: LedBatch): Promise<{ away: Set<string>; adoptable: string[] }> {
  const away = new Set<string>();
  const adoptable: string[] = [];
  let from = 0;
  while (batch.started > from) {
    const open = await lead.store.openMembers(lead.batchId, from, CREATE_STEP);
    for (const { executionId, runnable } of open) {
      away.add(executionId);
      if (runnable) adoptable.push(executionId);
    }
    from = open.length < CREATE_STEP ? batch.started : (open.at(-1)?.index ?? batch.started) + 1;
  }
  return { away, adoptable };
}

interface Slots {
  free(): number;
  take(): Slot | undefined;
  /** Sees to it that as many are free or asked for, no more. */
  ask(wanted: number): void;
  giveBack(): void;
}

function createSlots(lead: Lead, queue: string, signal: AbortSignal, onFree: () => void): Slots {
  const free: Slot[] = [];
  let asked = 0;
  const askOne = async (): Promise<void> => {
    asked++;
    try {
      const slot = await lead.pool.acquire(queue, signal);
      asked--;
      if (signal.aborted) return slot.release();
      free.push(slot);
      onFree();
    } catch (error) {
      // Asked again after the next look at the counters.
      asked--;
      if (!signal.aborted) lead.onFault(error, lead.batchId);
    }
  };
  return {
    free: () => free.length,
    take: () => free.shift(),
    ask: (wanted) => {
      while (free.length > wanted) free.pop()?.release();
      for (let more = wanted - free.length - asked; more > 0; more--) void askOne();
    },
    giveBack: () => {
      for (const slot of free.splice(0)) slot.release();
    },
  };
}
