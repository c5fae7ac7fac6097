/**
 * Dead letters: executions that infrastructure faults kept from being advanced, until somebody decides. One
 * that ended another way (it was stopped) is none any more, and is not shown.
 */
import { decodeCursor, encodeCursor, type PageOf, type PageQuery, pageOf } from './cursor.js';
import type { Database } from './database.js';
import { isUuid } from './ids.js';

export interface DeadLetterRecord {
  id: string;
  queue: string;
  executionId: string;
  error: string;
  attempts: number;
  failedAt: Date;
}

/** A page of a queue's, oldest first. Plan: Index Scan using dead_letters_queue_id_idx. */
export async function listDeadLetters(
  { pool }: Database,
  queue: string,
  { limit, cursor }: PageQuery,
): Promise<PageOf<DeadLetterRecord>> {
  const after = cursor === undefined ? FIRST : decodeCursor('dead-letters', cursor, ['uuid'])[0];
  const { rows } = await pool.query<DeadLetterRecord>(
    `SELECT ${COLUMNS} FROM dead_letters d JOIN executions e ON e.id = d.execution_id AND e.end_time IS NULL
     WHERE d.queue = $1 AND d.id > $2 ORDER BY d.id LIMIT $3`,
    [queue, after, limit + 1],
  );
  return pageOf(rows, limit, ({ id }) => encodeCursor('dead-letters', [id]));
}

const FIRST = '00000000-0000-0000-0000-000000000000';

const COLUMNS = `d.id, d.queue, d.execution_id AS "executionId", d.error, d.attempts, d.failed_at AS "failedAt"`;

/** undefined: the queue has no such dead letter, or its execution has ended. */
export async function findDeadLetter(
  { pool }: Database,
  queue: string,
  id: string,
): Promise<DeadLetterRecord | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await pool.query<DeadLetterRecord>(
    `SELECT ${COLUMNS} FROM dead_letters d JOIN executions e ON e.id = d.execution_id AND e.end_time IS NULL
     WHERE d.queue = $1 AND d.id = $2`,
    [queue, id],
  );
  return rows[0];
}

/**
 * Takes a dead letter away and makes its execution runnable, with its faults forgotten, in one statement.
 * @returns it; undefined when it is not there (any more).
 */
export async function reviveDeadLetter(
  { pool }: Database,
  queue: string,
  id: string,
): Promise<DeadLetterRecord | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await pool.query<DeadLetterRecord>(
    `WITH woken AS (
       UPDATE executions e SET wake_at = CASE WHEN e.paused_at IS NULL AND e.held_at IS NULL THEN now() END, faults = 0
       FROM dead_letters d WHERE d.queue = $1 AND d.id = $2 AND e.id = d.execution_id AND e.end_time IS NULL
       RETURNING e.id
     )
     DELETE FROM dead_letters d USING woken w WHERE d.execution_id = w.id RETURNING ${COLUMNS}`,
    [queue, id],
  );
  return rows[0];
}

/** Takes a dead letter away; what becomes of its execution is the caller's to see to, before. */
export async function deleteDeadLetter({ prisma }: Database, id: string): Promise<void> {
  await prisma.deadLetter.deleteMany({ where: { id } });
}
