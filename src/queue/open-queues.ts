import type { Backend, OpenQueue } from './backend.js';
import { assertQueueName } from './names.js';
import type { Outage } from './outage.js';

/** So many queues stay open for ringing and asking; the one used longest ago makes room. */
const MAX_OPEN = 500;

/** BullMQ's queues by name, opened when first used. */
export class OpenQueues {
  readonly #backend: Backend;
  readonly #outage: Outage;
  readonly #open = new Map<string, { queue: OpenQueue; users: number }>();

  constructor(backend: Backend, outage: Outage) {
    this.#backend = backend;
    this.#outage = outage;
  }

  /** Lends a queue for as long as `task` runs. The backend has to be reached before. */
  async use<T>(name: string, task: (queue: OpenQueue) => Promise<T>): Promise<T> {
    const entry = this.#take(name);
    entry.users += 1;
    try {
      return await task(entry.queue);
    } finally {
      entry.users -= 1;
    }
  }

  async close(): Promise<void> {
    const entries = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(entries.map(({ queue }) => queue.close()));
  }

  #take(name: string): { queue: OpenQueue; users: number } {
    let entry = this.#open.get(name);
    if (entry === undefined) {
      assertQueueName(name);
      const queue = this.#backend.openQueue(name);
      queue.on('error', (error) => this.#outage.failed(error));
      entry = { queue, users: 0 };
      this.#makeRoom();
    } else {
      this.#open.delete(name); // to the end: the map is in the order of use
    }
    this.#open.set(name, entry);
    return entry;
  }

  #makeRoom(): void {
    if (this.#open.size < MAX_OPEN) return;
    for (const [name, { queue, users }] of this.#open) {
      if (users > 0) continue;
      this.#open.delete(name);
      queue.close().catch((error: unknown) => this.#outage.failed(error));
      return;
    }
  }
}
