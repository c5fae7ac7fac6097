import { compileMachine, parseDefinition } from '../../src/asl/index.js';
import { createArns, distributedMapOf, processorMachine } from '../../src/engine/index.js';
import { createDatabaseClock, systemEntropy } from '../../src/main/clock.js';
import type { ObjectStore } from '../../src/objects/index.js';
import { connectQueues, type Queues } from '../../src/queue/index.js';
import { connectDatabase, createDefinitions, type Database, ensureQueues } from '../../src/store/index.js';
import { createFunctions, type Handlers } from '../../src/tasks/index.js';
import { startWorker, type Worker } from '../../src/worker/index.js';
import { createDatabase } from '../setup/database.js';
import type { RememberingLog } from '../setup/log.js';
import { testRedis } from '../setup/redis.js';

/** What a worker may have of its own. */
export interface WorkerSettings {
  objects?: ObjectStore | undefined;
  concurrency?: number;
  leaseMs?: number;
  shutdownGraceMs?: number;
}

/** A database and queues of one test file's own, and workers on them. */
export interface House {
  database: Database;
  queues: Queues;
  startWorker(handlers: Handlers, settings?: WorkerSettings): Promise<Worker>;
  /** Stops the workers that a failed test has left, too. */
  close(): Promise<void>;
}

export const arns = createArns({ region: 'us-east-1', accountId: '000000000000' });

export async function openHouse(log: RememberingLog): Promise<House> {
  const testDatabase = await createDatabase();
  const database = connectDatabase({ url: testDatabase.url, poolSize: 16, log });
  await ensureQueues(database, {});
  const redis = testRedis();
  const queues = connectQueues({
    redisUrl: redis.url,
    databaseUrl: testDatabase.url,
    prefix: redis.prefix,
    log,
  });
  const workers: Worker[] = [];
  return {
    database,
    queues,
    startWorker: async (handlers, settings = {}) => {
      const definitions = createDefinitions({
        database,
        compile: (text) => {
          const parsed = parseDefinition(text);
          if (!parsed.ok) throw new Error('does not parse');
          return compileMachine(parsed.definition);
        },
        processorOf: (machine, label) => {
          const processor = processorMachine(machine, label);
          const type = distributedMapOf(machine, label)?.distributed?.executionType;
          return processor && type && { machine: processor, type };
        },
      });
      const worker = await startWorker({
        database,
        queues,
        functions: createFunctions({ handlers, arnOf: (name) => name, logFor: () => log }),
        arns,
        objects: settings.objects,
        clock: createDatabaseClock(),
        entropy: systemEntropy,
        versionOf: (id, version) => definitions.version(id, version),
        config: {
          concurrency: settings.concurrency ?? 10,
          queues: undefined,
          historyLimit: 25_000,
          retryPolicy: { attempts: 3, backoffMs: 50, timeoutMs: 10_000 },
          leaseMs: settings.leaseMs ?? 3_000,
          heartbeatMs: 500,
          sweepMs: 1_000,
          shutdownGraceMs: settings.shutdownGraceMs ?? 5_000,
        },
        log,
      });
      workers.push(worker);
      return worker;
    },
    close: async () => {
      for (const worker of workers) await worker.stop();
      await queues.close();
      await database.close();
      await testDatabase.drop();
    },
  };
}
