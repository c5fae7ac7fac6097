/**
 * Waiting for a task of an activity. Every process listens with one session, however many poll in it. A task wakes
 * one poller of each process; since a notification can be lost with its session, one poller of each
 * activity also looks once a second.
 */
import { TASKS_CHANNEL } from './activities.js';
import type { Database, StoreLog } from './database.js';
import { createWaitingRoom } from './waiting-room.js';

export interface TaskBell {
  /**
   * Resolves when it is worth looking for a task, when `timeoutMs` is over, or when `signal` aborts. Who then finds
   * a task should `ring` for the next, since there may be more.
   */
  wait(activity: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<void>;
  /** Wakes the poller of this process that has waited for longest. */
  ring(activity: string): void;
  close(): Promise<void>;
}

/** One session of the database for all who poll in this process. */
export function createTaskBell(database: Pick<Database, 'url'>, log: StoreLog): TaskBell {
  const room = createWaitingRoom({
    database,
    channel: TASKS_CHANNEL,
    onNotification: (activity) => room.tellFirst(activity),
    lookAgain: () => {
      for (const activity of room.keys()) room.tellFirst(activity);
    },
    what: 'tasks',
    log,
  });
  return {
    wait: (activity, timeoutMs, signal) => room.wait(activity, timeoutMs, signal),
    ring: (activity) => room.tellFirst(activity),
    close: () => room.close(),
  };
}
