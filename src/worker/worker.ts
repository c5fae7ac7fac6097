/**
 * A worker's life: register, take what is rung for, beat, sweep; and at the end hand everything back.
 *
 * 1. What runs here is known by this worker's row in the database; when that row is gone, everything in
 *    memory is dropped and the worker registers anew.
 * 2. Shutting down takes no more work first, lets tasks under way end within the grace, and hands the rest
 *    back at once: nobody waits for this worker's lease to run out.
 */
import { createLeader } from '../batches/index.js';
import type { Config } from '../config.js';
import type { Arns, Clock, Entropy } from '../engine/index.js';
import type { ObjectStore } from '../objects/index.js';
import { type Queues, SlotPool } from '../queue/index.js';
import {
  BATCH_STOP_CHANNEL,
  createBatchStore,
  type Database,
  GATE_CHANNEL,
  INBOX_CHANNEL,
  type Listener,
  listen,
  listQueues,
  MAP_RUN_CHANNEL,
  type MachineVersion,
  QUEUES_CHANNEL,
  SCHEDULES_CHANNEL,
  STOP_CHANNEL,
  type ToTell,
  tellMapRunParents,
  tellParents,
} from '../store/index.js';
import type { Functions } from '../tasks/index.js';
import { createForgotten } from './forgotten.js';
import { createGatekeeper } from './gatekeeper.js';
import { startRetirement } from './retirement.js';
import { createRunner, type WorkerLog } from './runner.js';
import { startScheduler } from './scheduler.js';
import type { HttpSettings } from './services/http.js';
import { createServices } from './services/index.js';
import { createMapRuns } from './services/map-runs.js';
import { ringFor } from './services/service.js';
import { openSession, type Session } from './session.js';
import { acquireUntil } from './slots.js';
import { createStopLane } from './stop-lane.js';
import { type Bell, startSweeper } from './sweeper.js';
import { createThrottle } from './throttle.js';

export interface WorkerOptions {
  database: Database;
  queues: Queues;
  functions: Functions;
  arns: Arns;
  /** Where distributed Maps read and write; undefined: nowhere. */
  objects: ObjectStore | undefined;
  /** Of calls over HTTP; absent: no secrets, and public addresses only. */
  http?: HttpSettings;
  clock: Clock & { follow(nowMs: number): void };
  entropy: Entropy;
  /** A version of a machine, or, of `<id>/<label>`, what the children of that Map run. */
  versionOf: (stateMachineId: string, version: number) => Promise<MachineVersion | undefined>;
  config: Pick<
    Config,
    | 'concurrency'
    | 'historyLimit'
    | 'queues'
    | 'retryPolicy'
    | 'leaseMs'
    | 'heartbeatMs'
    | 'sweepMs'
    | 'shutdownGraceMs'
  > &
    Partial<Pick<Config, 'nestingLimit' | 'retention' | 'slowCommitMs'>>;
  log: WorkerLog;
}

export interface Worker {
  /** Takes no more, ends or hands back what it has, and leaves. At most the grace, and a little. */
  stop(): Promise<void>;
}

const REGISTER_AGAIN_MS = 1_000;
const SWEEP_GRACE_MS = 2_000;

/** Registers and begins to take work. @throws what the database throws when it cannot be reached. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { database, queues, clock, entropy, arns, objects, versionOf, config, log } = options;
  const pool = new SlotPool(config.concurrency);
  const throttle = createThrottle({ pool, slowMs: config.slowCommitMs ?? 0, log });
  let stopping = false;
  let leading = new AbortController();
  const leads = new Set<Promise<void>>();

  const ring = ({ queue, executionId, delayMs, jobId }: Bell): Promise<void> =>
    queues.producer.ring(queue, [executionId], { delayMs, ...(jobId === undefined ? {} : { jobId }) });

  const ringOrLeaveIt = (bell: Bell): void => {
    ring(bell).catch((error: unknown) => {
      log.warn({ err: error, queue: bell.queue }, 'a doorbell could not be rung; the sweeper will');
    });
  };

  const ringNow = (queue: string, executionId: string): void =>
    ringOrLeaveIt({ queue, executionId, delayMs: 0, jobId: undefined });

  const ringBatch = (queue: string, batchId: string): Promise<void> =>
    queues.producer.ringBatch(queue, batchId, { jobId: `batch-${batchId}` });

  /** Parents that wait for what has ended. What cannot be told now, the sweeper tells. */
  const tell = async ({ executions, mapRuns }: ToTell): Promise<void> => {
    try {
      const parents = [
        ...(await tellParents(database.pool, arns, executions)),
        ...(await tellMapRunParents(database.pool, mapRuns)),
      ];
      ringFor({ ring: ringNow }, parents);
    } catch (error) {
      log.warn({ err: error }, 'a parent could not be told of an end; the sweeper will');
    }
  };
  /** Under way. */
  const telling = new Set<Promise<void>>();
  const tellSoon = (ended: ToTell): void => {
    const told = tell(ended).finally(() => telling.delete(told));
    telling.add(told);
  };

  const gatekeeper = createGatekeeper({
    database,
    ring: ringOrLeaveIt,
    ringChunks: (queue, ids, chunkSize) => queues.producer.ringChunks(queue, ids, chunkSize),
    log,
  });
  const mapRuns = createMapRuns({
    database,
    objects,
    arns,
    clock,
    entropy,
    machineOf: async (stateMachineId, version) => (await versionOf(stateMachineId, version))?.machine,
    ringBatch,
    ring: ringNow,
    log,
  });
  const tasks = createServices({
    database,
    functions: options.functions,
    mapRuns,
    http: options.http,
    nestingLimit: config.nestingLimit ?? 0,
    arns,
    ring: ringNow,
    log,
  });
  const runner = createRunner({
    ...options,
    tasks,
    onEnded: (executionId) => tellSoon({ executions: [executionId], mapRuns: [] }),
    policy: config.retryPolicy,
    session: () => session,
    historyLimit: config.historyLimit,
    ring: ringOrLeaveIt,
  });
  const leader = createLeader({
    store: createBatchStore(database),
    doorbell: queues.producer,
    pool: { acquire: (queue, signal) => acquireUntil(pool, queue, signal) },
    runner,
    onFault: (error, batchId) => log.warn({ err: error, batchId }, 'leading a batch met a fault'),
  });
  const lead = (batchId: string): void => {
    if (stopping) return;
    const led = leader.lead(session.workerId, batchId, leading.signal).finally(() => leads.delete(led));
    leads.add(led);
  };

  const register = (): Promise<Session> =>
    openSession({
      database,
      concurrency: config.concurrency,
      leaseMs: config.leaseMs,
      heartbeatMs: config.heartbeatMs,
      commitTimeoutMs: config.retryPolicy.timeoutMs,
      queues: () => consumer?.queues() ?? [],
      running: () => runner.running(),
      active: () => runner.active(),
      onTime: (nowMs) => clock.follow(nowMs),
      onSignals: (ids) => {
        for (const id of ids) runner.poke(id);
      },
      onBatchStopping: (ids) => {
        for (const id of ids) lead(id);
      },
      onTell: tellSoon,
      onPlacesLeft: (ids) => {
        for (const id of ids) gatekeeper.call(id);
      },
      watch: throttle.watch,
      onLost: () => void registerAgain(),
      isActive: (executionId) => runner.isActive(executionId),
      onFreed: (freed) => {
        for (const { queue, executionId } of freed) ringNow(queue, executionId);
      },
      log,
      onHeartbeatFault: (error) => log.warn({ err: error }, 'the heartbeat failed'),
    });

  const registerAgain = async (): Promise<void> => {
    log.error({}, 'this worker was declared dead; it drops what it has and registers anew');
    runner.nudge();
    leading.abort();
    leading = new AbortController();
    while (!stopping) {
      try {
        session = await register();
        // Shut down meanwhile: `stop` has left the old session, or is about to leave this one.
        if (stopping) await session.leave();
        return;
      } catch (error) {
        log.warn({ err: error }, 'the worker could not register yet');
        await new Promise((resolve) => setTimeout(resolve, REGISTER_AGAIN_MS));
      }
    }
  };

  let consumer: ReturnType<Queues['consume']> | undefined;
  let session = await register();
  const stopLane = createStopLane(runner);
  const scheduler = startScheduler({ database, ring: ringNow, log });
  const inbox: Listener = listen({
    url: database.url,
    onNotification: {
      [INBOX_CHANNEL]: (executionId) => runner.poke(executionId),
      [STOP_CHANNEL]: (executionId) => {
        if (!stopping) stopLane.stop(executionId);
      },
      [QUEUES_CHANNEL]: () => void consumer?.refresh(),
      [GATE_CHANNEL]: (stateMachineId) => gatekeeper.call(stateMachineId),
      [SCHEDULES_CHANNEL]: () => scheduler.hear(),
      [MAP_RUN_CHANNEL]: (batchId) => leader.hear(batchId),
      [BATCH_STOP_CHANNEL]: (batchId) => {
        leader.hear(batchId);
        lead(batchId);
      },
    },
    onBroken: (error) => log.warn({ err: error }, 'the inbox listener broke; the heartbeat asks instead'),
  });
  consumer = queues.consume({
    pool,
    only: config.queues,
    queues: () => listQueues(database),
    onExecution: (_queue, executionId, slot) => void runner.run(executionId, slot),
    onBatch: (_queue, batchId) => lead(batchId),
  });
  const sweeper = startSweeper({
    database,
    sweepMs: config.sweepMs,
    now: () => clock.now(),
    queues: () => consumer?.queues() ?? [],
    headOf: (queue) => queues.head(queue),
    mayReap: () => session.mayReap(),
    ring: async (bells) => {
      await Promise.all(bells.map(ring));
    },
    ringChunks: (queue, ids, chunkSize) => queues.producer.ringChunks(queue, ids, chunkSize),
    ringBatch,
    lead,
    forgotten: createForgotten({
      database,
      arns,
      ring: ringNow,
      ringBatch,
      takeAside: stopLane.takeDue,
      callGate: (id) => gatekeeper.call(id),
    }),
    log,
  });
  const retirement = startRetirement({ database, retention: config.retention ?? {}, log });

  return {
    stop: async () => {
      if (stopping) return;
      stopping = true;
      session.standing.draining = true;
      runner.nudge();
      leading.abort();
      const grace = setTimeout(() => {
        session.standing.abandoned = true;
        runner.nudge();
      }, config.shutdownGraceMs);
      // What the sweeper is in the middle of may take long when the database does; it holds nothing.
      const swept = Promise.all([sweeper.stop(), scheduler.stop(), retirement.stop()]);
      await consumer?.stop();
      await Promise.allSettled([runner.idle(), ...leads]);
      await Promise.allSettled(telling);
      clearTimeout(grace);
      throttle.stop();
      await gatekeeper.stop();
      await handBack();
      await Promise.race([swept, new Promise((resolve) => setTimeout(resolve, SWEEP_GRACE_MS).unref())]);
      await inbox.close();
    },
  };

  /** The worker's row goes; what it still owns is runnable at once, and somebody is rung for it. */
  async function handBack(): Promise<void> {
    try {
      const freed = await session.leave();
      for (const { queue, executionId } of freed) await queues.producer.ring(queue, [executionId]);
    } catch (error) {
      log.warn({ err: error }, 'the worker could not sign off; its lease will run out');
    }
  }
}
