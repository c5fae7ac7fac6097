/** Connections: what HTTP tasks authenticate themselves with. Secrets go in sealed, and come out only for a call. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Authorization, AuthorizationType, Connection, ConnectionParameters } from '../engine/index.js';
import type { JsonObject } from '../std/json.js';
import { decodeCursor, encodeCursor, type PageOf, type PageQuery, pageOf } from './cursor.js';
import { openWith, type Vault } from './vault.js';

/** What can be told of a connection: nothing secret. */
export interface ConnectionRecord {
  name: string;
  type: AuthorizationType;
  description: string | null;
  shown: JsonObject;
  hosts: string[];
  createdAt: Date;
}

export interface NewConnection {
  name: string;
  description: string | null;
  authorization: Authorization;
  parameters: ConnectionParameters;
  hosts: readonly string[];
  shown: JsonObject;
}

/**
 * Writes a connection down; `replace`: also where one of its name is.
 * @param vault undefined only for a connection that has no secrets (`hasSecrets`).
 * @returns undefined when there is one of that name; when replacing, when there is none.
 */
export async function writeConnection(
  pool: pg.Pool,
  vault: Vault | undefined,
  connection: NewConnection,
  how: 'create' | 'replace',
): Promise<ConnectionRecord | undefined> {
  const { name, description, authorization, parameters, hosts, shown } = connection;
  const secret = hasSecrets(connection);
  if (secret && vault === undefined) throw new Error('a connection with secrets needs a vault');
  const sealed = secret ? vault?.seal(JSON.stringify({ authorization, parameters }), placeOf(name)) : null;
  const values = [name, authorization.type, description, JSON.stringify(shown), sealed, hosts, randomUUID()];
  const { rows } = await pool.query<ConnectionRecord>(
    how === 'create'
      ? `INSERT INTO connections (name, type, description, shown, sealed, hosts, version, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, now()) ON CONFLICT (name) DO NOTHING RETURNING ${COLUMNS}`
      : `UPDATE connections SET type = $2, description = $3, shown = $4, sealed = $5, hosts = $6, version = $7
         WHERE name = $1 RETURNING ${COLUMNS}`,
    values,
  );
  return rows[0];
}

/** Parameters count: keys are passed in queries, too. */
export function hasSecrets({
  authorization,
  parameters,
}: Pick<NewConnection, 'authorization' | 'parameters'>): boolean {
  return (
    authorization.type !== 'NONE' ||
    [parameters.headers, parameters.query, parameters.body].some((some) => Object.keys(some).length > 0)
  );
}

/** undefined: there is no connection of this name. */
export async function findConnection(pool: pg.Pool, name: string): Promise<ConnectionRecord | undefined> {
  if (name.includes('\0')) return undefined;
  const { rows } = await pool.query<ConnectionRecord>(`SELECT ${COLUMNS} FROM connections WHERE name = $1`, [
    name,
  ]);
  return rows[0];
}

/** A page, by name. */
export async function listConnections(
  pool: pg.Pool,
  { limit, cursor }: PageQuery,
): Promise<PageOf<ConnectionRecord>> {
  const after = cursor === undefined ? '' : decodeCursor('connections', cursor, ['text'])[0];
  const { rows } = await pool.query<ConnectionRecord>(
    `SELECT ${COLUMNS} FROM connections WHERE name > $1 ORDER BY name LIMIT $2`,
    [after, limit + 1],
  );
  return pageOf(rows, limit, ({ name }) => encodeCursor('connections', [name]));
}

/** @returns whether it was there. */
export async function deleteConnection(pool: pg.Pool, name: string): Promise<boolean> {
  if (name.includes('\0')) return false;
  const { rowCount } = await pool.query('DELETE FROM connections WHERE name = $1', [name]);
  return rowCount === 1;
}

/**
 * A connection with its secrets, for a call.
 * @throws SecretUnreadable
 */
export async function openConnection(
  pool: pg.Pool,
  vault: Vault | undefined,
  name: string,
): Promise<Connection | undefined> {
  if (name.includes('\0')) return undefined;
  const { rows } = await pool.query<{ version: string; sealed: string | null; hosts: string[] }>(
    'SELECT version, sealed, hosts FROM connections WHERE name = $1',
    [name],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const { version, hosts } = row;
  if (row.sealed === null) {
    return { name, version, hosts, authorization: { type: 'NONE' }, parameters: NO_PARAMETERS };
  }
  // Only writeConnection has sealed for this place, and what it sealed is authenticated.
  const secret = JSON.parse(openWith(vault, row.sealed, placeOf(name))) as Pick<
    Connection,
    'authorization' | 'parameters'
  >;
  return { name, version, hosts, ...secret };
}

const NO_PARAMETERS: ConnectionParameters = { headers: {}, query: {}, body: {} };

function placeOf(name: string): string {
  return `connection ${name}`;
}

const COLUMNS = `name, type, description, shown, hosts, created_at AS "createdAt"`;
