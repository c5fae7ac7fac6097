import { type Fault, pause } from '../fault.js';

const EVERY_MS = 10_000;

export const crashPostgres: Fault = {
  name: 'crash-postgres',
  what: 'restart PostgreSQL every 10 s (immediate)',
  strike: async (town, hurting) => {
    do {
      await town.postgres.crash();
      await pause(500, hurting);
      await town.postgres.start();
    } while (await pause(EVERY_MS, hurting));
  },
};
