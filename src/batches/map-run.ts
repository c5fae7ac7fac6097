/**
 * Leads a map run: creates its children in a window of at most MaxConcurrency that have not ended, and rings
 * for them; any worker runs them.
 *
 * 1. How many are under way is `started - ended` of the map run's own row: children are counted as ended by
 *    the statement that ends them, and created only here, so what was read can only be too many, never too few.
 * 2. Who ends a child calls the leader (`news`); since a call can be lost, the leader also looks by itself.
 * 3. When the last child has been created, the run needs no leader any more: it ends with its last child.
 * 4. A run that is redriven takes its unsuccessful children up again before it creates any, in the same window.
 */
import { ringLastStep } from './distributed.js';
import { type Lead, ringMembers } from './lead.js';
import { createMemberSource } from './members.js';
import { CREATE_STEP, chunkSize, MAP_RUN_POLL_MS, mapRunRoom, nextPollMs } from './plan.js';
import type { LedBatch } from './ports.js';
import { stopRest } from './stopping.js';

export async function leadMapRun(lead: Lead, batch: LedBatch): Promise<void> {
  const { store, workerId, batchId } = lead;
  const members = createMemberSource(store, batch);
  let led: LedBatch | undefined = batch;
  let pollMs: number | undefined;
  await ringLastStep(lead, batch, ringSizeOf(CREATE_STEP));
  // Rings for one step while the next is being created, never for more.
  let ringing = Promise.resolve();
  while (led?.status === 'RUNNING' && !isAllUnderWay(led) && !lead.signal.aborted) {
    const room = Math.min(mapRunRoom(led), CREATE_STEP);
    if (room === 0) {
      pollMs = nextPollMs(pollMs, MAP_RUN_POLL_MS);
      if (await lead.news.wait(pollMs)) pollMs = undefined;
      led = await store.read(workerId, batchId);
      continue;
    }
    const moved: Moved | undefined = await (led.toRedrive > 0 ? takeUp(led, room) : create(led, room));
    led = moved?.led ?? (await store.read(workerId, batchId));
    if (moved === undefined) continue;
    await ringing;
    ringing = ringMembers(lead, batch.queue, moved.runnable, ringSizeOf(moved.runnable.length));
  }
  await ringing;
  if (lead.signal.aborted) return;
  // It may have been stopped since the last child was created.
  led = await store.read(workerId, batchId);
  if (led !== undefined && led.status !== 'RUNNING') await stopRest(lead, led);

  async function create(run: LedBatch, room: number): Promise<Moved | undefined> {
    const from = run.started;
    const next = await members.take(from, room);
    const runnable = await store.createMembers({ workerId, batchId, from, members: next });
    return runnable && { runnable, led: { ...run, started: from + next.length } };
  }

  async function takeUp(run: LedBatch, room: number): Promise<Moved | undefined> {
    const from = run.redriveIndex;
    const taken = await store.redriveMembers({ workerId, batchId, from, limit: room });
    if (taken === undefined) return undefined;
    const { executionIds: runnable, toRedrive, redriveIndex } = taken;
    return { runnable, led: { ...run, toRedrive, redriveIndex } };
  }
}

/** How the run stands after a step, and whom to ring for. */
interface Moved {
  led: LedBatch;
  runnable: string[];
}

function isAllUnderWay({ started, total, toRedrive }: LedBatch): boolean {
  return started >= total && toRedrive === 0;
}

/** As many at once as for a batch of this size: a few children are spread over the workers, many are rung for together. */
function ringSizeOf(created: number): number {
  return chunkSize(created * RING_SPREAD);
}

/** A full step is rung for in tens: a chunk is taken whole by one worker. */
const RING_SPREAD = 2;
