import { type Fault, oneOf, pause } from '../fault.js';

const EVERY_MS = 12_000;

/** All connections that a process has, and nobody tells it. New ones are good. */
export const halfOpen: Fault = {
  name: 'half-open',
  what: 'connections of a worker and of an API go half open, every 12 s',
  wakesTheDead: true,
  strike: async (town, hurting) => {
    do {
      for (const member of [oneOf(town.workers, hurting), oneOf(town.apis, hurting)]) {
        member?.toDatabase.halfOpen();
        member?.toRedis.halfOpen();
      }
    } while (await pause(EVERY_MS, hurting));
  },
};
