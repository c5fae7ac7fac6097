import { type Fault, pause } from '../fault.js';

const PRELOAD = new URL('../shifted-clock.js', import.meta.url).href;
const FIVE_MINUTES_MS = 5 * 60_000;

/** One worker is five minutes ahead, another five behind, an API ahead: with the third, that is right, they share timers. */
export const wrongClock: Fault = {
  name: 'wrong-clock',
  what: 'a worker and an API 5 minutes ahead, a worker 5 minutes behind',
  strike: async (town, hurting) => {
    const off = [
      { member: town.workers[0], byMs: FIVE_MINUTES_MS },
      { member: town.workers[1], byMs: -FIVE_MINUTES_MS },
      { member: town.apis[0], byMs: FIVE_MINUTES_MS },
    ];
    for (const { member, byMs } of off) {
      await member?.replace({ preload: [PRELOAD], env: { CLOCK_SHIFT_MS: String(byMs) } });
    }
    while (await pause(1_000, hurting));
    for (const { member } of off) await member?.replace({});
  },
};
