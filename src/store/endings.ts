/**
 * Waiting for the end of an execution or a batch. The statement that ends one notifies a channel, for those
 * that somebody waits on; every process listens with one session, however many wait in it. Since a
 * notification can be lost with its session, it also asks once a second, for all of them at once.
 */
import type { Database, StoreLog } from './database.js';
import { type Listener, listen } from './listener.js';

export interface Endings {
  /**
   * Resolves when it has ended, when `timeoutMs` is over, or when `signal` aborts: look at it to know which.
   * Never rejects: a database that is away now may be back before the time is over.
   */
  waitForEnd(id: string, timeoutMs: number, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** The channel; the payload is the id. */
export const ENDED_CHANNEL = 'escapement_ended';

/** Often enough for who waits, seldom enough to cost nothing. */
const POLL_MS = 1_000;

export function createEndings(database: Database, log: StoreLog): Endings {
  const waiting = new Map<string, Set<() => void>>();
  let listener: Listener | undefined;
  let poll: NodeJS.Timeout | undefined;
  let asking = false;

  const tell = (id: string): void => {
    for (const resolve of waiting.get(id) ?? []) resolve();
  };

  const ask = async (ids: string[]): Promise<void> => {
    try {
      for (const id of await findEnded(database, ids)) tell(id);
    } catch (error) {
      log.warn({ err: error }, 'could not ask what has ended; asking again');
    }
  };

  const askForAll = async (): Promise<void> => {
    if (asking || waiting.size === 0) return;
    asking = true;
    await ask([...waiting.keys()]);
    asking = false;
  };

  const open = (): void => {
    listener ??= listen({
      url: database.url,
      onNotification: { [ENDED_CHANNEL]: tell },
      onConnected: () => void askForAll(),
      onBroken: (error) => log.warn({ err: error }, 'the session that listens for endings broke'),
    });
    poll ??= setInterval(() => void askForAll(), POLL_MS);
  };

  const enter = (id: string, resolve: () => void): void => {
    const others = waiting.get(id) ?? new Set();
    waiting.set(id, others.add(resolve));
  };

  const leave = (id: string, resolve: () => void): void => {
    const others = waiting.get(id);
    others?.delete(resolve);
    if (others?.size === 0) waiting.delete(id);
    if (waiting.size > 0) return;
    clearInterval(poll);
    poll = undefined;
  };

  return {
    waitForEnd: (id, timeoutMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true || timeoutMs <= 0) {
          resolve();
          return;
        }
        const finish = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', finish);
          leave(id, finish);
          resolve();
        };
        const timer = setTimeout(finish, Math.min(timeoutMs, 2 ** 31 - 1)); // the longest that a timer can be
        signal?.addEventListener('abort', finish, { once: true });
        enter(id, finish);
        open();
        // It may have ended before we began to listen.
        void ask([id]);
      }),
    close: async () => {
      for (const resolvers of [...waiting.values()]) for (const resolve of [...resolvers]) resolve();
      await listener?.close();
      listener = undefined;
    },
  };
}

/** Plan: Index Scans using the primary keys. */
async function findEnded({ pool }: Database, ids: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM executions WHERE id = ANY($1::uuid[]) AND end_time IS NOT NULL
     UNION ALL SELECT id FROM batches WHERE id = ANY($1::uuid[]) AND end_time IS NOT NULL`,
    [ids],
  );
  return rows.map(({ id }) => id);
}
