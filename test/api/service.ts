import { pino } from 'pino';
import { type ApiConfig, startServer } from '../../src/api/index.js';
import { createOperations, type OperationsConfig } from '../../src/operations/index.js';
import { connectQueues } from '../../src/queue/index.js';
import { connectDatabase, type Database, ensureQueues } from '../../src/store/index.js';
import { createDatabase } from '../setup/database.js';
import { testRedis } from '../setup/redis.js';
import { type Answer, call } from './listening.js';

/** The API as a process runs it: real operations, PostgreSQL and Redis; nobody advances what is started. */
export interface Service {
  url: string;
  database: Database;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

export async function openService(own: Partial<ApiConfig & OperationsConfig> = {}): Promise<Service> {
  const log = pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
  const { url: databaseUrl, drop } = await createDatabase();
  const redis = testRedis();
  const database = connectDatabase({ url: databaseUrl, poolSize: 8, log });
  await ensureQueues(database, {});
  const queues = connectQueues({ redisUrl: redis.url, databaseUrl, prefix: redis.prefix, log });
  const config = {
    apiKeys: [],
    authNone: false,
    bodyLimit: 512 * 1024,
    batchBodyLimit: 2 * 1024 * 1024,
    payloadLimit: 256 * 1024,
    queueWeights: {},
    region: 'us-east-1',
    accountId: '000000000000',
    host: '127.0.0.1',
    port: 0,
    ...own,
  };
  const operations = createOperations({ database, queues, config, log });
  const server = await startServer({ operations, config, logger: log });
  return {
    url: server.url,
    database,
    send: (method, path, body, headers) => call(server.url + path, method, body, headers),
    close: async () => {
      await server.close();
      await operations.close();
      await queues.close();
      await database.close();
      await drop();
    },
  };
}
