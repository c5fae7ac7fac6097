import { type Fault, pause } from '../fault.js';

export const slowNetwork: Fault = {
  name: 'slow-network',
  what: '10 to 150 ms of latency to PostgreSQL and Redis, either way',
  strike: async (town, hurting) => {
    for (const { toDatabase, toRedis } of town.members) {
      for (const proxy of [toDatabase, toRedis]) proxy.delay(() => 10 + 140 * hurting.random());
    }
    while (await pause(1_000, hurting));
  },
};
