/**
 * A TCP proxy of our own, between one process and one server: a network that can be made bad, for that process alone.
 *
 * 1. Bytes keep their order, whatever the latency.
 * 2. A connection that is half open takes what either side sends and delivers nothing, and neither side hears of it;
 *    new connections are as good as ever. When the network heals it is reset, as the other side's kernel would do.
 * 3. While it is stalled, connections are taken and nothing is delivered; what was sent comes through afterwards.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Wire {
  port: number;
  /** Each chunk of bytes takes so long, in ms, in either direction; asked anew for every chunk. */
  delay(ms: () => number): void;
  /** Holds back whatever is sent, until it is healed. */
  stall(): void;
  /** Resets each open connection that `chosen` picks. Answers how many. */
  reset(chosen: () => boolean): number;
  /** Makes the connections that are open now half open. Answers how many. */
  halfOpen(): number;
  /** No delay, nothing held back; what is half open is reset. */
  heal(): void;
  close(): Promise<void>;
}

export async function startProxy(upstream: { host: string; port: number }): Promise<Wire> {
  const pairs = new Set<Pair>();
  let delayMs = (): number => 0;
  let stalled = false;
  const conditions: Conditions = { delayMs: () => delayMs(), isStalled: () => stalled };
  const server = createServer((client) => {
    const pair = new Pair(client, connect(upstream.port, upstream.host), conditions);
    pairs.add(pair);
    pair.onEnd = () => pairs.delete(pair);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy got no port');

  return {
    port: address.port,
    delay: (ms) => {
      delayMs = ms;
    },
    stall: () => {
      stalled = true;
    },
    reset: (chosen) => {
      const hit = [...pairs].filter(chosen);
      for (const pair of hit) pair.cut();
      return hit.length;
    },
    halfOpen: () => {
      const open = [...pairs].filter((pair) => !pair.isDeaf);
      for (const pair of open) pair.isDeaf = true;
      return open.length;
    },
    heal: () => {
      delayMs = () => 0;
      stalled = false;
      for (const pair of pairs) {
        if (pair.isDeaf) pair.cut();
        else pair.flush();
      }
    },
    close: async () => {
      for (const pair of pairs) pair.cut();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Conditions {
  delayMs(): number;
  isStalled(): boolean;
}

/** One connection: the process's side and the server's. */
class Pair {
  isDeaf = false;
  onEnd: () => void = () => undefined;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #lanes: Lane[];

  constructor(client: Socket, server: Socket, conditions: Conditions) {
    this.#client = client;
    this.#server = server;
    this.#lanes = [new Lane(client, server, conditions, this), new Lane(server, client, conditions, this)];
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      // Deaf: the other side is not to learn of it.
      socket.on('close', () => {
        if (!this.isDeaf) this.cut();
        else if (client.destroyed && server.destroyed) this.onEnd();
      });
      socket.on('error', () => undefined); // `close` follows
    }
  }

  cut(): void {
    // Not resetAndDestroy: of a socket that is just shutting down, Node 20 then leaves the handle open for good.
    this.#client.destroy();
    this.#server.destroy();
    this.onEnd();
  }

  flush(): void {
    for (const lane of this.#lanes) lane.flush();
  }
}

/** One direction of a connection. */
class Lane {
  readonly #to: Socket;
  readonly #conditions: Conditions;
  readonly #pair: Pair;
  readonly #held: { chunk: Buffer | undefined; dueAt: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, conditions: Conditions, pair: Pair) {
    this.#to = to;
    this.#conditions = conditions;
    this.#pair = pair;
    from.on('data', (chunk: Buffer) => {
      this.#take(chunk);
      if (to.writableLength > PAUSE_BYTES) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
    from.on('end', () => this.#take(undefined));
  }

  /** undefined: the end. */
  #take(chunk: Buffer | undefined): void {
    if (this.#pair.isDeaf) return;
    const last = this.#held.at(-1);
    const dueAt = Math.max(last?.dueAt ?? 0, performance.now() + this.#conditions.delayMs());
    this.#held.push({ chunk, dueAt });
    this.flush();
  }

  flush(): void {
    clearTimeout(this.#timer);
    if (this.#conditions.isStalled()) return;
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      const leftMs = next.dueAt - performance.now();
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.flush(), leftMs);
        return;
      }
      this.#held.shift();
      if (this.#pair.isDeaf || this.#to.destroyed) continue;
      if (next.chunk === undefined) this.#to.end();
      else this.#to.write(next.chunk);
    }
  }
}

/** What may lie in the proxy before the sender is made to wait. */
const PAUSE_BYTES = 1024 * 1024;
