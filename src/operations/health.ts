import { setTimeout as sleep } from 'node:timers/promises';
import type { Deps } from './deps.js';
import type { HealthOperations } from './types.js';

export function createHealthOperations({ database, queues }: Deps): HealthOperations {
  return {
    ready: async () => {
      const [databaseUp, queueUp] = await Promise.all([
        answers(async () => void (await database.pool.query('SELECT 1'))),
        answers(() => queues.ping()),
      ]);
      return {
        // Without the queue a start is still accepted, and rung for later: no reason to send callers elsewhere.
        ready: databaseUp,
        database: databaseUp ? 'up' : 'down',
        queue: queueUp ? 'up' : 'down',
      };
    },
    sessionTurn: () =>
      database.pool.waitingCount === 0
        ? undefined
        : database.pool.connect().then((session) => session.release()),
  };
}

/** Who asks for health gives up after a few seconds, so must we. */
const ANSWER_MS = 2_000;

async function answers(ask: () => Promise<void>): Promise<boolean> {
  const over = new AbortController();
  try {
    return await Promise.race([
      ask().then(
        () => true,
        () => false,
      ),
      sleep(ANSWER_MS, false, { signal: over.signal }),
    ]);
  } finally {
    over.abort();
  }
}
