/** The worker process: `npm run worker`. As many as wanted, on as many machines as wanted. */
import { readConfig } from '../config.js';
import { openHouse, readHandlers, requireDatabaseUrl, startWork } from './house.js';
import { run, stopOnSignals } from './lifetime.js';
import { createLog } from './log.js';

await run(async () => {
  const config = readConfig();
  const log = createLog(config.logLevel, 'worker');
  const databaseUrl = requireDatabaseUrl(config);
  const handlers = await readHandlers(config);
  const house = await openHouse(config, databaseUrl, log);
  const worker = await startWork(house, handlers, config, log);
  stopOnSignals(
    async () => {
      await worker.stop();
      await house.close();
    },
    config.shutdownGraceMs,
    log,
  );
  log.info({ concurrency: config.concurrency }, 'the worker takes work');
});
