import { type Lead, ringMembers } from './lead.js';
import { createMemberSource } from './members.js';
import { CREATE_STEP, chunkSize } from './plan.js';
import type { LedBatch } from './ports.js';
import { stopRest } from './stopping.js';

/**
 * Creates the members as fast as the database takes them, and rings; workers do the rest. Done when every
 * member has been created, or when the batch is being stopped and is over.
 */
export async function leadDistributed(lead: Lead, batch: LedBatch): Promise<void> {
  const { store, workerId, batchId } = lead;
  const members = createMemberSource(store, batch);
  const ringSize = chunkSize(batch.total);
  let led: LedBatch | undefined = batch;
  await ringLastStep(lead, batch, ringSize);
  // Rings for one step while the next is being created, never for more.
  let ringing = Promise.resolve();
  while (led?.status === 'RUNNING' && led.started < led.total && !lead.signal.aborted) {
    const from: number = led.started;
    const next = await members.take(from, Math.min(CREATE_STEP, led.total - from));
    const created = await store.createMembers({ workerId, batchId, from, members: next });
    if (created === undefined) {
      led = await store.read(workerId, batchId);
      continue;
    }
    led = { ...led, started: from + next.length };
    await ringing;
    ringing = ringMembers(lead, batch.queue, created, ringSize);
  }
  await ringing;
  if (lead.signal.aborted || led === undefined) return;
  // It may have been stopped since the last member was created.
  led = await store.read(workerId, batchId);
  if (led !== undefined && led.status !== 'RUNNING') await stopRest(lead, led);
}

/** The leader before may have died between creating its last step and ringing for it. */
export async function ringLastStep(lead: Lead, batch: LedBatch, ringSize: number): Promise<void> {
  if (batch.started === 0 || batch.status !== 'RUNNING') return;
  const from = Math.max(0, batch.started - CREATE_STEP);
  const open = await lead.store.openMembers(lead.batchId, from, CREATE_STEP);
  const due = open.filter(({ runnable }) => runnable).map(({ executionId }) => executionId);
  await ringMembers(lead, batch.queue, due, ringSize);
}
