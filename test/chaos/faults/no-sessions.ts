import pg from 'pg';
import { type Fault, pause } from '../fault.js';
import { MAX_CONNECTIONS, type Town } from '../town.js';

/** What is left to all processes of the town together, at first. */
const LEFT = 3;

const CUT = `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND application_name NOT IN ('chaos', 'hog')`;

/** Somebody else takes nearly every session that the server has, and what the town had is cut: it must queue for new ones. */
export const noSessions: Fault = {
  name: 'no-sessions',
  what: 'others hold nearly all of `max_connections`',
  strike: async (town, hurting) => {
    const hogs: pg.Client[] = [];
    do {
      await town.database.query(CUT);
      for (let free = await countFree(town); free > LEFT; free--) {
        const hog = await takeOne(town);
        if (hog === undefined) break;
        hogs.push(hog);
      }
    } while (await pause(500, hurting));
    await Promise.all(hogs.map((hog) => hog.end().catch(() => undefined)));
  },
};

async function countFree({ database }: Town): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type = 'client backend'",
  );
  return MAX_CONNECTIONS - (rows[0]?.n ?? 0);
}

/** undefined: the town was quicker. */
async function takeOne({ postgres }: Town): Promise<pg.Client | undefined> {
  const hog = new pg.Client({ connectionString: postgres.url, application_name: 'hog' });
  hog.on('error', () => undefined);
  try {
    await hog.connect();
    return hog;
  } catch {
    return undefined;
  }
}
