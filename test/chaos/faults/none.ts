import { type Fault, pause } from '../fault.js';

/** What the rest is compared with. */
export const none: Fault = {
  name: 'none',
  what: 'nothing: for comparison',
  strike: async (_town, hurting) => {
    while (await pause(1_000, hurting));
  },
};
