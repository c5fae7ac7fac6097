/** Activities: names under which tasks are offered to whoever polls for them. */
import type pg from 'pg';
import { decodeCursor, encodeCursor, type PageOf, type PageQuery, pageOf } from './cursor.js';

/** The channel on which pollers hear of a task; the payload is the activity's name. */
export const TASKS_CHANNEL = 'escapement_tasks';

export interface ActivityRecord {
  name: string;
  createdAt: Date;
  /** Tasks that no worker has taken. */
  waiting: number;
}

/** Makes an activity, or finds it: making it again changes nothing. */
export async function createActivity(
  pool: pg.Pool,
  name: string,
): Promise<ActivityRecord & { created: boolean }> {
  const { rows } = await pool.query<ActivityRecord>(
    `INSERT INTO activities (name, created_at) VALUES ($1, now()) ON CONFLICT (name) DO NOTHING
     RETURNING ${COLUMNS}`,
    [name],
  );
  const made = rows[0];
  if (made !== undefined) return { ...made, created: true };
  const found = await findActivity(pool, name);
  // Deleted between the two statements.
  return found === undefined ? createActivity(pool, name) : { ...found, created: false };
}

/** Whether there is such an activity: unlike `findActivity` at no more cost when many tasks wait. */
export async function hasActivity(pool: pg.Pool, name: string): Promise<boolean> {
  if (name.includes('\0')) return false;
  const { rowCount } = await pool.query('SELECT 1 FROM activities WHERE name = $1', [name]);
  return rowCount === 1;
}

/** undefined: there is no activity of this name. */
export async function findActivity(pool: pg.Pool, name: string): Promise<ActivityRecord | undefined> {
  if (name.includes('\0')) return undefined;
  const { rows } = await pool.query<ActivityRecord>(`SELECT ${COLUMNS} FROM activities WHERE name = $1`, [
    name,
  ]);
  return rows[0];
}

/** A page, by name. */
export async function listActivities(
  pool: pg.Pool,
  { limit, cursor }: PageQuery,
): Promise<PageOf<ActivityRecord>> {
  const after = cursor === undefined ? '' : decodeCursor('activities', cursor, ['text'])[0];
  const { rows } = await pool.query<ActivityRecord>(
    `SELECT ${COLUMNS} FROM activities WHERE name > $1 ORDER BY name LIMIT $2`,
    [after, limit + 1],
  );
  return pageOf(rows, limit, ({ name }) => encodeCursor('activities', [name]));
}

/** Deletes an activity. Tasks that wait for a worker keep waiting until their time is up. @returns whether it was there */
export async function deleteActivity(pool: pg.Pool, name: string): Promise<boolean> {
  if (name.includes('\0')) return false;
  const { rowCount } = await pool.query('DELETE FROM activities WHERE name = $1', [name]);
  return rowCount === 1;
}

/** The count reads task_tokens_offered_idx. */
const COLUMNS = `name, created_at AS "createdAt", (
  SELECT count(*)::int FROM task_tokens t WHERE t.activity = activities.name AND t.leased_at IS NULL AND t.done_at IS NULL
) AS waiting`;
