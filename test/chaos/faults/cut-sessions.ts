import { type Fault, pause } from '../fault.js';

const CUT = `
SELECT pg_terminate_backend(pid) FROM (
  SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'chaos'
  ORDER BY random() LIMIT 3
) victims`;

export const cutSessions: Fault = {
  name: 'cut-sessions',
  what: '`pg_terminate_backend` of 3 random sessions every 200 ms',
  strike: async (town, hurting) => {
    do await town.database.query(CUT);
    while (await pause(200, hurting));
  },
};
