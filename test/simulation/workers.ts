/** The workers of a run: real ones, each in a process of the virtual world, and another for each that dies. */
import { createArns } from '../../src/engine/index.js';
import { createDatabaseClock } from '../../src/main/clock.js';
import type { Database, MachineVersion } from '../../src/store/index.js';
import { createFunctions, type Handlers } from '../../src/tasks/index.js';
import { startWorker, type Worker } from '../../src/worker/index.js';
import { uuid } from './ambient.js';
import type { Broker } from './broker.js';
import { SimulatedPool } from './postgres/driver.js';
import type { Random } from './random.js';
import type { Proc, World } from './world.js';

export const ARNS = createArns({ region: 'us-east-1', accountId: '000000000000' });

/** As the service has them by default; only the sweeper comes less often, since most of what it asks is idle here. */
const CONFIG = {
  historyLimit: 25_000,
  queues: undefined,
  retryPolicy: { attempts: 5, backoffMs: 1_000, timeoutMs: 60_000 },
  leaseMs: 10_000,
  heartbeatMs: 2_500,
  sweepMs: 5_000,
  shutdownGraceMs: 10_000,
};

export interface WorkersOptions {
  world: World;
  random: Random;
  broker: Broker;
  concurrency: number;
  handlersFor: (proc: Proc) => Handlers;
  versionOf: (stateMachineId: string) => MachineVersion | undefined;
  /** Something that no fault of the world explains. */
  onError: (error: unknown, message: string) => void;
  /** Whether an execution is that process's own. */
  isOwn: (proc: Proc, executionId: string) => boolean;
}

/** A place in which a worker runs; when it dies, another comes. */
interface Place {
  proc: Proc;
  worker: Worker | undefined;
}

export class Workers {
  readonly #options: WorkersOptions;
  readonly #places: Place[] = [];
  #started = 0;

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  /** Of a place; the place of a number that is too large is another one. */
  procOf(place: number): Proc | undefined {
    return this.#places[place % this.#places.length]?.proc;
  }

  open(skewMs: number): void {
    this.#places.push(this.#start(skewMs));
  }

  /** kill -9; another one comes after so many ms. */
  kill(proc: Proc, backMs: number): void {
    const { world } = this.#options;
    const at = this.#places.findIndex((place) => place.proc === proc);
    if (at === -1 || !proc.alive) return;
    world.kill(proc);
    world.after(backMs, undefined, () => {
      this.#places[at] = this.#start(proc.skewMs);
    });
  }

  /** SIGTERM; another one comes at once. */
  terminate(place: number): void {
    const { world } = this.#options;
    const at = place % this.#places.length;
    const old = this.#places[at];
    if (old?.worker === undefined || !old.proc.alive) return;
    world.note(`${old.proc.name} gets SIGTERM`);
    const { worker, proc } = old;
    this.#places[at] = this.#start(proc.skewMs);
    world.after(0, proc, () => {
      void worker.stop().then(
        () => world.kill(proc),
        (error: unknown) => this.#options.onError(error, 'a worker could not stop'),
      );
    });
  }

  #start(skewMs: number): Place {
    const { world } = this.#options;
    const proc = world.spawn(`worker-${String(++this.#started)}`, skewMs);
    world.note(`${proc.name} starts`);
    const place: Place = { proc, worker: undefined };
    const begin = (): void => {
      this.#begin(proc).then(
        (worker) => {
          place.worker = worker;
        },
        // The service ends when it cannot reach its database at the start, and is started again.
        () => world.after(1_000, proc, begin),
      );
    };
    world.after(0, proc, begin);
    return place;
  }

  #begin(proc: Proc): Promise<Worker> {
    const { random, broker, concurrency, handlersFor, versionOf, onError, isOwn, world } = this.#options;
    const dice = random.fork(proc.name);
    const log = {
      info: () => undefined,
      warn: (about: object, message: string) => world.note(`${proc.name}: ${message}${errorIn(about)}`),
      error: (about: object, message: string) => {
        world.note(`${proc.name}: ${message}${errorIn(about)}`);
        if (!('err' in about)) return;
        // Who has lost an execution may read what has come in for its successor, and make nothing of it.
        const lost = 'executionId' in about && !isOwn(proc, String(about.executionId));
        if (!lost) onError(about.err, message);
      },
    };
    return startWorker({
      database: openDatabase(),
      queues: broker.open(proc),
      functions: createFunctions({
        handlers: handlersFor(proc),
        arnOf: (name) => ARNS.function(name),
        logFor: () => ({ debug: noop, info: noop, warn: noop, error: noop }),
      }),
      arns: ARNS,
      objects: undefined,
      clock: createDatabaseClock(),
      entropy: { random: () => dice.next(), uuid: () => uuid(dice), pause: () => Promise.resolve() },
      versionOf: (id) => Promise.resolve(versionOf(id)),
      config: { ...CONFIG, concurrency },
      log,
    });
  }
}

function noop(): void {}

function errorIn(about: object): string {
  return 'err' in about ? ` (${about.err instanceof Error ? about.err.message : String(about.err)})` : '';
}

/** The database of one process. Prisma is asked for the queues alone. */
export function openDatabase(): Database {
  const queues = [{ name: 'default', weight: 3, stateMachineId: null }];
  const database = {
    pool: new SimulatedPool(),
    prisma: { queue: { findMany: () => Promise.resolve(queues) } },
    url: 'postgres://simulated',
    close: () => Promise.resolve(),
  };
  // What of a pool and of Prisma is used here is there; anything else would throw, and be seen.
  return database as unknown as Database;
}
