import type { Logger } from 'pino';
import type { Config } from '../config.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import { openHouse, readHandlers, startApi, startWork } from './house.js';

interface EmbeddedService {
  /** Where the API listens. */
  url: string;
  stop(): Promise<void>;
}

/** PostgreSQL (unless DATABASE_URL names one), the API and a worker in this process. */
export async function startEmbedded(config: Config, log: Logger): Promise<EmbeddedService> {
  const undo: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  const handlers = await readHandlers(config);
  try {
    let databaseUrl = config.databaseUrl;
    if (databaseUrl === undefined) {
      const postgres = await startEmbeddedPostgres({ dataDir: config.dataDir });
      let stopping = false;
      undo.push(() => {
        stopping = true;
        return postgres.stop();
      });
      void postgres.ended.then((reason) => {
        if (stopping) return;
        log.fatal({ reason }, 'PostgreSQL ended by itself; start again to go on where it stopped');
        process.exit(1);
      });
      databaseUrl = postgres.url;
    }
    const house = await openHouse(config, databaseUrl, log);
    undo.push(() => house.close());
    const worker = await startWork(house, handlers, config, log);
    undo.push(() => worker.stop());
    const api = await startApi(house, config, log);
    undo.push(() => api.close());
    return { url: api.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
