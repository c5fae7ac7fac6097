/** Deploys under load: every process is replaced, one after the other, and the schema changes underneath. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readMigrations } from '../../src/store/migrate.js';
import { openSchemaEngine } from '../../src/store/schema-engine.js';
import { startLoad } from '../chaos/load.js';
import { randomFrom } from '../chaos/options.js';
import { countOpen, examine } from '../chaos/reading.js';
import { startTown, type Town } from '../chaos/town.js';
import { until } from './service.js';

const HANGS_MS = 240_000;

let town: Town;

beforeAll(async () => {
  town = await startTown({ leaseSeconds: 10, sweepSeconds: 1, onLine: () => undefined });
}, HANGS_MS);

afterAll(() => town.stop(), HANGS_MS);

/** Runs `deploy` in the middle of a load; answers how the load went when all of it has ended. */
async function underLoad(label: string, deploy: () => Promise<void>) {
  const { rows } = await town.database.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  const since = rows[0]?.now ?? new Date();
  const load = startLoad(town, {
    perSecond: 15,
    batchSize: 30,
    batchEveryMs: 2_000,
    random: randomFrom(1),
    label,
  });
  await until(
    () => countOpen(town.database),
    (open) => open > 0,
  );
  await deploy();
  await load.stopStarting();
  await until(
    () => countOpen(town.database),
    (open) => open === 0,
    HANGS_MS / 2,
  );
  await load.stop();
  return { account: load.account, ...(await examine(town, since, load.account)) };
}

/** Keys that were called more than once. */
async function calledAgain(): Promise<string[]> {
  const { rows } = await town.ledger.query<{ key: string }>(
    'SELECT key FROM calls GROUP BY key HAVING count(*) > 1',
  );
  return rows.map(({ key }) => key);
}

describe('a rolling restart under load', () => {
  test(
    'ends each process in order, fails no request that one retry does not help, and calls nothing twice',
    async () => {
      const { account, executions, findings } = await underLoad('rolling', async () => {
        for (const member of town.members) {
          await member.replace({});
          await member.ready();
        }
      });
      expect(findings).toEqual([]);
      expect(executions).toBeGreaterThanOrEqual(account.executions.size);
      expect(account.wrong).toEqual([]);
      expect(account.mostTries).toBeLessThanOrEqual(2);
      expect(await calledAgain()).toEqual([]);
      // A shutdown that outlasts its grace is cut short, and ends with 1.
      expect(town.members.map(({ orderly }) => orderly)).toEqual(town.members.map(() => ['0']));
      expect(town.members.flatMap(({ deaths }) => deaths)).toEqual([]);
    },
    HANGS_MS,
  );
});

describe('a migration under load', () => {
  test(
    'is applied while old processes work, and they start again beside it',
    async () => {
      const { account, findings } = await underLoad('migrating', async () => {
        expect(await applyAnother()).toEqual([ANOTHER]);
        for (const member of [town.apis[0], town.workers[0]]) {
          await member?.replace({});
          await member?.ready();
        }
      });
      expect(findings).toEqual([]);
      expect(account.wrong).toEqual([]);
      const { rows } = await town.database.query('SELECT of_the_next_release FROM executions LIMIT 1');
      expect(rows).toHaveLength(1);
    },
    HANGS_MS,
  );
});

const ANOTHER = '29991231000000_of_the_next_release';

/** What the next release's first process would do: its migrations, one more than ours. */
async function applyAnother(): Promise<string[]> {
  const ours = await readMigrations();
  const sql =
    'ALTER TABLE executions ADD COLUMN of_the_next_release text; CREATE INDEX of_the_next_release ON executions (of_the_next_release);';
  const engine = await openSchemaEngine(town.postgres.url);
  try {
    return await engine.applyMigrations(
      {
        ...ours,
        migrationDirectories: [
          ...ours.migrationDirectories,
          { path: ANOTHER, migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } } },
        ],
      },
      [],
    );
  } finally {
    await engine.close();
  }
}
