import { type Fault, pause } from '../fault.js';

export const stopRedis: Fault = {
  name: 'stop-redis',
  what: 'kill Redis, start it again after 2 s, every 4 s',
  strike: async (town, hurting) => {
    do {
      await town.redis.kill();
      await pause(2_000, hurting);
      await town.redis.restart();
    } while (await pause(2_000, hurting));
  },
};
