/** The composition: what the API process, the worker process and the embedded one are put together from. */
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { startServer } from '../api/index.js';
import { compileMachine, type Machine, parseDefinition } from '../asl/index.js';
import { type Config, ConfigError } from '../config.js';
import { createOperations } from '../operations/index.js';
import { connectQueues, type Queues } from '../queue/index.js';
import {
  connectDatabase,
  createDefinitions,
  type Database,
  type Definitions,
  ensureQueues,
  migrate,
} from '../store/index.js';
import { createTasks, loadHandlers } from '../tasks/index.js';
import { startWorker, type Worker } from '../worker/index.js';
import { createDatabaseClock, systemEntropy } from './clock.js';

export interface House {
  database: Database;
  queues: Queues;
  definitions: Definitions;
  close(): Promise<void>;
}

/** Migrates the database, connects to it and to the queues. */
export async function openHouse(config: Config, databaseUrl: string, log: Logger): Promise<House> {
  const { applied } = await migrate(databaseUrl, { log: (message) => log.info(message) });
  if (applied.length > 0) log.info({ applied }, 'the database was migrated');
  const database = connectDatabase({ url: databaseUrl, poolSize: config.databasePoolSize, log });
  await ensureQueues(database, config.queueWeights);
  const queues = connectQueues({
    redisUrl: config.redisUrl,
    databaseUrl,
    prefix: config.prefix,
    retryPolicy: config.retryPolicy,
    log,
  });
  const definitions = createDefinitions({ database, compile });
  return {
    database,
    queues,
    definitions,
    close: async () => {
      await queues.close();
      await database.close();
    },
  };
}

/** The API, listening. `url` is where. */
export async function startApi(
  house: House,
  config: Config,
  log: Logger,
): Promise<{ url: string; close(): Promise<void> }> {
  const operations = createOperations({ ...house, config, log });
  const server = await startServer({ operations, config, logger: log });
  return {
    url: server.url,
    close: async () => {
      await server.close();
      await operations.close();
    },
  };
}

/** A worker, taking work, with the handlers that the configuration names. */
export async function startWork(house: House, config: Config, log: Logger): Promise<Worker> {
  const handlers = await loadHandlers(config.handlers ?? EXAMPLE_HANDLERS);
  const tasks = createTasks({ handlers, logFor: (about) => log.child(about) });
  return startWorker({
    ...house,
    tasks,
    clock: createDatabaseClock(),
    entropy: systemEntropy,
    machineOf: (stateMachineId, version) => house.definitions.machine(stateMachineId, version),
    config,
    log,
  });
}

/** A definition as it was stored: validated before, so that what does not parse is our own fault. */
function compile(text: string): Machine {
  const parsed = parseDefinition(text);
  if (!parsed.ok)
    throw new Error(`a stored definition does not parse: ${JSON.stringify(parsed.diagnostics)}`);
  return compileMachine(parsed.definition);
}

const EXAMPLE_HANDLERS = fileURLToPath(
  new URL('../../examples/order-processing/handlers.js', import.meta.url),
);

/** @throws ConfigError when DATABASE_URL is not set: only the embedded process brings its own. */
export function requireDatabaseUrl(config: Config): string {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  throw new ConfigError(
    'DATABASE_URL is not set; expected the URL of a PostgreSQL database. (`npm start` brings its own.)',
  );
}
