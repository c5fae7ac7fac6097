import { Redis } from 'ioredis';
import { type Fault, pause } from '../fault.js';

export const flushRedis: Fault = {
  name: 'flush-redis',
  what: '`FLUSHALL` every second',
  strike: async (town, hurting) => {
    const redis = new Redis(town.redis.url);
    do await redis.flushall();
    while (await pause(1_000, hurting));
    redis.disconnect();
  },
};
