import { leadLimited } from './concurrent.js';
import type { Lead } from './lead.js';
import type { LedBatch } from './ports.js';

/** One after another, in order: the next is created only when the one before has ended, however long it was parked. */
export function leadSequential(lead: Lead, batch: LedBatch): Promise<void> {
  return leadLimited(lead, batch, 1);
}
