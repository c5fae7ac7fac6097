/**
 * Waiting for a task of an activity. Every process listens with one session, however many poll in it. A task wakes
 * one poller of each process; since a notification can be lost with its session, one poller of each
 * activity also looks once a second.
 */
import { TASKS_CHANNEL } from './activities.js';
import type { Database, StoreLog } from './database.js';
import { type Listener, listen } from './listener.js';

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

const LOOK_AGAIN_MS = 1_000;

export function createTaskBell(database: Pick<Database, 'url'>, log: StoreLog): TaskBell {
  /** A Set keeps the order in which they came. */
  const waiting = new Map<string, Set<() => void>>();
  let listener: Listener | undefined;
  let look: NodeJS.Timeout | undefined;

  const ring = (activity: string): void => {
    const [first] = waiting.get(activity) ?? [];
    first?.();
  };

  const ringAll = (): void => {
    for (const activity of [...waiting.keys()]) ring(activity);
  };

  const open = (): void => {
    listener ??= listen({
      url: database.url,
      onNotification: { [TASKS_CHANNEL]: ring },
      onConnected: ringAll,
      onBroken: (error) => log.warn({ err: error }, 'the session that listens for tasks broke'),
    });
    look ??= setInterval(ringAll, LOOK_AGAIN_MS);
  };

  const leave = (activity: string, finish: () => void): void => {
    const others = waiting.get(activity);
    others?.delete(finish);
    if (others?.size === 0) waiting.delete(activity);
    if (waiting.size > 0) return;
    clearInterval(look);
    look = undefined;
  };

  return {
    wait: (activity, timeoutMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true || timeoutMs <= 0) {
          resolve();
          return;
        }
        const finish = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', finish);
          leave(activity, finish);
          resolve();
        };
        const timer = setTimeout(finish, timeoutMs);
        signal?.addEventListener('abort', finish, { once: true });
        const others = waiting.get(activity) ?? new Set();
        waiting.set(activity, others.add(finish));
        open();
      }),
    ring,
    close: async () => {
      for (const pollers of [...waiting.values()]) for (const finish of [...pollers]) finish();
      await listener?.close();
      listener = undefined;
    },
  };
}
