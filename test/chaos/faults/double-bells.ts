import { type Fault, pause } from '../fault.js';

const PRELOAD = new URL('../double-bells.js', import.meta.url).href;

export const doubleBells: Fault = {
  name: 'double-bells',
  what: 'every doorbell delivered twice',
  strike: async (town, hurting) => {
    for (const member of town.members) await member.replace({ preload: [PRELOAD] });
    while (await pause(1_000, hurting));
    for (const member of town.members) await member.replace({});
  },
};
