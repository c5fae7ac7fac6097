/** The API process: `npm run api`. Takes requests; a worker advances what they start. */
import { readConfig } from '../config.js';
import { openHouse, requireDatabaseUrl, startApi } from './house.js';
import { run, stopOnSignals } from './lifetime.js';
import { createLog } from './log.js';

await run(async () => {
  const config = readConfig();
  const log = createLog(config.logLevel, 'api');
  const house = await openHouse(config, requireDatabaseUrl(config), log);
  const api = await startApi(house, config, log);
  stopOnSignals(
    async () => {
      await api.close();
      await house.close();
    },
    config.shutdownGraceMs,
    log,
  );
  log.info({ url: api.url }, 'the API listens');
});
