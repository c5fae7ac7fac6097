/**
 * LISTEN on one session of its own, rebuilt when it breaks. What was notified while it was broken is
 * gone: who listens must also ask now and then.
 */
import pg from 'pg';

export interface ListenerOptions {
  url: string;
  /** By channel. */
  onNotification: Readonly<Record<string, (payload: string) => void>>;
  /** Called each time the session has been (re)built: the moment to ask for what was missed. */
  onConnected?: () => void;
  onBroken: (error: Error) => void;
}

export interface Listener {
  close(): Promise<void>;
}

const RECONNECT_MS = 500;

/** LISTENs with a session of its own, which is built anew whenever it breaks. What was sent meanwhile is lost: see `onConnected`. */
export function listen({ url, onNotification, onConnected, onBroken }: ListenerOptions): Listener {
  let closed = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let told = false;

  const connect = async (): Promise<void> => {
    if (closed) return;
    const next = new pg.Client({
      connectionString: url,
      application_name: 'escapement listener',
      keepAlive: true,
    });
    client = next;
    next.on('error', (error) => broken(next, error));
    next.on('end', () => broken(next, new Error('the session ended')));
    next.on('notification', ({ channel, payload }) => onNotification[channel]?.(payload ?? ''));
    try {
      await next.connect();
      for (const channel of Object.keys(onNotification))
        await next.query(`LISTEN ${next.escapeIdentifier(channel)}`);
      told = false;
      if (!closed) onConnected?.();
    } catch (error) {
      broken(next, error instanceof Error ? error : new Error(String(error)));
    }
  };

  const broken = (which: pg.Client, error: Error): void => {
    if (closed || which !== client) return;
    client = undefined;
    void which.end().catch(() => undefined);
    // Once per outage: a database that is away for an hour need not fill the log.
    if (!told) onBroken(error);
    told = true;
    timer = setTimeout(() => void connect(), RECONNECT_MS);
  };

  void connect();
  return {
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
