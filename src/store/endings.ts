/**
 * Waiting for the end of an execution or a batch. The statement that ends one notifies a channel, for those
 * that somebody waits on; every process listens with one session, however many wait in it. Since a
 * notification can be lost with its session, it also asks once a second, for all of them at once.
 */
import type { Database, StoreLog } from './database.js';
import { createWaitingRoom } from './waiting-room.js';

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

/** One session of the database for all who wait in this process. */
export function createEndings(database: Database, log: StoreLog): Endings {
  let asking = false;

  const ask = async (ids: string[]): Promise<void> => {
    try {
      for (const id of await findEnded(database, ids)) room.tell(id);
    } catch (error) {
      log.warn({ err: error }, 'could not ask what has ended; asking again');
    }
  };

  const askForAll = async (): Promise<void> => {
    const ids = room.keys();
    if (asking || ids.length === 0) return;
    asking = true;
    await ask(ids);
    asking = false;
  };

  const room = createWaitingRoom({
    database,
    channel: ENDED_CHANNEL,
    onNotification: (id) => room.tell(id),
    lookAgain: () => void askForAll(),
    what: 'endings',
    log,
  });

  return {
    // It may have ended before we began to listen.
    waitForEnd: (id, timeoutMs, signal) => room.wait(id, timeoutMs, signal, () => void ask([id])),
    close: () => room.close(),
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
