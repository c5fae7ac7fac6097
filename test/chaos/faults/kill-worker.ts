import { type Fault, oneOf, pause } from '../fault.js';

const EVERY_MS = 3_000;

export const killWorker: Fault = {
  name: 'kill-worker',
  what: '`kill -9` a random worker every 3 s',
  strike: async (town, hurting) => {
    do await oneOf(town.workers, hurting)?.signal('SIGKILL');
    while (await pause(EVERY_MS, hurting));
  },
};
