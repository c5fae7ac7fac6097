/** Everything in one process, with nothing to install: `npm start`. */
import { readConfig } from '../config.js';
import { startEmbedded } from './embedded-service.js';
import { run, stopOnSignals } from './lifetime.js';
import { createLog } from './log.js';

await run(async () => {
  const config = readConfig();
  const log = createLog(config.logLevel, 'embedded');
  const service = await startEmbedded(config, log);
  stopOnSignals(() => service.stop(), config.shutdownGraceMs, log);
  log.info({ url: service.url, docs: `${service.url}/docs` }, 'Escapement is up');
});
