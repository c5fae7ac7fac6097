/** The composition: what the API process, the worker process and the embedded one are put together from. */
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { startServer } from '../api/index.js';
import { type Config, ConfigError } from '../config.js';
import { createArns } from '../engine/index.js';
import { openObjectStore } from '../objects/index.js';
import { createOperations } from '../operations/index.js';
import { connectQueues, type Queues } from '../queue/index.js';
import {
  connectDatabase,
  createDefinitions,
  createVault,
  type Database,
  type Definitions,
  ensureQueues,
  isUnavailable,
  migrate,
  resealSecrets,
} from '../store/index.js';
import { createFunctions, createThreads, type Handlers, loadHandlers } from '../tasks/index.js';
import { startWorker, type Worker } from '../worker/index.js';
import { createDatabaseClock, systemEntropy } from './clock.js';
import { compileStored, processorOf } from './machines.js';
import { StartError } from './start-error.js';

export interface House {
  database: Database;
  queues: Queues;
  definitions: Definitions;
  close(): Promise<void>;
}

/** Migrates the database, connects to it and to the queues. @throws StartError when it cannot be reached or entered */
export async function openHouse(config: Config, databaseUrl: string, log: Logger): Promise<House> {
  const { applied } = await migrateDatabase(databaseUrl, log);
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
  const definitions = createDefinitions({ database, compile: compileStored, processorOf });
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

/** Brings the database up to date. @throws StartError when it cannot be reached or entered */
export async function migrateDatabase(url: string, log: Logger): Promise<{ applied: readonly string[] }> {
  try {
    return await migrate(url, { log: (message) => log.info(message) });
  } catch (error) {
    if (!isUnavailable(error) && !isRefused(error)) throw error;
    const { host, pathname } = new URL(url);
    const why = error instanceof Error && error.message !== '' ? error.message : codeOf(error);
    throw new StartError(`DATABASE_URL: PostgreSQL at ${host}${pathname} cannot be used: ${why}`, {
      cause: error,
    });
  }
}

/** Wrong password, no right to connect, no such database. */
function isRefused(error: unknown): boolean {
  return /^(28...|3D000|42501)$/.test(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The API, listening. `url` is where. @throws StartError when it cannot listen there */
export async function startApi(
  house: House,
  config: Config,
  log: Logger,
): Promise<{ url: string; close(): Promise<void> }> {
  await resealOld(house, config, log);
  const operations = createOperations({ ...house, config, log });
  const server = await startServer({ operations, config, logger: log }).catch(async (error: unknown) => {
    await operations.close();
    throw cannotListen(error, config);
  });
  return {
    url: server.url,
    close: async () => {
      await server.close(config.shutdownGraceMs);
      await operations.close();
    },
  };
}

/** Secrets that an older of the keys sealed; what cannot be done now, the next start does. */
async function resealOld({ database }: House, { secretsKeys }: Config, log: Logger): Promise<void> {
  const vault = createVault(secretsKeys);
  if (vault === undefined) return;
  try {
    const { resealed, unreadable } = await resealSecrets(database.pool, vault);
    if (resealed > 0) log.info({ resealed }, 'secrets were sealed anew under the first SECRETS_KEY');
    if (unreadable > 0) log.warn({ unreadable }, 'there are secrets that no SECRETS_KEY opens');
  } catch (error) {
    log.warn({ err: error }, 'secrets could not be looked through');
  }
}

function cannotListen(error: unknown, { host, port }: Config): unknown {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new StartError(`PORT: another process listens on port ${port} of ${host}; choose another.`);
    case 'EACCES':
      return new StartError(`PORT: this account may not listen on port ${port}; choose one above 1023.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartError(`HOST: '${host}' is no address of this machine.`);
    default:
      return error;
  }
}

/**
 * The handlers that the configuration names: to be loaded before anything is started for them.
 * @throws HandlersError
 */
export function readHandlers(config: Config): Promise<Handlers> {
  return loadHandlers(handlersFile(config));
}

function handlersFile(config: Config): string {
  return config.handlers ?? EXAMPLE_HANDLERS;
}

/** A worker, taking work. */
export async function startWork(
  house: House,
  handlers: Handlers,
  config: Config,
  log: Logger,
): Promise<Worker> {
  const arns = createArns(config);
  // None is started before the first call that is to be made in one.
  const threads = createThreads({
    module: handlersFile(config),
    size: config.handlerThreads,
    callsPerThread: config.handlerThreadConcurrency,
    memoryMb: config.handlerMemoryMb,
    log,
  });
  const worker = await startWorker({
    ...house,
    functions: createFunctions({
      handlers,
      arnOf: arns.function,
      logFor: (about) => log.child(about),
      isolation: config.handlersIsolation,
      threads,
    }),
    arns,
    objects: openObjectStore(config.objects),
    http: { secretsKeys: config.secretsKeys, allow: config.httpTasksAllow },
    clock: createDatabaseClock(),
    entropy: systemEntropy,
    versionOf: (stateMachineId, version) => house.definitions.version(stateMachineId, version),
    config,
    log,
  });
  return {
    stop: async () => {
      await worker.stop();
      await threads.close();
    },
  };
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
