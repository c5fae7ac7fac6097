import type { Slot, SlotPool } from '../queue/index.js';

/**
 * Waits for a slot, or until the signal aborts: a slot that is granted after that goes straight back.
 * @throws the signal's reason; NoSlot when the queue is no longer taken from.
 */
export function acquireUntil(pool: SlotPool, queue: string, signal: AbortSignal): Promise<Slot> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    pool
      .acquire(queue)
      .then((slot) => {
        if (signal.aborted) slot.release();
        else resolve(slot);
      }, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
