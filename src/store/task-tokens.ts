/**
 * Task tokens: who answers with one answers the call of the frame that handed it out.
 *
 * 1. A token is done once: it was answered, or nobody waits any more (`done_at`). Done is for ever.
 * 2. An answer marks the token and puts the signal into the inbox in one statement: either both or none.
 * 3. A token that is given up before it was written down is written down as done: whoever writes it down later, since he was slow
 *    or does not know yet that nobody waits, finds it so.
 * 4. Rows are locked token first, then execution; nothing that holds an execution's row waits for a token.
 */
import type pg from 'pg';
import type { ForFrame, SignalData } from '../engine/index.js';
import { TASKS_CHANNEL } from './activities.js';
import { withSession, withTransaction } from './own-session.js';
import { ANSWER_TOKEN, BEAT_TOKEN, LEASE_TASK } from './sql/task-tokens.js';
import { HAS_READ, type Woken, type WokenRow, wokenOf } from './waking.js';

/** Where an outcome from outside goes. */
export interface ReturnAddress extends ForFrame {
  executionId: string;
}

/** Writes down a token that a function or a child is about to be given, once. */
export async function issueToken(pool: pg.Pool, token: string, to: ReturnAddress): Promise<void> {
  await pool.query(
    `INSERT INTO task_tokens (token, kind, execution_id, frame_id, key, created_at)
     VALUES ($1, 'callback', $2, $3, $4, now()) ON CONFLICT (token) DO NOTHING`,
    [token, to.executionId, to.frameId, to.key],
  );
}

export interface OfferedTask {
  token: string;
  /** The activity's name. */
  activity: string;
  /** JSON text. */
  input: string;
  to: ReturnAddress;
}

/** Puts a task where the activity's workers poll, once for a token, and tells those who wait for one. */
export async function offerTask(pool: pg.Pool, { token, activity, input, to }: OfferedTask): Promise<void> {
  await pool.query(
    `WITH offered AS (
       INSERT INTO task_tokens (token, kind, execution_id, frame_id, key, activity, input, created_at)
       VALUES ($1, 'activity', $2, $3, $4, $5, $6, now()) ON CONFLICT (token) DO NOTHING
       RETURNING activity
     )
     SELECT pg_notify('${TASKS_CHANNEL}', activity) FROM offered`,
    [token, to.executionId, to.frameId, to.key, activity, input],
  );
}

/** A task that an activity worker has taken. */
export interface LeasedTask {
  token: string;
  /** JSON text. */
  input: string;
  woken: Woken;
}

/**
 * Takes the oldest task of an activity; undefined: there is none.
 * @param signal aborts when who asks has gone: he then takes none, also when he went while it was being taken. Between
 * the question and the answer may be a wait for a session of the pool, which is long when many ask at once.
 */
export async function leaseTask(
  pool: pg.Pool,
  activity: string,
  workerName: string | undefined,
  signal?: AbortSignal,
): Promise<LeasedTask | undefined> {
  const isGone = (): boolean => signal?.aborted === true;
  return withSession(pool, async (session) => {
    for (;;) {
      if (isGone()) return undefined;
      await session.query('BEGIN');
      const { rows } = await session.query<WokenRow & { token: string; input: string }>(LEASE_TASK, [
        activity,
        workerName ?? null,
      ]);
      if (isGone()) {
        await session.query('ROLLBACK');
        return undefined;
      }
      await session.query('COMMIT');
      const row = rows[0];
      if (row === undefined) return undefined;
      const woken = wokenOf(row);
      // Of an execution that has ended: nobody waits for it, and nobody will take it again.
      if (woken !== undefined) return { token: row.token, input: row.input, woken };
    }
  });
}

export type TokenAnswer =
  | { kind: 'tokenSucceeded'; output: SignalData['tokenSucceeded']['output'] }
  | { kind: 'tokenFailed'; error?: string; cause?: string }
  | { kind: 'tokenHeartbeat' };

export type AnswerOutcome =
  | { kind: 'delivered'; woken: Woken }
  /** The same call answered before: it has been delivered. */
  | { kind: 'repeated' }
  /** There never was such a token, or it was cleared away a day after it was done. */
  | { kind: 'unknown' }
  /** It was answered already, nobody waits for it any more, or its execution has ended. */
  | { kind: 'gone' };

/**
 * Ends the wait for a token, or says that the work goes on.
 * @param by the key of the call that answers, if it may be repeated: then its second answer is known as the first.
 */
export async function answerToken(
  pool: pg.Pool,
  token: string,
  { kind, ...rest }: TokenAnswer,
  by?: string,
): Promise<AnswerOutcome> {
  if (token.includes('\0')) return { kind: 'unknown' };
  // What comes after frame and key in the signal's JSON text.
  const members = JSON.stringify(rest).slice(1, -1);
  const values = [token, kind, members === '' ? '' : `,${members}`];
  const { rows } = await (kind === 'tokenHeartbeat'
    ? pool.query<WokenRow & { known: boolean }>(BEAT_TOKEN, values)
    : pool.query<WokenRow & { known: boolean }>(ANSWER_TOKEN, [...values, by ?? null]));
  const woken = wokenOf(rows[0]);
  if (woken !== undefined) return { kind: 'delivered', woken };
  if (rows[0]?.known !== true) return { kind: 'unknown' };
  if (by === undefined || kind === 'tokenHeartbeat') return { kind: 'gone' };
  // A statement of its own, whose snapshot shows what the answer may have waited for.
  const { rows: own } = await pool.query('SELECT 1 FROM task_tokens WHERE token = $1 AND answered_by = $2', [
    token,
    by,
  ]);
  return { kind: own.length > 0 ? 'repeated' : 'gone' };
}

/** Whether an answer would be delivered now, for who could not give one. */
export async function standingOfToken(pool: pg.Pool, token: string): Promise<'open' | 'gone' | 'unknown'> {
  if (token.includes('\0')) return 'unknown';
  const { rows } = await pool.query<{ done: boolean }>(
    'SELECT done_at IS NOT NULL AS done FROM task_tokens WHERE token = $1',
    [token],
  );
  if (rows[0] === undefined) return 'unknown';
  return rows[0].done ? 'gone' : 'open';
}

/** Nobody waits for it any more: whoever answers it later is refused. */
export async function voidToken(pool: pg.Pool, token: string, executionId: string): Promise<void> {
  await pool.query(`${TOMBSTONE} DO UPDATE SET done_at = now() WHERE task_tokens.done_at IS NULL`, [
    token,
    executionId,
  ]);
}

const TOMBSTONE = `
INSERT INTO task_tokens (token, kind, execution_id, frame_id, key, created_at, done_at)
VALUES ($1, 'callback', $2, 0, '', now(), now()) ON CONFLICT (token)`;

/**
 * The same right before the wait times out: unless its execution's inbox has more than `inboxSeq` signals, among which may
 * be the answer. Answers and heartbeats take the token's row, too: those that came before are counted by then, and
 * those that come after are refused.
 * @returns whether nobody can answer it any more.
 */
export function withdrawToken(
  pool: pg.Pool,
  token: string,
  executionId: string,
  inboxSeq: number,
): Promise<boolean> {
  return withTransaction(pool, async (session) => {
    const { rows: locked } = await session.query<{ fresh: boolean }>(
      `${TOMBSTONE} DO UPDATE SET kind = task_tokens.kind RETURNING xmax = 0 AS fresh`,
      [token, executionId],
    );
    // A statement of its own, whose snapshot shows what the lock waited for.
    const { rows } = await session.query<{ read: boolean }>(HAS_READ, [executionId, inboxSeq]);
    if (rows[0]?.read === false) {
      if (locked[0]?.fresh === true) await session.query('DELETE FROM task_tokens WHERE token = $1', [token]);
      return false;
    }
    await session.query('UPDATE task_tokens SET done_at = now() WHERE token = $1 AND done_at IS NULL', [
      token,
    ]);
    return true;
  });
}

/** Deletes tokens that were done more than a day ago. Plan: task_tokens_done_at_idx. @returns how many */
export async function clearDoneTokens(pool: pg.Pool, limit: number): Promise<number> {
  const { rowCount } = await pool.query(
    `DELETE FROM task_tokens WHERE token IN (
       SELECT token FROM task_tokens WHERE done_at < now() - interval '1 day' ORDER BY done_at LIMIT $1)`,
    [limit],
  );
  return rowCount ?? 0;
}

/**
 * Voids tokens whose execution has ended: what a crash in the middle of an end left open. Walks through the open ones
 * a page at a time.
 * @returns the last token that was looked at; undefined: it came to the end.
 */
export async function voidTokensOfEnded(
  pool: pg.Pool,
  after: string,
  limit: number,
): Promise<string | undefined> {
  const { rows } = await pool.query<{ last: string | null; looked: number }>(
    `WITH page AS MATERIALIZED (
       SELECT token, execution_id, done_at FROM task_tokens WHERE token > $1 ORDER BY token LIMIT $2
     ), voided AS (
       UPDATE task_tokens t SET done_at = now()
       FROM page p LEFT JOIN executions e ON e.id = p.execution_id
       WHERE t.token = p.token AND t.done_at IS NULL AND p.done_at IS NULL AND (e.id IS NULL OR e.end_time IS NOT NULL)
     )
     SELECT max(token) AS last, count(*)::int AS looked FROM page`,
    [after, limit],
  );
  const row = rows[0];
  return row === undefined || row.last === null || row.looked < limit ? undefined : row.last;
}
