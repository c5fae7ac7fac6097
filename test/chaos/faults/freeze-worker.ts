import { type Fault, oneOf, pause } from '../fault.js';

/** Long enough to be declared dead, and for others to have taken over. */
const OVER_LEASE_MS = 2_500;

export const freezeWorker: Fault = {
  name: 'freeze-worker',
  what: '`SIGSTOP` a worker for longer than its lease, then `SIGCONT`',
  wakesTheDead: true,
  atLeastMs: ({ leaseMs }) => leaseMs + OVER_LEASE_MS,
  strike: async (town, hurting) => {
    do {
      const worker = oneOf(town.workers, hurting);
      await worker?.signal('SIGSTOP');
      await pause(town.leaseMs + OVER_LEASE_MS, hurting);
      await worker?.signal('SIGCONT');
    } while (await pause(500, hurting));
  },
};
