/**
 * The fence, broken on purpose, in the hammer alone: to show that the hammer would see it.
 *
 * - `no-fence`: flushes do not lock their worker's row.
 * - `free-first`: what an expired worker owned is freed before its row is deleted.
 */
import pg from 'pg';

export const BREAKAGES = ['no-fence', 'free-first'] as const;
export type Breakage = (typeof BREAKAGES)[number];

export function asBreakage(text: string | undefined): Breakage | undefined {
  if (text === undefined || text === '') return undefined;
  const known = BREAKAGES.find((breakage) => breakage === text);
  if (known === undefined) throw new Error(`--break is '${text}'; expected ${BREAKAGES.join(' or ')}`);
  return known;
}

const FENCE = 'FOR KEY SHARE';

/** From now on, flushes of this process go to the server without their lock. @returns what puts it back. */
export function dropFence(): () => void {
  const query: unknown = Reflect.get(pg.Client.prototype, 'query');
  if (typeof query !== 'function') throw new Error('the driver has no query to wrap');
  Reflect.set(pg.Client.prototype, 'query', function (this: pg.Client, asked: unknown, ...rest: unknown[]) {
    return Reflect.apply(query, this, [unfenced(asked), ...rest]);
  });
  return () => void Reflect.set(pg.Client.prototype, 'query', query);
}

function unfenced(asked: unknown): unknown {
  if (typeof asked !== 'object' || asked === null || !('name' in asked) || asked.name !== 'flush')
    return asked;
  const text = 'text' in asked ? String(asked.text) : '';
  if (!text.includes(FENCE)) throw new Error('a flush has no fence to drop');
  return Object.assign(Object.create(Object.getPrototypeOf(asked)), asked, { text: text.replace(FENCE, '') });
}

const EXPIRED = "SELECT id FROM workers WHERE heartbeat_at < now() - lease_ms * interval '1 ms'";

/** The reaper, the wrong way round. */
export async function reapFreeFirst(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ id: string }>(EXPIRED);
  const expired = [rows.map(({ id }) => id)];
  const { rowCount } = await pool.query(
    `UPDATE executions SET owner = NULL, wake_at = CASE WHEN paused_at IS NULL THEN now() END
     WHERE owner = ANY($1::uuid[]) AND end_time IS NULL`,
    expired,
  );
  await pool.query('DELETE FROM workers WHERE id = ANY($1::uuid[])', expired);
  return rowCount ?? 0;
}
