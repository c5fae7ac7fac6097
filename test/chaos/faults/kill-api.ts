import { type Fault, oneOf, pause } from '../fault.js';

const EVERY_MS = 2_000;

export const killApi: Fault = {
  name: 'kill-api',
  what: '`kill -9` a random API every 2 s',
  strike: async (town, hurting) => {
    do await oneOf(town.apis, hurting)?.signal('SIGKILL');
    while (await pause(EVERY_MS, hurting));
  },
};
