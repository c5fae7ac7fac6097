import { type Fault, pause } from '../fault.js';

export const resets: Fault = {
  name: 'resets',
  what: 'resets of a tenth of all connections every 200 ms',
  strike: async (town, hurting) => {
    do {
      for (const { toDatabase, toRedis } of town.members) {
        for (const proxy of [toDatabase, toRedis]) proxy.reset(() => hurting.random() < 0.1);
      }
    } while (await pause(200, hurting));
  },
};
