/**
 * One of the processes that steal from each other: a worker of the real parts (session, claims, journal, activations, services,
 * sweeper), without a queue. It looks itself for what is runnable, all the time and in any order, as if every doorbell rang at
 * every worker. Started by the conductor, with its settings as JSON in HAMMER.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createArns } from '../../src/engine/index.js';
import { createDatabaseClock, systemEntropy } from '../../src/main/clock.js';
import { compileStored, processorOf } from '../../src/main/machines.js';
import { connectDatabase, createDefinitions, INBOX_CHANNEL, listen } from '../../src/store/index.js';
import { createFunctions } from '../../src/tasks/index.js';
import { createForgotten } from '../../src/worker/forgotten.js';
import { createRunner } from '../../src/worker/runner.js';
import { createServices } from '../../src/worker/services/index.js';
import { createMapRuns } from '../../src/worker/services/map-runs.js';
import { openSession, type Session } from '../../src/worker/session.js';
import { startSweeper } from '../../src/worker/sweeper.js';
import { type Breakage, dropFence } from './breakage.js';
import { SESSIONS, sessionsNamed } from './crowd.js';
import { createHandlers } from './handlers.js';
import { createTurns } from './turns.js';

/** What the conductor tells a process. */
export interface ProcessSettings {
  url: string;
  ledgerUrl: string;
  leaseMs: number;
  concurrency: number;
  breakage: Breakage | undefined;
}

const settings: ProcessSettings = JSON.parse(process.env['HAMMER'] ?? '{}');
const { leaseMs, concurrency, breakage } = settings;
const url = sessionsNamed(settings.url, `${SESSIONS}${process.pid}`);
if (breakage === 'no-fence') dropFence();

/** What goes wrong here is what the hammer is for: it is told only to who asks for it. */
const say = (about: object, message: string): void => {
  if (process.env['HAMMER_LOG'] === undefined) return;
  const error = 'err' in about && about.err instanceof Error ? about.err.message : '';
  process.stderr.write(`${process.pid} ${message} ${error}\n`);
};
const log = { debug: () => undefined, info: () => undefined, warn: say, error: say };
const database = connectDatabase({ url, poolSize: 6, log });
const ledger = connectDatabase({
  url: settings.ledgerUrl,
  poolSize: 3,
  log,
  applicationName: 'hammer ledger',
});
const turns = createTurns(ledger.pool);
const arns = createArns({ region: 'us-east-1', accountId: '000000000000' });
const clock = createDatabaseClock();
const definitions = createDefinitions({ database, compile: compileStored, processorOf });
const versionOf = (id: string, version: number) => definitions.version(id, version);
const nobodyRings = (): void => undefined;
const nothing = async (): Promise<void> => undefined;

const services = createServices({
  database,
  functions: createFunctions({
    handlers: createHandlers(ledger.pool, turns),
    arnOf: (name) => name,
    logFor: () => log,
  }),
  mapRuns: createMapRuns({
    database,
    objects: undefined,
    arns,
    clock,
    entropy: systemEntropy,
    machineOf: async (id, version) => (await versionOf(id, version))?.machine,
    ringBatch: nothing,
    ring: nobodyRings,
    log,
  }),
  arns,
  ring: nobodyRings,
  log,
});
const runner = createRunner({
  database,
  session: () => session,
  tasks: services,
  clock,
  entropy: systemEntropy,
  versionOf,
  arns,
  ring: nobodyRings,
  onEnded: nobodyRings,
  // A takeover is no fault of the execution's: none becomes a dead letter here.
  policy: { attempts: 1_000_000, backoffMs: 5, timeoutMs: 10_000 },
  historyLimit: 0,
  log,
});

async function register(): Promise<Session> {
  for (;;) {
    try {
      return turns.watch(
        await openSession({
          database,
          concurrency,
          leaseMs,
          heartbeatMs: Math.floor(leaseMs / 5),
          commitTimeoutMs: 10_000,
          queues: () => [],
          running: () => runner.running(),
          active: () => runner.active(),
          onTime: (nowMs) => clock.follow(nowMs),
          onSignals: (ids) => {
            for (const id of ids) runner.poke(id);
          },
          onBatchStopping: nobodyRings,
          onTell: nobodyRings,
          onPlacesLeft: nobodyRings,
          onLost: () => void registerAgain(),
          onHeartbeatFault: (error) => say({ err: error }, 'a heartbeat failed'),
          isActive: (id) => runner.isActive(id),
          onFreed: nobodyRings,
          log,
        }),
      );
    } catch (error) {
      say({ err: error }, 'could not register');
      await sleep(20);
    }
  }
}

/** Declared dead: as the worker does, it drops what it has and goes on under a new name. */
async function registerAgain(): Promise<void> {
  runner.nudge();
  session = await register();
}

let session = await register();
listen({
  url,
  onNotification: { [INBOX_CHANNEL]: (executionId) => runner.poke(executionId) },
  onBroken: (error) => say({ err: error }, 'the listener broke'),
});
startSweeper({
  database,
  sweepMs: Math.floor(leaseMs / 4),
  now: () => clock.now(),
  queues: () => [],
  mayReap: () => breakage !== 'free-first' && session.mayReap(),
  headOf: async () => undefined,
  ring: nothing,
  ringChunks: nothing,
  ringBatch: nothing,
  lead: nobodyRings,
  forgotten: createForgotten({
    database,
    arns,
    ring: nobodyRings,
    ringBatch: nothing,
    takeAside: nobodyRings,
  }),
  log,
});

const RUNNABLE = `SELECT id FROM executions
  WHERE owner IS NULL AND end_time IS NULL AND wake_at <= now() + interval '25 ms' ORDER BY random() LIMIT $1`;
const LOOK_MS = 10;
let busy = 0;

/** Two looks may find the same one, and another process may have been quicker: that is what claims are for. */
async function look(): Promise<void> {
  const { rows } = await database.pool.query<{ id: string }>(RUNNABLE, [concurrency - busy]);
  for (const { id } of rows) {
    busy++;
    void turns.take(() => runner.run(id, { release: () => busy-- }));
  }
}

process.stdout.write('ready\n');
for (;;) {
  try {
    if (busy < concurrency) await look();
  } catch (error) {
    say({ err: error }, 'could not look for work');
  }
  await sleep(Math.random() * LOOK_MS);
}
