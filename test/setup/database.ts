import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrate } from '../../src/store/migrate.js';

/** A migrated database for one test file, and nobody else's. */
export interface TestDatabase {
  url: string;
  /** Ends the sessions that are left and removes the database. */
  drop(): Promise<void>;
}

/** Clones the migrated template: some tens of milliseconds. */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`;
  await administer(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  return { url: urlOf(name), drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** An empty database without any table, for tests of the migration itself. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const name = `empty_${process.pid}_${randomBytes(6).toString('hex')}`;
  await administer(`CREATE DATABASE ${name} TEMPLATE template0`);
  return { url: urlOf(name), drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** Makes the template and migrates it, once for a test run. */
export async function prepareTemplate(): Promise<void> {
  await administer(`CREATE DATABASE ${TEMPLATE}`);
  await migrate(urlOf(TEMPLATE));
}

const TEMPLATE = 'escapement_template';

async function administer(statement: string): Promise<void> {
  const client = new pg.Client(adminUrl());
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function urlOf(database: string): string {
  const url = new URL(adminUrl());
  url.pathname = `/${database}`;
  return url.href;
}

function adminUrl(): string {
  const url = process.env['TEST_DATABASE_ADMIN_URL'];
  if (url === undefined) throw new Error('the test set-up has not run: start the tests through Jest');
  return url;
}
