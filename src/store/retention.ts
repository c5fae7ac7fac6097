/**
 * Retention: what has ended is deleted when it is old enough, step by step, by one process at a time.
 *
 * 1. How far the walk has come is a row of `chores`, held while a step is done; who finds it held does nothing. So it
 *    goes on where it was, whoever dies.
 * 2. A walk begins anew when the last has come to its end, after a pause that grows with what it took.
 */
import type pg from 'pg';
import type { EndStatus } from '../engine/index.js';
import { firstIdAt } from './ids.js';
import { withTransaction } from './own-session.js';
import {
  DELETE_BATCHES,
  DELETE_EXECUTIONS,
  DELETE_SPENT_CHUNKS,
  EXPIRED_EXECUTIONS,
} from './sql/retention.js';

/** For how long what ended in a status is kept, in ms; a status that is left out, for ever. */
export type Retention = Readonly<Partial<Record<EndStatus, number>>>;

export interface RetentionStep {
  deleted: number;
  /** The walk has not come to its end: there is more to be looked at. */
  more: boolean;
}

/**
 * Deletes the next few executions that are old enough and that nothing needs any more, with their journals.
 * @returns undefined: another process is at it, or the next walk is not due.
 */
export function retireExecutions(pool: pg.Pool, retention: Retention): Promise<RetentionStep | undefined> {
  const [statuses, times] = columnsOf(retention);
  return step(pool, 'executions', async (session, { cursor, nowMs }) => {
    // Ids are dated by the process that made them; they are taken to agree with the database within a day.
    const before = firstIdAt(nowMs - Math.min(...times) + DAY_MS);
    const { rows } = await session.query<Expired>(EXPIRED_EXECUTIONS, [
      statuses,
      times,
      cursor,
      before,
      LOOKED_MAX,
      JOURNAL_ROWS_MAX,
    ]);
    const found = rows[0];
    if (found === undefined || found.last === null) return { deleted: 0, next: undefined };
    let deleted = 0;
    if (found.ids !== null) {
      const { rows: gone } = await session.query<{ n: number }>(DELETE_EXECUTIONS, [
        statuses,
        times,
        found.ids,
      ]);
      deleted = gone[0]?.n ?? 0;
    }
    if (found.cut) return { deleted, next: found.ids?.at(-1) ?? cursor };
    return { deleted, next: found.looked < LOOKED_MAX ? undefined : found.last };
  });
}

/** The same for batches and map runs whose members are gone. */
export function retireBatches(pool: pg.Pool, retention: Retention): Promise<RetentionStep | undefined> {
  const [statuses, times] = columnsOf(retention);
  return step(pool, 'batches', async (session, { cursor }) => {
    const { rows } = await session.query<Walked>(DELETE_BATCHES, [statuses, times, cursor, LOOKED_MAX]);
    const { n = 0, looked = 0, last = null } = rows[0] ?? {};
    return { deleted: n, next: last === null || looked < LOOKED_MAX ? undefined : last };
  });
}

/**
 * Deletes what is left of the sources of batches that are over, a page at a time, whatever is kept of the batches.
 * @returns the last batch that was looked at; undefined: it came to the end.
 */
export async function clearSpentChunks(pool: pg.Pool, afterId: string): Promise<string | undefined> {
  const { rows } = await pool.query<Walked>(DELETE_SPENT_CHUNKS, [afterId, CHUNKS_MAX]);
  const { n = 0, looked = 0, last = null } = rows[0] ?? {};
  if (last === null || looked < CHUNKS_MAX) return undefined;
  // A batch may have more chunks than a page: what was deleted of it makes room for the rest.
  return n > 0 ? afterId : last;
}

/** Executions looked at in one step: some milliseconds, and a lock on so many rows at most. */
const LOOKED_MAX = 300;

/** A step's share of the journal: some tens of milliseconds. */
const JOURNAL_ROWS_MAX = 5_000;

/** Each is up to 1 MB. */
const CHUNKS_MAX = 100;

const DAY_MS = 86_400_000;

/** At least so long, and a hundred times as long as the walk took, is what is kept not looked at again. */
const PAUSE = `least(interval '1 day', greatest(interval '1 minute', 100 * (clock_timestamp() - begun_at)))`;

interface Standing {
  cursor: string;
  nowMs: number;
}

interface Walked {
  n: number;
  looked: number;
  last: string | null;
}

interface Expired {
  ids: string[] | null;
  cut: boolean;
  looked: number;
  last: string | null;
}

/** `next` undefined: the walk has come to its end. */
type Walk = (
  session: pg.ClientBase,
  standing: Standing,
) => Promise<{ deleted: number; next: string | undefined }>;

function step(pool: pg.Pool, chore: string, walk: Walk): Promise<RetentionStep | undefined> {
  return withTransaction(pool, async (session) => {
    const { rows } = await session.query<Standing>(
      `SELECT cursor, (extract(epoch FROM now()) * 1000)::float8 AS "nowMs" FROM chores
       WHERE name = $1 AND next_at <= now() FOR UPDATE SKIP LOCKED`,
      [chore],
    );
    if (rows[0] === undefined) return undefined;
    const { deleted, next } = await walk(session, rows[0]);
    await session.query(
      next === undefined
        ? `UPDATE chores SET cursor = $2, begun_at = now() + ${PAUSE}, next_at = now() + ${PAUSE} WHERE name = $1`
        : `UPDATE chores SET cursor = $2, begun_at = CASE WHEN cursor = '${FIRST}' THEN now() ELSE begun_at END WHERE name = $1`,
      [chore, next ?? FIRST],
    );
    return { deleted, more: next !== undefined };
  });
}

const FIRST = '00000000-0000-0000-0000-000000000000';

function columnsOf(retention: Retention): [statuses: string[], times: number[]] {
  const entries = Object.entries(retention);
  return [entries.map(([status]) => status), entries.map(([, ms]) => ms)];
}
