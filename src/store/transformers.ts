/** Transformers: JSONata expressions under names, for chaining. */
import type pg from 'pg';
import { decodeCursor, encodeCursor, type PageOf, type PageQuery, pageOf } from './cursor.js';

export interface TransformerRecord {
  name: string;
  /** As it was given. */
  expression: string;
  description: string | null;
  createdAt: Date;
}

/** Makes a transformer, or finds the one that has the name: what it says is not changed. */
export async function createTransformer(
  pool: pg.Pool,
  { name, expression, description }: Omit<TransformerRecord, 'createdAt'>,
): Promise<TransformerRecord & { created: boolean }> {
  const { rows } = await pool.query<TransformerRecord>(
    `INSERT INTO transformers (name, expression, description, created_at) VALUES ($1, $2, $3, now())
     ON CONFLICT (name) DO NOTHING RETURNING ${COLUMNS}`,
    [name, expression, description],
  );
  const made = rows[0];
  if (made !== undefined) return { ...made, created: true };
  const found = await findTransformer(pool, name);
  // Deleted between the two statements.
  if (found === undefined) return createTransformer(pool, { name, expression, description });
  return { ...found, created: false };
}

/** undefined: there is no transformer of this name. */
export async function findTransformer(pool: pg.Pool, name: string): Promise<TransformerRecord | undefined> {
  if (name.includes('\0')) return undefined;
  const { rows } = await pool.query<TransformerRecord>(
    `SELECT ${COLUMNS} FROM transformers WHERE name = $1`,
    [name],
  );
  return rows[0];
}

/** A page, by name. */
export async function listTransformers(
  pool: pg.Pool,
  { limit, cursor }: PageQuery,
): Promise<PageOf<TransformerRecord>> {
  const after = cursor === undefined ? '' : decodeCursor(LIST, cursor, ['text'])[0];
  const { rows } = await pool.query<TransformerRecord>(
    `SELECT ${COLUMNS} FROM transformers WHERE name > $1 ORDER BY name LIMIT $2`,
    [after, limit + 1],
  );
  return pageOf(rows, limit, ({ name }) => encodeCursor(LIST, [name]));
}

const LIST = 'transformers';

/** What was started with it goes on with it. @returns whether it was there */
export async function deleteTransformer(pool: pg.Pool, name: string): Promise<boolean> {
  if (name.includes('\0')) return false;
  const { rowCount } = await pool.query('DELETE FROM transformers WHERE name = $1', [name]);
  return rowCount === 1;
}

const COLUMNS = 'name, expression, description, created_at AS "createdAt"';
