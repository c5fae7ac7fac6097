/** Waking: what putting a signal into an inbox does to its execution, shared by every statement that does it. */
import { INBOX_CHANNEL } from './inbox.js';
import { wokenAt } from './sql/pause.js';

/** An execution that has got a signal, and its worker; null: nobody advances it, so ring the doorbell of its queue. */
export interface Woken {
  executionId: string;
  queue: string;
  owner: string | null;
}

/**
 * The middle of a `WITH` that puts one signal into one inbox. What comes before it has made a row of `from`, with
 * execution_id and data (JSON text). The execution's row lock orders concurrent signals, so that their numbers have no gap;
 * one that has ended gets nothing.
 * @param kind SQL expression.
 */
export function wakeWith(from: string, kind: string): string {
  return `
woken AS (
  UPDATE executions e SET inbox_seq = e.inbox_seq + 1, wake_at = ${wokenAt('e')}
  FROM ${from} s WHERE e.id = s.execution_id AND e.end_time IS NULL
  RETURNING e.id, e.inbox_seq, e.owner, e.queue
), delivered AS (
  INSERT INTO inbox (execution_id, seq, kind, data, created_at)
  SELECT w.id, w.inbox_seq, ${kind}, s.data, now() FROM woken w JOIN ${from} s ON s.execution_id = w.id
), called AS (
  SELECT count(pg_notify('${INBOX_CHANNEL}', id::text)) AS n FROM woken WHERE owner IS NOT NULL
)`;
}

/** Whether an inbox has nothing after `$2`. $1 execution. */
export const HAS_READ = 'SELECT inbox_seq <= $2 AS read FROM executions WHERE id = $1';

/** The columns of `woken` for the SELECT that ends such a statement; `woken` may be joined from the left. */
export const WOKEN = 'w.id AS woken_id, w.queue, w.owner, (SELECT n FROM called) AS called';

/** A row with the columns of `WOKEN`. */
export interface WokenRow {
  woken_id: string | null;
  queue: string | null;
  owner: string | null;
}

/** Who was woken; undefined: the execution has ended. */
export function wokenOf(row: WokenRow | undefined): Woken | undefined {
  if (row === undefined || row.woken_id === null || row.queue === null) return undefined;
  return { executionId: row.woken_id, queue: row.queue, owner: row.owner };
}
