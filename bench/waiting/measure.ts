import { readOptions } from '../options.js';
import { type Service, withService } from '../ours/service.js';
import { startServers } from '../servers.js';

/** Starts servers, an API process and one worker with these settings, measures, and stops them whatever happens. */
export async function measureService(
  env: Readonly<Record<string, string>>,
  measure: (service: Service) => Promise<void>,
): Promise<void> {
  const options = readOptions([]);
  if (options === 'help') throw new Error('there are no options here');
  const servers = await startServers(options);
  try {
    await withService({ servers, options: { ...options, env } }, { workers: 1 }, measure);
  } finally {
    await servers.stop();
  }
}
