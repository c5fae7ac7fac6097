import { Redis } from 'ioredis';
import { type Fault, pause } from '../fault.js';

export const fullRedis: Fault = {
  name: 'full-redis',
  what: 'Redis out of memory under `noeviction`',
  strike: async (town, hurting) => {
    const redis = new Redis(town.redis.url);
    await redis.config('SET', 'maxmemory', '1');
    while (await pause(1_000, hurting));
    await redis.config('SET', 'maxmemory', '0');
    redis.disconnect();
  },
};
