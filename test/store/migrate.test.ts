import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { findPackageRoot, migrate, readMigrations } from '../../src/store/migrate.js';
import { openSchemaEngine } from '../../src/store/schema-engine.js';
import { createEmptyDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';

let database: TestDatabase;

beforeEach(async () => {
  database = await createEmptyDatabase();
});

afterEach(() => database.drop());

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('migrate', () => {
  test('applies every migration to an empty database, and none the second time', async () => {
    const names = (await readMigrations()).migrationDirectories.map((directory) => directory.path);
    expect(names.length).toBeGreaterThan(0);
    const said: string[] = [];
    const log = (message: string): void => void said.push(message);

    expect(await migrate(database.url, { log })).toEqual({ applied: names });
    expect(said).toHaveLength(names.length);
    expect(await migrate(database.url, { log })).toEqual({ applied: [] });
    expect(said).toHaveLength(names.length);
  });

  test('lets processes that start at once take turns', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => migrate(database.url)));
    expect(answers.filter(({ applied }) => applied.length > 0)).toHaveLength(1);
    expect(await query('SELECT count(*)::int AS n FROM executions')).toEqual([{ n: 0 }]);
  });

  test('keeps the books as prisma migrate deploy would: name, checksum of the file, finished, not rolled back', async () => {
    await migrate(database.url);
    const rows = await query(
      'SELECT migration_name, checksum, finished_at IS NOT NULL AS finished, rolled_back_at, applied_steps_count FROM _prisma_migrations ORDER BY started_at',
    );
    const { baseDir, migrationDirectories } = await readMigrations();
    const expected = [];
    for (const { path: name } of migrationDirectories) {
      const text = await readFile(path.join(baseDir, name, 'migration.sql'));
      expected.push({
        migration_name: name,
        checksum: createHash('sha256').update(text).digest('hex'),
        finished: true,
        rolled_back_at: null,
        applied_steps_count: 1,
      });
    }
    expect(rows).toEqual(expected);
  });

  test('says what went wrong, leaves nothing half done, and goes on refusing until it is resolved', async () => {
    await query('CREATE VIEW queue_totals AS SELECT 1 AS oops');
    await expect(migrate(database.url)).rejects.toThrow(/queue_totals/);
    expect(await query(`SELECT to_regclass('executions') AS t`)).toEqual([{ t: null }]);
    await expect(migrate(database.url)).rejects.toThrow(/failed migrations/);
  });

  test('moves in beside the tables of others', async () => {
    await query('CREATE TABLE somebody_elses (id int); INSERT INTO somebody_elses VALUES (1)');
    expect((await migrate(database.url)).applied).not.toEqual([]);
    expect(await query('SELECT id FROM somebody_elses')).toEqual([{ id: 1 }]);
  });

  test('starts on a database that a later version has migrated further', async () => {
    await migrate(database.url);
    await query(`INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
      VALUES ('later', 'abc', now(), '29990101000000_later', now(), 1)`);
    expect(await migrate(database.url)).toEqual({ applied: [] });
  });

  test('does not stand in the way of others while it waits for a long transaction', async () => {
    const all = await readMigrations();
    const before = { ...all, migrationDirectories: all.migrationDirectories.slice(0, -1) };
    await migrate(database.url, { migrations: before });
    const long = new pg.Client(database.url);
    await long.connect();
    await long.query('BEGIN; SELECT count(*) FROM executions');

    const more = {
      path: '29990101000000_more',
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok' as const, value: 'ALTER TABLE executions ADD COLUMN more INTEGER;' },
      },
    };
    let migrated = false;
    const migrating = migrate(database.url, {
      migrations: { ...all, migrationDirectories: [...before.migrationDirectories, more] },
    }).then((answer) => {
      migrated = true;
      return answer;
    });
    await eventually(async () => {
      expect(
        await query("SELECT 1 AS n FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"),
      ).toEqual([{ n: 1 }]);
    });
    // Behind it in the line, but not behind the long transaction.
    expect(await query('SELECT count(*)::int AS n FROM executions')).toEqual([{ n: 0 }]);
    expect(migrated).toBe(false);
    await long.query('COMMIT');
    await long.end();
    expect(await migrating).toEqual({ applied: [more.path] });
  });

  test('goes on where a process died in the middle of a migration', async () => {
    const all = await readMigrations();
    const [last] = all.migrationDirectories.slice(-1);
    await migrate(database.url, {
      migrations: { ...all, migrationDirectories: all.migrationDirectories.slice(0, -1) },
    });
    const blocking = new pg.Client(database.url);
    await blocking.connect();
    await blocking.query('BEGIN; SELECT count(*) FROM executions');
    const dying = migrate(database.url);
    const died = expect(dying).rejects.toThrow();
    await eventually(async () => {
      expect(await query('SELECT 1 AS n FROM _prisma_migrations WHERE finished_at IS NULL')).toEqual([
        { n: 1 },
      ]);
    });
    await query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'escapement migrate' AND datname = current_database()",
    );
    await died;
    await blocking.query('COMMIT');
    await blocking.end();
    // As the process would have left it: it had no time to write down why.
    await query('UPDATE _prisma_migrations SET logs = NULL WHERE finished_at IS NULL');
    expect(await migrate(database.url)).toEqual({ applied: [last?.path] });
    expect(await migrate(database.url)).toEqual({ applied: [] });
  });

  test('leaves no lock behind', async () => {
    await migrate(database.url);
    // Of this database: other tests hold locks in theirs.
    const held =
      await query(`SELECT count(*)::int AS n FROM pg_locks l JOIN pg_database d ON d.oid = l.database
      WHERE l.locktype = 'advisory' AND d.datname = current_database()`);
    expect(held).toEqual([{ n: 0 }]);
  });
});

describe('schema.prisma', () => {
  test('makes the same tables as the migrations, but for partial indexes, which it has no words for', async () => {
    await migrate(database.url);
    const migrated = { columns: await query(COLUMNS), indexes: await query(INDEXES) };

    const schemaPath = path.join(findPackageRoot(), 'prisma', 'schema.prisma');
    const engine = await openSchemaEngine(database.url);
    const script = await engine
      .scriptOf({ path: schemaPath, content: await readFile(schemaPath, 'utf8') })
      .finally(() => engine.close());
    await query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await query(script);

    expect(migrated.columns).toEqual(await query(COLUMNS));
    const whole = migrated.indexes.filter(({ definition }) => !String(definition).includes(' WHERE '));
    expect(whole).toEqual(await query(INDEXES));
  });

  const COLUMNS = `
    SELECT table_name, column_name, udt_name, datetime_precision, is_nullable, column_default
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> '_prisma_migrations' ORDER BY 1, 2`;
  const INDEXES = `
    SELECT regexp_replace(indexdef, ' WITH \\(.*?\\)', '') AS definition FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> '_prisma_migrations' ORDER BY 1`;
});
