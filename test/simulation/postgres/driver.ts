/** What `pg` exports, as far as `src/store/` uses it, over the simulated server. */
import type { Proc, World } from '../world.js';
import { type ListeningClient, type Result, refusedConnection, type Server, Session } from './server.js';

export interface Connected {
  server: Server;
  world: World;
}

let connected: Connected | undefined;

/** The server to which everybody connects from now on. */
export function connectTo(to: Connected): void {
  connected = to;
}

function here(): Connected & { proc: Proc } {
  if (connected === undefined) throw new Error('no server');
  const { current } = connected.world;
  if (current === undefined) throw new Error('a statement outside of any process');
  return { ...connected, proc: current };
}

type Query = string | { text: string; values?: readonly unknown[] };

function partsOf(query: Query, values: readonly unknown[] = []): [string, readonly unknown[]] {
  return typeof query === 'string' ? [query, values] : [query.text, query.values ?? []];
}

export class SimulatedPool {
  ending = false;
  readonly #server: Server;
  readonly #world: World;
  readonly #proc: Proc;
  #busy = 0;
  readonly #idle: (() => void)[] = [];

  constructor() {
    const { server, world, proc } = here();
    this.#server = server;
    this.#world = world;
    this.#proc = proc;
  }

  on(): this {
    return this;
  }

  async query(query: Query, values?: readonly unknown[]): Promise<Result> {
    this.#take();
    const session = new Session(this.#proc);
    try {
      const [text, given] = partsOf(query, values);
      return await this.#server.query(session, text, given);
    } finally {
      this.#giveBack();
    }
  }

  async connect(): Promise<PoolClient> {
    this.#take();
    if (this.#server.isDown) {
      this.#giveBack();
      await pause(this.#world, this.#proc);
      throw refusedConnection();
    }
    const session = this.#server.openSession(this.#proc);
    return new PoolClient(this.#server, session, () => {
      session.onReleased?.();
      this.#giveBack();
    });
  }

  /** Resolves when all of its sessions have come back. */
  async end(): Promise<void> {
    this.ending = true;
    if (this.#busy > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #take(): void {
    if (this.ending) throw new Error('Cannot use a pool after calling end on the pool');
    this.#busy++;
  }

  #giveBack(): void {
    this.#busy--;
    if (this.#busy === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

class PoolClient {
  readonly #server: Server;
  readonly #session: Session;
  readonly #giveBack: () => void;

  constructor(server: Server, session: Session, giveBack: () => void) {
    this.#server = server;
    this.#session = session;
    this.#giveBack = giveBack;
  }

  query(query: Query, values?: readonly unknown[]): Promise<Result> {
    const [text, given] = partsOf(query, values);
    return this.#server.query(this.#session, text, given);
  }

  on(): this {
    return this;
  }

  off(): this {
    return this;
  }

  /** With an error: the session is closed, and what it has not committed is rolled back. */
  release(error?: Error): void {
    if (error !== undefined) this.#server.close(this.#session);
    this.#giveBack();
  }
}

type Listener = (...values: unknown[]) => void;

/** A session of one's own, to listen with. */
export class SimulatedClient {
  readonly #server: Server;
  readonly #world: World;
  readonly #client: ListeningClient;
  readonly #channels = new Set<string>();
  readonly #on = new Map<string, Listener>();

  constructor() {
    const { server, world, proc } = here();
    this.#server = server;
    this.#world = world;
    this.#client = {
      proc,
      channels: this.#channels,
      onNotification: (channel, payload) => this.#on.get('notification')?.({ channel, payload }),
      onBroken: () => this.#on.get('error')?.(new Error('Connection terminated unexpectedly')),
    };
  }

  on(event: string, listener: Listener): this {
    this.#on.set(event, listener);
    return this;
  }

  escapeIdentifier(name: string): string {
    return name;
  }

  async connect(): Promise<void> {
    await pause(this.#world, this.#client.proc);
    if (this.#server.isDown) throw refusedConnection();
    this.#server.listen(this.#client);
  }

  async query(text: string): Promise<Result> {
    await pause(this.#world, this.#client.proc);
    this.#channels.add(text.replace(/^LISTEN /, ''));
    return { rows: [], rowCount: 0 };
  }

  end(): Promise<void> {
    this.#server.unlisten(this.#client);
    return Promise.resolve();
  }
}

function pause(world: World, proc: Proc): Promise<void> {
  return new Promise((resolve) => world.after(1, proc, resolve));
}
