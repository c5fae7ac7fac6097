/**
 * One process of the town, API or worker, behind proxies of its own. Whoever runs processes starts again what has ended
 * (`restart: unless-stopped`), and so does a member: a process that is killed comes back, as another one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { guardAgainstOrphaning } from '../../src/main/orphan-guard.js';
import { startProxy, type Wire } from './proxy.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export type Kind = 'api' | 'worker';

export interface Member {
  readonly kind: Kind;
  readonly name: string;
  /** undefined while there is no process that has said it is ready. */
  readonly pid: number | undefined;
  /** Of an API that listens. */
  readonly url: string | undefined;
  readonly toDatabase: Wire;
  readonly toRedis: Wire;
  /** How its processes ended that were asked to end in order: exit codes, or signals. */
  readonly orderly: readonly string[];
  /** Ways in which its processes ended that nobody wished for, after they had been ready. */
  readonly deaths: readonly string[];
  /** Sends a signal to its process, if it has one. SIGKILL and SIGTERM answer when it has ended. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** Ends its process in order and starts one with this instead. */
  replace(manner: Manner): Promise<void>;
  /** Resolves when it has a process that is ready. @throws when that takes longer than `withinMs` */
  ready(withinMs?: number): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/** What a process is started with besides what the town says. */
export interface Manner {
  /** Modules that are loaded first, as URLs. */
  preload?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

export interface MemberOptions {
  kind: Kind;
  name: string;
  database: URL;
  redis: URL;
  env: Readonly<Record<string, string>>;
  /** Gets whatever its processes write, line by line. */
  onLine: (name: string, line: string) => void;
}

const AGAIN_MS = 200;
const READY_MS = 90_000;
const READY = new Set(['the API listens', 'the worker takes work']);

export async function startMember(options: MemberOptions): Promise<Member> {
  const { kind, name, database, redis } = options;
  const toDatabase = await startProxy({ host: database.hostname, port: Number(database.port) });
  const toRedis = await startProxy({ host: redis.hostname, port: Number(redis.port) });
  const deaths: string[] = [];
  const orderly: string[] = [];
  let manner: Manner = {};
  let child: ChildProcess | undefined;
  let ready: { pid: number; url: string | undefined } | undefined;
  let stopped = false;
  /** A process whose end was asked for. */
  const condemned = new WeakSet<ChildProcess>();

  const run = async (): Promise<void> => {
    while (!stopped) {
      const started = launch();
      child = started;
      await once(started, 'exit');
      if (ready !== undefined && !condemned.has(started)) {
        deaths.push(`${name} ended by itself (${started.exitCode ?? started.signalCode})`);
      }
      ready = undefined;
      if (!stopped) await sleep(AGAIN_MS);
    }
  };

  const launch = (): ChildProcess => {
    const imports = (manner.preload ?? []).flatMap((url) => ['--import', url]);
    const started = spawn(process.execPath, [...imports, `dist/main/${kind}.js`], {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'] ?? '',
        ...options.env,
        DATABASE_URL: through(database, toDatabase),
        REDIS_URL: through(redis, toRedis),
        PORT: '0',
        ...manner.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    guardAgainstOrphaning(started);
    for (const stream of [started.stdout, started.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        options.onLine(name, line);
        const said = read(line);
        if (started !== child || !READY.has(String(said?.['msg']))) return;
        const url = said?.['url'];
        ready = { pid: started.pid ?? 0, url: typeof url === 'string' ? url : undefined };
      });
    }
    return started;
  };

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const victim = child;
    if (victim === undefined || victim.exitCode !== null || victim.signalCode !== null) return;
    condemned.add(victim);
    ready = undefined;
    victim.kill(signal);
    await once(victim, 'exit');
    if (signal === 'SIGTERM') orderly.push(String(victim.exitCode ?? victim.signalCode));
  };

  const running = run();
  return {
    kind,
    name,
    toDatabase,
    toRedis,
    deaths,
    orderly,
    get pid() {
      return ready?.pid;
    },
    get url() {
      return ready?.url;
    },
    signal: async (signal) => {
      if (signal === 'SIGKILL' || signal === 'SIGTERM') return end(signal);
      child?.kill(signal);
    },
    replace: async (next) => {
      manner = next;
      await end('SIGTERM');
    },
    ready: async (withinMs = READY_MS) => {
      const deadline = performance.now() + withinMs;
      while (ready === undefined) {
        if (performance.now() > deadline) throw new Error(`${name} was not ready within ${withinMs} ms`);
        await sleep(20);
      }
    },
    stop: async () => {
      stopped = true;
      await end('SIGTERM');
      await running;
      await Promise.all([toDatabase.close(), toRedis.close()]);
    },
  };
}

function through(server: URL, proxy: Wire): string {
  const url = new URL(server);
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  return url.href;
}

function read(line: string): Record<string, unknown> | undefined {
  try {
    const said: unknown = JSON.parse(line);
    return typeof said === 'object' && said !== null ? { ...said } : undefined;
  } catch {
    return undefined; // a complaint on standard error
  }
}
