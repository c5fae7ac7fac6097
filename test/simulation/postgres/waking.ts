/** store/waking.ts: what putting a signal into an inbox does to its execution. */
import type { Row, Statement } from './statement.js';

/** `wakeWith`: an execution that has ended gets nothing. Answers the columns of WOKEN. */
export function wakeWith(
  { db, changes, nowMs }: Pick<Statement, 'db' | 'changes' | 'nowMs'>,
  executionId: string,
  kind: string,
  data: string,
): Row {
  const row = db.executions.get(executionId);
  if (row === undefined || row.endMs !== null) return NOT_WOKEN;
  changes.update(row, {
    inboxSeq: row.inboxSeq + 1,
    // wokenAt of store/sql/pause.ts.
    wakeMs: row.pausedMs === null || row.owner !== null ? nowMs : null,
  });
  const seq = row.inboxSeq;
  changes.put(db.inboxOf(executionId), seq, { id: '', executionId, seq, kind, data });
  if (row.owner !== null) changes.notify('escapement_inbox', executionId);
  return { woken_id: executionId, queue: row.queue, owner: row.owner };
}

export const NOT_WOKEN: Row = { woken_id: null, queue: null, owner: null };
