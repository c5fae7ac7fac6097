/** Task endpoints: functions that are served behind a URL, and what their calls are signed with. */
import type pg from 'pg';
import type { TaskEndpoint } from '../engine/index.js';
import { decodeCursor, encodeCursor, type PageOf, type PageQuery, pageOf } from './cursor.js';
import { openWith, type Vault } from './vault.js';

export interface TaskEndpointRecord {
  name: string;
  url: string;
  timeoutSeconds: number;
  createdAt: Date;
  rotatedAt: Date | null;
  /** Until when calls are signed with the secret before the last rotation, too. */
  previousUntil: Date | null;
}

export interface NewTaskEndpoint {
  name: string;
  url: string;
  timeoutSeconds: number;
  secret: string;
}

/** @returns undefined when there is one of that name. */
export async function createTaskEndpoint(
  pool: pg.Pool,
  vault: Vault,
  { name, url, timeoutSeconds, secret }: NewTaskEndpoint,
): Promise<TaskEndpointRecord | undefined> {
  const { rows } = await pool.query<TaskEndpointRecord>(
    `INSERT INTO task_endpoints (name, url, timeout_seconds, sealed, created_at) VALUES ($1, $2, $3, $4, now())
     ON CONFLICT (name) DO NOTHING RETURNING ${COLUMNS}`,
    [name, url, timeoutSeconds, vault.seal(secret, placeOf(name))],
  );
  return rows[0];
}

/** Changes what is named; the secret stays. @returns undefined when there is none. */
export async function changeTaskEndpoint(
  pool: pg.Pool,
  name: string,
  { url, timeoutSeconds }: { url?: string; timeoutSeconds?: number },
): Promise<TaskEndpointRecord | undefined> {
  if (name.includes('\0')) return undefined;
  const { rows } = await pool.query<TaskEndpointRecord>(
    `UPDATE task_endpoints SET url = coalesce($2, url), timeout_seconds = coalesce($3, timeout_seconds)
     WHERE name = $1 RETURNING ${COLUMNS}`,
    [name, url ?? null, timeoutSeconds ?? null],
  );
  return rows[0];
}

/**
 * Gives it another secret. Calls are signed with the one before, too, for so long.
 * @returns undefined when there is none.
 */
export async function rotateTaskEndpoint(
  pool: pg.Pool,
  vault: Vault,
  { name, secret, overlapSeconds }: { name: string; secret: string; overlapSeconds: number },
): Promise<TaskEndpointRecord | undefined> {
  if (name.includes('\0')) return undefined;
  const { rows } = await pool.query<TaskEndpointRecord>(
    `UPDATE task_endpoints SET sealed = $2, rotated_at = now(),
       previous = CASE WHEN $3::int > 0 THEN sealed END,
       previous_until = CASE WHEN $3::int > 0 THEN now() + make_interval(secs => $3::int) END
     WHERE name = $1 RETURNING ${COLUMNS}`,
    [name, vault.seal(secret, placeOf(name)), overlapSeconds],
  );
  return rows[0];
}

/** Without its secrets. undefined: there is no endpoint of this name. */
export async function findTaskEndpoint(pool: pg.Pool, name: string): Promise<TaskEndpointRecord | undefined> {
  if (name.includes('\0')) return undefined;
  const { rows } = await pool.query<TaskEndpointRecord>(
    `SELECT ${COLUMNS} FROM task_endpoints WHERE name = $1`,
    [name],
  );
  return rows[0];
}

/** A page, by name. */
export async function listTaskEndpoints(
  pool: pg.Pool,
  { limit, cursor }: PageQuery,
): Promise<PageOf<TaskEndpointRecord>> {
  const after = cursor === undefined ? '' : decodeCursor('task-endpoints', cursor, ['text'])[0];
  const { rows } = await pool.query<TaskEndpointRecord>(
    `SELECT ${COLUMNS} FROM task_endpoints WHERE name > $1 ORDER BY name LIMIT $2`,
    [after, limit + 1],
  );
  return pageOf(rows, limit, ({ name }) => encodeCursor('task-endpoints', [name]));
}

/** @returns whether it was there. */
export async function deleteTaskEndpoint(pool: pg.Pool, name: string): Promise<boolean> {
  if (name.includes('\0')) return false;
  const { rowCount } = await pool.query('DELETE FROM task_endpoints WHERE name = $1', [name]);
  return rowCount === 1;
}

/**
 * An endpoint with its secrets, for a call.
 * @throws SecretUnreadable
 */
export async function openTaskEndpoint(
  pool: pg.Pool,
  vault: Vault | undefined,
  name: string,
): Promise<TaskEndpoint | undefined> {
  const { rows } = await pool.query<{
    url: string;
    timeoutSeconds: number;
    sealed: string;
    previous: string | null;
  }>(
    `SELECT url, timeout_seconds AS "timeoutSeconds", sealed,
       CASE WHEN previous_until > now() THEN previous END AS previous
     FROM task_endpoints WHERE name = $1`,
    [name],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const sealed = row.previous === null ? [row.sealed] : [row.sealed, row.previous];
  const secrets = sealed.map((one) => openWith(vault, one, placeOf(name)));
  return { name, url: row.url, timeoutMs: row.timeoutSeconds * 1000, secrets };
}

function placeOf(name: string): string {
  return `task endpoint ${name}`;
}

const COLUMNS = `name, url, timeout_seconds AS "timeoutSeconds", created_at AS "createdAt", rotated_at AS "rotatedAt",
  CASE WHEN previous_until > now() THEN previous_until END AS "previousUntil"`;
