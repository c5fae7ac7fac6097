/**
 * Brings a database to the schema of `prisma/migrations`, with Prisma's own schema engine in WebAssembly:
 * what `prisma migrate deploy` does, without the program that it would download. The table
 * `_prisma_migrations` is the same, so Prisma's CLI sees what was applied here and the other way round.
 */

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { type MigrationList, openSchemaEngine } from './schema-engine.js';

export interface MigrateOptions {
  /** Hears of each migration that was applied. */
  log?: (message: string) => void;
  /** Those to apply; absent: what lies in the package. */
  migrations?: MigrationList;
}

/**
 * Applies the migrations that the database does not have yet; with none, it changes nothing.
 * Safe from any number of processes at once: they take turns under an advisory lock.
 * @throws Error with the engine's words when a migration fails, or one failed before and is not resolved.
 */
export async function migrate(
  url: string,
  { log, migrations }: MigrateOptions = {},
): Promise<{ applied: string[] }> {
  // A session of its own: whatever the engine does with its connections, the lock lasts until we end it,
  // and a process that dies gives it back.
  const turn = new pg.Client({
    connectionString: url,
    application_name: 'escapement migrate',
    keepAlive: true,
  });
  turn.on('error', () => undefined); // whoever waits on a statement is told by that statement
  await turn.connect();
  try {
    await turn.query('SELECT pg_advisory_lock($1)', [LOCK]);
    await forgetInterrupted(turn);
    const engine = await openSchemaEngine(url);
    try {
      const applied = await engine.applyMigrations(
        migrations ?? (await readMigrations()),
        await readTables(turn),
      );
      for (const name of applied) log?.(`applied migration ${name}`);
      return { applied };
    } finally {
      await engine.close();
    }
  } finally {
    await turn.end();
  }
}

/**
 * A migration whose process died before it was through has left nothing but its entry in the books, over which the engine
 * would refuse to go on; one that was refused by PostgreSQL has `logs`, and is for a person to look at. Whoever migrates with
 * Prisma's own program holds Prisma's lock meanwhile.
 */
async function forgetInterrupted(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ is: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS is`,
  );
  if (rows[0]?.is !== true) return;
  await client.query(
    `UPDATE _prisma_migrations SET rolled_back_at = now()
     WHERE finished_at IS NULL AND rolled_back_at IS NULL AND logs IS NULL
       AND (SELECT pg_try_advisory_xact_lock(72707369))`,
  );
}

/**
 * The tables that are there, but for Prisma's own. On a database that was never migrated they belong to others (the queue's own,
 * for one), and without being told so the engine would refuse to begin.
 */
async function readTables(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname = current_schema() AND tablename <> '_prisma_migrations'`,
  );
  return rows.map(({ name }) => name);
}

/** Any number that nobody else uses in the database; Prisma's own lock is 72707369. */
const LOCK = 7_270_736_901;

/** The migrations as they lie in the package, in the shape that the engine reads. */
export async function readMigrations(): Promise<MigrationList> {
  const baseDir = path.join(findPackageRoot(), 'prisma', 'migrations');
  const entries = await readdir(baseDir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return {
    baseDir,
    lockfile: {
      path: 'migration_lock.toml',
      content: await readFile(path.join(baseDir, 'migration_lock.toml'), 'utf8'),
    },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(
      names.sort().map(async (name) => ({
        path: name,
        migrationFile: {
          path: 'migration.sql',
          content: {
            tag: 'ok' as const,
            value: await readFile(path.join(baseDir, name, 'migration.sql'), 'utf8'),
          },
        },
      })),
    ),
  };
}

/** The directory that holds `prisma/`: above `src/`, above `dist/`, and in an installed package alike. */
export function findPackageRoot(): string {
  let directory = import.meta.dirname;
  while (!existsSync(path.join(directory, 'prisma', 'migrations', 'migration_lock.toml'))) {
    const parent = path.dirname(directory);
    if (parent === directory) throw new Error(`prisma/migrations was not found above ${import.meta.dirname}`);
    directory = parent;
  }
  return directory;
}
