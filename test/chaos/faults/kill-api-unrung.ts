import { type Fault, pause } from '../fault.js';

/** A doorbell is given up after a second: within it the commit is done, and the bell hangs in the proxy. */
const HANGS_MS = 400;

/**
 * Between its commit and its enqueue: the way from the APIs to Redis is stalled, so starts commit and their doorbells do
 * not leave; then the APIs are killed, and what the proxies hold goes with their connections.
 */
export const killApiUnrung: Fault = {
  name: 'kill-api-unrung',
  what: '`kill -9` the API between its commit and its enqueue',
  strike: async (town, hurting) => {
    do {
      for (const { toRedis } of town.apis) toRedis.stall();
      await pause(HANGS_MS, hurting);
      await Promise.all(town.apis.map((api) => api.signal('SIGKILL')));
      for (const { toRedis } of town.apis) {
        toRedis.reset(() => true);
        toRedis.heal();
      }
    } while (await pause(2_000, hurting));
  },
};
