/** Pausing an execution, and taking it up again. */
import type pg from 'pg';
import { isUuid } from './ids.js';
import { INBOX_CHANNEL } from './inbox.js';
import { withTransaction } from './own-session.js';
import { pauseStatement, resumeStatement } from './sql/pause.js';

export interface PauseAnswer {
  ended: boolean;
  /** False: it was so already, or has ended. */
  changed: boolean;
  /** The worker that is advancing it, which has been told; null: nobody. */
  owner: string | null;
  queue: string;
}

/**
 * From now on nobody takes the execution up; whoever is advancing it makes no more calls and hands it back. What comes in
 * meanwhile is kept. One that has been asked to stop is not paused any more.
 * @returns undefined when there is no such execution.
 */
export function pauseExecution(
  pool: pg.Pool,
  id: string,
  reason: string | undefined,
): Promise<PauseAnswer | undefined> {
  return change(pool, pauseStatement(INBOX_CHANNEL), id, [reason ?? null]);
}

/** The execution is runnable at once, and its recoveries are forgotten. undefined: there is no such execution. */
export function resumeExecution(pool: pg.Pool, id: string): Promise<PauseAnswer | undefined> {
  return change(pool, resumeStatement(INBOX_CHANNEL), id, []);
}

async function change(
  pool: pg.Pool,
  statement: string,
  id: string,
  values: readonly unknown[],
): Promise<PauseAnswer | undefined> {
  if (!isUuid(id)) return undefined;
  return withTransaction(pool, async (session) => {
    // A statement of its own: the next one shows the signals that came in before.
    await session.query('SELECT 1 FROM executions WHERE id = $1 FOR NO KEY UPDATE', [id]);
    const { rows } = await session.query<PauseAnswer>(statement, [id, ...values]);
    return rows[0];
  });
}
