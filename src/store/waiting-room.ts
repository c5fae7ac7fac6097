/**
 * Those who wait in this process for something that is notified in the database, by key. One session listens for all
 * of them, as long as the process lives once somebody has waited; while somebody waits, it is also looked again from
 * time to time, since a notification can be lost with its session.
 */
import type { Database, StoreLog } from './database.js';
import { type Listener, listen } from './listener.js';

interface WaitingRoom {
  /**
   * Resolves when `tell` or `tellFirst` says so, when `timeoutMs` is over, or when `signal` aborts. Never rejects.
   * @param entered called when a notification from now on would be heard, unless the wait is over at once.
   */
  wait(key: string, timeoutMs: number, signal?: AbortSignal, entered?: () => void): Promise<void>;
  /** Wakes all who wait for the key. */
  tell(key: string): void;
  /** Wakes who has waited for the key for longest. */
  tellFirst(key: string): void;
  /** What is waited for. */
  keys(): string[];
  /** Wakes everybody, and stops listening. */
  close(): Promise<void>;
}

interface WaitingRoomOptions {
  database: Pick<Database, 'url'>;
  channel: string;
  /** Called with the payload of each notification. */
  onNotification: (payload: string) => void;
  /** Called when the session is new, and once a second while somebody waits. */
  lookAgain: () => void;
  /** What is listened for, for the log. */
  what: string;
  log: StoreLog;
}

/** Often enough for who waits, seldom enough to cost nothing. */
const LOOK_AGAIN_MS = 1_000;

/** The longest that a timer can be, ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function createWaitingRoom(options: WaitingRoomOptions): WaitingRoom {
  const { database, channel, onNotification, lookAgain, what, log } = options;
  /** A Set keeps the order in which they came. */
  const waiting = new Map<string, Set<() => void>>();
  let listener: Listener | undefined;
  let look: NodeJS.Timeout | undefined;

  const open = (): void => {
    listener ??= listen({
      url: database.url,
      onNotification: { [channel]: onNotification },
      onConnected: lookAgain,
      onBroken: (error) => log.warn({ err: error }, `the session that listens for ${what} broke`),
    });
    look ??= setInterval(lookAgain, LOOK_AGAIN_MS);
  };

  const leave = (key: string, finish: () => void): void => {
    const others = waiting.get(key);
    others?.delete(finish);
    if (others?.size === 0) waiting.delete(key);
    if (waiting.size > 0) return;
    clearInterval(look);
    look = undefined;
  };

  return {
    wait: (key, timeoutMs, signal, entered) =>
      new Promise((resolve) => {
        if (signal?.aborted === true || timeoutMs <= 0) {
          resolve();
          return;
        }
        const finish = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', finish);
          leave(key, finish);
          resolve();
        };
        const timer = setTimeout(finish, Math.min(timeoutMs, LONGEST_TIMER_MS));
        signal?.addEventListener('abort', finish, { once: true });
        const others = waiting.get(key) ?? new Set();
        waiting.set(key, others.add(finish));
        open();
        entered?.();
      }),
    tell: (key) => {
      for (const finish of waiting.get(key) ?? []) finish();
    },
    tellFirst: (key) => {
      const [first] = waiting.get(key) ?? [];
      first?.();
    },
    keys: () => [...waiting.keys()],
    close: async () => {
      for (const finishers of [...waiting.values()]) for (const finish of [...finishers]) finish();
      await listener?.close();
      listener = undefined;
    },
  };
}
