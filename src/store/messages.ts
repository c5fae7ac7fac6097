/**
 * Messages from outside, and who waits for them.
 *
 * 1. A message wakes every frame that waits for its key and value. When none does it is kept, and the first that
 *    comes to wait takes it: a kept message is taken once.
 * 2. A message and a wait that come at the same time take turns under an advisory lock on key and value: whoever
 *    is second sees the first. So no message is kept beside a frame that waits for it.
 * 3. What matched is first written beside the wait, and then put into the inbox by a statement of its own for each
 *    execution: many at once would lock executions in an order of their own, and could wait for a flush that
 *    waits for them. What a crash left in between, the sweeper delivers.
 * 4. A call waits once. When its wait is over, by a message or without one, its row stays, without key and value, until the
 *    execution has ended: who registers the wait again, because the answer was lost, or has done so too late, since another
 *    has taken over, finds it and is no second one that a message could be lost to.
 */
import type pg from 'pg';
import { decodeCursor, encodeCursor, type PageOf, type PageQuery, pageOf } from './cursor.js';
import { newId } from './ids.js';
import { withTransaction } from './own-session.js';
import type { ReturnAddress } from './task-tokens.js';
import { HAS_READ, WOKEN, type Woken, type WokenRow, wakeWith, wokenOf } from './waking.js';

/** What a message is recognised by. */
export interface Correlation {
  correlationKey: string;
  /** Canonical JSON text, or the string itself. */
  correlationValue: string;
}

export interface MessageWait extends Correlation {
  to: ReturnAddress;
  stateMachineId: string;
  stateName: string;
  timeoutAtMs: number | undefined;
}

/**
 * Registers a frame as waiting, once for its key. A kept message that matches, the oldest, is delivered at once.
 * @returns who has been woken by it.
 */
export async function awaitMessage(pool: pg.Pool, wait: MessageWait): Promise<Woken[]> {
  const { to, correlationKey, correlationValue } = wait;
  const matched = await underLock(pool, wait, async (session, hash) => {
    const { rowCount } = await session.query(
      `INSERT INTO message_correlations (execution_id, frame_id, key, state_machine_id, state_name, correlation_key,
         correlation_value, hash, timeout_at, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9::float8 / 1000), now())
       ON CONFLICT (execution_id, key) DO NOTHING`,
      [
        to.executionId,
        to.frameId,
        to.key,
        wait.stateMachineId,
        wait.stateName,
        correlationKey,
        correlationValue,
        hash,
        wait.timeoutAtMs ?? null,
      ],
    );
    // Asked again after a crash: it may have been matched already.
    if (rowCount === 0) return true;
    const { rowCount: taken } = await session.query(
      `WITH kept AS (
         SELECT id FROM messages
         WHERE hash = $1 AND correlation_key = $2 AND correlation_value = $3 AND expires_at > now()
         ORDER BY created_at, id LIMIT 1
       ), taken AS (
         DELETE FROM messages m USING kept k WHERE m.id = k.id RETURNING m.data
       )
       UPDATE message_correlations c SET message = t.data FROM taken t WHERE c.execution_id = $4 AND c.key = $5`,
      [hash, correlationKey, correlationValue, to.executionId, to.key],
    );
    return taken === 1;
  });
  return matched ? wokenIn(await deliverMatched(pool, [to])) : [];
}

/**
 * Gives a message to every frame that waits for it. An execution that has ended waits no more, even if its wait is
 * still written down: when only such have matched, the message is kept as if none had.
 * @param data JSON text.
 * @param ttlSeconds how long it is kept when nobody does; 0: not at all.
 * @returns to how many it was given, who was woken, and whether it is kept.
 */
export async function deliverMessage(
  pool: pg.Pool,
  correlation: Correlation,
  data: string,
  ttlSeconds: number,
): Promise<{ delivered: number; kept: boolean; woken: Woken[] }> {
  const { correlationKey, correlationValue } = correlation;
  const { matched, kept } = await underLock(pool, correlation, async (session, hash) => {
    const { rows } = await session.query<Matched>(
      `UPDATE message_correlations SET message = $4
       WHERE hash = $1 AND correlation_key = $2 AND correlation_value = $3 AND message IS NULL
       RETURNING execution_id AS "executionId", key`,
      [hash, correlationKey, correlationValue, data],
    );
    if (rows.length > 0 || ttlSeconds <= 0) return { matched: rows, kept: false };
    await session.query(
      `INSERT INTO messages (id, correlation_key, correlation_value, hash, data, created_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, now(), now() + $6::int * interval '1 s')`,
      [newId(), correlationKey, correlationValue, hash, data, ttlSeconds],
    );
    return { matched: rows, kept: true };
  });
  const answers = await deliverMatched(pool, matched);
  const delivered = answers.filter(({ kind }) => kind !== 'ended').length;
  // The waits of the ended are gone now, so this comes to an end.
  if (delivered === 0 && matched.length > 0) return deliverMessage(pool, correlation, data, ttlSeconds);
  return { delivered, kept, woken: wokenIn(answers) };
}

/** Delivers what was matched a while ago and not delivered: what a crash left. Plan: message_correlations_message_idx. */
export async function deliverForgotten(pool: pg.Pool, limit: number): Promise<Woken[]> {
  const { rows } = await pool.query<Matched>(
    `SELECT execution_id AS "executionId", key FROM message_correlations
     WHERE message IS NOT NULL ORDER BY created_at LIMIT $1`,
    [limit],
  );
  return wokenIn(await deliverMatched(pool, rows));
}

/** The frame waits no more; a message that comes now finds others, or is kept. */
export async function forgetWait(
  pool: pg.Pool,
  to: Pick<ReturnAddress, 'executionId' | 'key'>,
): Promise<void> {
  await pool.query(`${OVER} DO UPDATE SET ${SETTLED}`, [to.executionId, to.key]);
}

/**
 * The same right before the wait times out, unless a message has matched: then that one is delivered.
 * @param inboxSeq how far the execution's inbox has been read.
 * @returns whether no message can come to this frame any more; false: the inbox has more.
 */
export async function withdrawWait(
  pool: pg.Pool,
  to: Pick<ReturnAddress, 'executionId' | 'key'>,
  inboxSeq: number,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `${OVER} DO UPDATE SET ${SETTLED} WHERE message_correlations.message IS NULL AND message_correlations.${OPEN}`,
    [to.executionId, to.key],
  );
  if (rowCount === 0) await deliverMatched(pool, [to]);
  const { rows } = await pool.query<{ read: boolean }>(HAS_READ, [to.executionId, inboxSeq]);
  return rows[0]?.read !== false;
}

/** Where a walk through the settled waits has come. */
export interface SettledPosition {
  at: Date;
  executionId: string;
  key: string;
}

/**
 * Deletes settled waits whose execution has ended, a page of settled ones at a time, the oldest first. Plan:
 * message_correlations_waiting_idx.
 * @returns the last that was looked at; undefined: it came to the end.
 */
export async function clearSettledWaits(
  pool: pg.Pool,
  after: SettledPosition | undefined,
  limit: number,
): Promise<SettledPosition | undefined> {
  const { rows } = await pool.query<SettledPosition & { looked: number }>(
    `WITH page AS MATERIALIZED (
       SELECT created_at, execution_id, key FROM message_correlations
       WHERE state_machine_id = '' AND (created_at, execution_id, key) > ($1::timestamptz, $2::uuid, $3)
       ORDER BY created_at, execution_id, key LIMIT $4
     ), gone AS (
       DELETE FROM message_correlations c USING page p, executions e
       WHERE c.execution_id = p.execution_id AND c.key = p.key AND e.id = p.execution_id AND e.end_time IS NOT NULL
     )
     SELECT created_at AS at, execution_id AS "executionId", key, (SELECT count(*)::int FROM page) AS looked
     FROM page ORDER BY created_at DESC, execution_id DESC, key DESC LIMIT 1`,
    [after?.at ?? new Date(0), after?.executionId ?? NO_ID, after?.key ?? '', limit],
  );
  const row = rows[0];
  return row === undefined || row.looked < limit ? undefined : row;
}

/** Deletes messages whose time is over. Plan: messages_expires_at_idx. @returns how many */
export async function clearExpiredMessages(pool: pg.Pool, limit: number): Promise<number> {
  const { rowCount } = await pool.query(
    `DELETE FROM messages WHERE id IN (
       SELECT id FROM messages WHERE expires_at <= now() ORDER BY expires_at LIMIT $1)`,
    [limit],
  );
  return rowCount ?? 0;
}

/** A frame that waits for a message. */
export interface WaitRecord extends Correlation {
  executionId: string;
  stateName: string;
  since: Date;
  timeoutAt: Date | null;
}

/** Who waits for a message in the executions of a machine, longest first. Plan: message_correlations_waiting_idx. */
export async function listWaits(
  pool: pg.Pool,
  stateMachineId: string,
  { limit, cursor }: PageQuery,
): Promise<PageOf<WaitRecord>> {
  const [sinceMs, id, key] =
    cursor === undefined ? [0, NO_ID, ''] : decodeCursor('waiting', cursor, ['instant', 'uuid', 'text']);
  const { rows } = await pool.query<WaitRecord & { key: string }>(
    `SELECT execution_id AS "executionId", state_name AS "stateName", correlation_key AS "correlationKey",
       correlation_value AS "correlationValue", created_at AS since, timeout_at AS "timeoutAt", key
     FROM message_correlations
     WHERE state_machine_id = $1 AND message IS NULL
       AND (created_at, execution_id, key) > (to_timestamp($2::float8 / 1000)::timestamptz(3), $3::uuid, $4)
     ORDER BY created_at, execution_id, key LIMIT $5`,
    [stateMachineId, sinceMs, id, key, limit + 1],
  );
  const page = pageOf(rows, limit, (last) =>
    encodeCursor('waiting', [last.since.getTime(), last.executionId, last.key]),
  );
  return { ...page, items: page.items.map(({ key: _, ...wait }) => wait) };
}

type Matched = Pick<ReturnAddress, 'executionId' | 'key'>;

/** Runs `use` alone among those who come with the same key and value. The hash is what rows are found by. */
function underLock<T>(
  pool: pg.Pool,
  { correlationKey, correlationValue }: Correlation,
  use: (session: pg.PoolClient, hash: string) => Promise<T>,
): Promise<T> {
  return withTransaction(pool, async (session) => {
    // A statement of its own: the next one's snapshot is younger than what the lock waited for.
    const { rows } = await session.query<{ hash: string }>(
      `SELECT h.hash::text AS hash, pg_advisory_xact_lock(h.hash)
       FROM (SELECT hashtextextended($1, hashtextextended($2, 0)) AS hash) h`,
      [correlationValue, correlationKey],
    );
    const [row] = rows;
    if (row === undefined) throw new Error('a SELECT without a row');
    return use(session, row.hash);
  });
}

/** What came of one delivery: it was made; its execution has ended; or somebody else has made it. */
type Delivered = { kind: 'woken'; woken: Woken } | { kind: 'ended' | 'byAnother' };

/** One statement each, a few at once. Of two that deliver the same, the second finds nothing. */
async function deliverMatched(pool: pg.Pool, matched: readonly Matched[]): Promise<Delivered[]> {
  const answers: Delivered[] = [];
  for (let from = 0; from < matched.length; from += AT_ONCE) {
    const some = matched.slice(from, from + AT_ONCE).map(async ({ executionId, key }): Promise<Delivered> => {
      const { rows } = await pool.query<WokenRow & { found: boolean }>(DELIVER, [executionId, key]);
      const woken = wokenOf(rows[0]);
      if (woken !== undefined) return { kind: 'woken', woken };
      return { kind: rows[0]?.found === true ? 'ended' : 'byAnother' };
    });
    answers.push(...(await Promise.all(some)));
  }
  return answers;
}

function wokenIn(answers: readonly Delivered[]): Woken[] {
  return answers.flatMap((answer) => (answer.kind === 'woken' ? [answer.woken] : []));
}

const AT_ONCE = 4;

const NO_ID = '00000000-0000-0000-0000-000000000000';

/** What a wait becomes that is over: no machine, no key, and a hash that is found only by chance, and then not taken. */
const SETTLED =
  "message = NULL, hash = 0, state_machine_id = '', correlation_key = '', correlation_value = '', created_at = now()";
const OPEN = "state_machine_id <> ''";

/** A wait that is over before it was registered stays over. $1 execution, $2 key. */
const OVER = `
INSERT INTO message_correlations (execution_id, frame_id, key, state_machine_id, state_name, correlation_key,
  correlation_value, hash, created_at)
VALUES ($1, 0, $2, '', '', '', '', 0, now())
ON CONFLICT (execution_id, key)`;

const DELIVER = `
WITH found AS MATERIALIZED (
  SELECT execution_id, key, '{"frameId":' || frame_id || ',"key":' || to_json(key)::text || ',"data":' || message || '}' AS data
  FROM message_correlations WHERE execution_id = $1 AND key = $2 AND message IS NOT NULL
  FOR NO KEY UPDATE
), matched AS (
  UPDATE message_correlations c SET ${SETTLED} FROM found f WHERE c.execution_id = f.execution_id AND c.key = f.key
  RETURNING f.execution_id, f.data
), ${wakeWith('matched', "'message'")}
SELECT (SELECT count(*) FROM matched) = 1 AS found, ${WOKEN} FROM (SELECT 1) one LEFT JOIN woken w ON true`;
