import { createBell } from './bell.js';
import { type Lead, ringMembers } from './lead.js';
import { nextPollMs } from './plan.js';
import type { BatchStatus, LedBatch, StopReason } from './ports.js';

/** Members ended or looked at by one statement. */
const ABORT_STEP = 1000;
const STOP_STEP = 200;
/** Stop signals on their way at once: each is a statement, and the pool is shared. */
const STOP_PARALLEL = 4;
/** A member that was locked by a claim in one pass is unclaimed again only if that claim failed: rare. */
const ABORT_AGAIN_MS = 10_000;

/**
 * Brings a batch that is STOPPING or CANCELLING to its end: what nobody has claimed is aborted, what runs
 * is asked to stop if the batch was cancelled or is a map run, and then it only waits. The members that were never
 * created have been counted already, by the statement that moved the batch out of RUNNING.
 */
export async function stopRest(lead: Lead, batch: LedBatch): Promise<void> {
  const bell = createBell(lead.signal);
  let led: LedBatch | undefined = batch;
  let asked = false;
  let abortAgainAt = 0;
  let pollMs: number | undefined;
  while (led !== undefined && !lead.signal.aborted) {
    if (Date.now() >= abortAgainAt) {
      await abortUnclaimed(lead, stopReasonOf(led));
      abortAgainAt = Date.now() + ABORT_AGAIN_MS;
    }
    if ((led.status === 'CANCELLING' || led.mode === 'mapRun') && !asked) {
      await stopOpen(lead, led);
      asked = true;
    }
    pollMs = nextPollMs(pollMs);
    led = await lead.store.read(lead.workerId, lead.batchId);
    if (led !== undefined) await bell.wait(pollMs);
  }
  if (batch.mode === 'mapRun' && led === undefined) await tellParent(lead);
}

/** Aborting the last unclaimed child ends a map run without any flush that would tell. */
async function tellParent(lead: Lead): Promise<void> {
  const parent = await lead.store.tellParent(lead.batchId);
  if (parent !== undefined) await ringMembers(lead, parent.queue, [parent.executionId], 1);
}

async function abortUnclaimed(lead: Lead, reason: StopReason): Promise<void> {
  const { store, workerId, batchId, signal } = lead;
  let from = 0;
  while (!signal.aborted) {
    const step = { workerId, batchId, from, limit: ABORT_STEP, reason };
    const { count, lastIndex } = await store.abortUnclaimed(step);
    if (count < ABORT_STEP) return;
    from = lastIndex + 1;
  }
}

async function stopOpen(lead: Lead, batch: LedBatch): Promise<void> {
  const { store, batchId, signal } = lead;
  let from = 0;
  while (!signal.aborted) {
    const open = await store.openMembers(batchId, from, STOP_STEP);
    const last = open.at(-1);
    if (last === undefined) return;
    from = last.index + 1;
    const waiting = open.map(({ executionId }) => executionId);
    const due: string[] = [];
    const stopSome = async (): Promise<void> => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        const { ring } = await store.stopMember(id, stopReasonOf(batch));
        if (ring) due.push(id);
      }
    };
    await Promise.all(Array.from({ length: STOP_PARALLEL }, stopSome));
    await ringMembers(lead, batch.queue, due, 1);
  }
}

/** Why the members end that a batch does not let run. STOPPING becomes FAILED, CANCELLING becomes ABORTED. */
export function stopReasonOf({ status, mode }: { status: BatchStatus; mode: LedBatch['mode'] }): StopReason {
  const cancelled = status === 'CANCELLING' || status === 'ABORTED';
  if (mode === 'mapRun') {
    return cancelled
      ? { error: 'Escapement.MapRunAborted', cause: 'The map run that it belongs to was aborted.' }
      : {
          error: 'Escapement.MapRunFailed',
          cause: 'More items of its map run failed than are tolerated.',
        };
  }
  return cancelled
    ? { error: 'Escapement.BatchCancelled', cause: 'The batch that it belongs to was cancelled.' }
    : {
        error: 'Escapement.BatchStopped',
        cause: 'Another member of its batch failed, and the batch was to stop on errors.',
      };
}
