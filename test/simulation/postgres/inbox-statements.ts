/** store/inbox.ts, store/pauses.ts, store/redrives.ts: signals, and what ends or revives an execution from outside. */
import { REDRIVE } from '../../../src/store/sql/redrive.js';
import { HAS_READ } from '../../../src/store/waking.js';
import { type Mirror, number, optionalText, type Statement, text, texts } from './statement.js';
import { type ExecutionRow, isStopping } from './tables.js';

const byFirst = ({ values }: Statement) => [{ key: `execution:${text(values[0])}` }];

function found({ values, db }: Statement): ExecutionRow | undefined {
  return db.executions.get(text(values[0]));
}

export const inboxStatements: readonly Mirror[] = [
  {
    of: 'deliverSignal',
    text: "CASE WHEN $2::text = 'stop' THEN now() ELSE",
    locks: byFirst,
    run: (statement) => {
      const { values, db, changes, nowMs } = statement;
      const row = found(statement);
      if (row === undefined) return [];
      if (row.endMs !== null) return [{ delivered: false, owner: row.owner, queue: row.queue }];
      const isStop = values[1] === 'stop';
      changes.update(row, {
        inboxSeq: row.inboxSeq + 1,
        wakeMs: isStop || row.pausedMs === null || row.owner !== null ? nowMs : null,
        ...(isStop && { pausedMs: null }),
      });
      const signal = { id: '', executionId: row.id, seq: row.inboxSeq };
      changes.put(db.inboxOf(row.id), row.inboxSeq, {
        ...signal,
        kind: text(values[1]),
        data: text(values[2]),
      });
      if (row.owner !== null) changes.notify('escapement_inbox', row.id);
      else if (isStop) changes.notify('escapement_stop', row.id);
      return [{ delivered: true, owner: row.owner, queue: row.queue }];
    },
  },
  {
    of: 'readSignals',
    text: 'SELECT seq, kind, data FROM inbox WHERE execution_id = $1 AND seq > $2',
    run: ({ values, db }) =>
      [...db.inboxOf(text(values[0])).values()]
        .filter(({ seq }) => seq > number(values[1]))
        .sort((a, b) => a.seq - b.seq)
        .map(({ seq, kind, data }) => ({ seq, kind, data })),
  },
  {
    of: 'signalledExecutions',
    text: 'WHERE EXISTS (SELECT 1 FROM inbox i WHERE i.execution_id = a.id)',
    run: ({ values, db }) =>
      texts(values[0])
        .filter((id) => db.inboxOf(id).size > 0)
        .map((id) => ({ id })),
  },
  {
    of: 'clearLeftovers: the inbox',
    text: /DELETE FROM inbox t USING page p, executions e/,
    run: ({ db, changes }) => {
      for (const [id, inbox] of db.inbox) {
        if ((db.executions.get(id)?.endMs ?? null) === null) continue;
        for (const seq of [...inbox.keys()]) changes.remove(inbox, seq);
      }
      return [{ last: null, looked: 0 }];
    },
  },
  {
    of: 'HAS_READ',
    text: HAS_READ,
    run: (statement) => {
      const row = found(statement);
      return row === undefined ? [] : [{ read: row.inboxSeq <= number(statement.values[1]) }];
    },
  },
  {
    of: 'abortExecution',
    text: "UPDATE executions SET status = 'ABORTED'",
    locks: byFirst,
    run: (statement) => {
      const { values, db, changes, nowMs } = statement;
      const row = found(statement);
      if (row === undefined || row.endMs !== null || row.owner !== null) return [];
      const last = db.lastRow(row.id);
      changes.update(row, {
        status: 'ABORTED',
        endMs: nowMs,
        wakeMs: null,
        snapshot: null,
        pausedMs: null,
        error: optionalText(values[1]),
        cause: optionalText(values[2]),
        epoch: row.epoch + 1,
      });
      const seq = (last?.seq ?? 0) + 1;
      const id = last === undefined ? 2 : last.firstEventId + last.eventCount;
      const started = { id: 1, previousEventId: 0, type: 'ExecutionStarted', timestamp: nowMs, details: {} };
      const abort = { id, previousEventId: 0, type: 'ExecutionAborted', timestamp: nowMs, details: {} };
      const checkpoint = {
        id: `${row.id}-${String(seq)}`,
        executionId: row.id,
        seq,
        epoch: row.epoch,
        firstEventId: last === undefined ? 1 : id,
        eventCount: last === undefined ? 2 : 1,
        events: JSON.stringify(last === undefined ? [started, abort] : [abort]),
        frames: JSON.stringify({
          meta: { nextEventId: id + 1, nextFrameId: 1, inboxSeq: 0 },
          changed: [],
          dropped: [],
        }),
      };
      changes.put(db.journalOf(row.id), seq, checkpoint);
      changes.appended.push(checkpoint);
      const inbox = db.inboxOf(row.id);
      for (const signal of [...inbox.keys()]) changes.remove(inbox, signal);
      return [{ id: row.id }];
    },
  },
  {
    of: 'pauseExecution, resumeExecution: the lock',
    text: 'SELECT 1 FROM executions WHERE id = $1 FOR NO KEY UPDATE',
    locks: byFirst,
    run: () => [],
  },
  {
    of: 'pauseExecution',
    text: 'UPDATE executions e SET paused_at = now(), pause_reason = $2',
    locks: byFirst,
    run: (statement) => {
      const row = found(statement);
      if (row === undefined) return [];
      const changed = row.endMs === null && row.pausedMs === null && !isStopping(statement.db, row.id);
      if (changed) {
        const { changes, db, nowMs } = statement;
        const isOwned = row.owner !== null;
        changes.update(row, {
          pausedMs: nowMs,
          wakeMs: isOwned ? row.wakeMs : null,
          inboxSeq: row.inboxSeq + (isOwned ? 1 : 0),
        });
        if (isOwned) tell(statement, db.inboxOf(row.id), row, 'pause');
      }
      return [{ ended: row.endMs !== null, changed, owner: row.owner, queue: row.queue }];
    },
  },
  {
    of: 'resumeExecution',
    text: 'UPDATE executions e SET paused_at = NULL, pause_reason = NULL, needs_format = NULL, recoveries = 0',
    locks: byFirst,
    run: (statement) => {
      const row = found(statement);
      if (row === undefined) return [];
      const changed = row.endMs === null && row.pausedMs !== null;
      if (changed) {
        const { changes, db, nowMs } = statement;
        const isRunnable = row.owner !== null || !db.deadLetters.has(row.id);
        changes.update(row, {
          pausedMs: null,
          recoveries: 0,
          inboxSeq: row.inboxSeq + 1,
          wakeMs: isRunnable ? nowMs : null,
        });
        tell(statement, db.inboxOf(row.id), row, 'resume');
      }
      return [{ ended: row.endMs !== null, changed, owner: row.owner, queue: row.queue }];
    },
  },
  {
    of: 'redriveExecution: STANDING',
    text: "SELECT e.status, m.type, strpos(e.state_machine_id, '/') > 0 AS child",
    locks: byFirst,
    run: (statement) => {
      const row = found(statement);
      if (row === undefined) return [];
      return [
        {
          status: row.status,
          type: 'STANDARD',
          child: false,
          recent: row.endMs !== null,
          kept: isKept(statement, row),
        },
      ];
    },
  },
  { of: 'redriveExecution: USED', text: 'SELECT redriven_at AS "redriveDate" FROM (', run: () => [] },
  {
    of: 'REDRIVE',
    text: REDRIVE,
    locks: ({ values }) => texts(values[0]).map((id) => ({ key: `execution:${id}` })),
    run: (statement) => {
      const { values, db, changes, nowMs } = statement;
      return texts(values[0]).flatMap((id) => {
        const row = db.executions.get(id);
        const last = db.lastRow(id);
        if (row === undefined || last === undefined || !isKept(statement, row)) return [];
        if (!['FAILED', 'TIMED_OUT', 'ABORTED'].includes(row.status)) return [];
        const parent = row.parentId === null ? undefined : db.executions.get(row.parentId);
        changes.update(row, {
          status: 'RUNNING',
          endMs: null,
          output: null,
          error: null,
          cause: null,
          faults: 0,
          recoveries: 0,
          snapshot: null,
          snapshotSeq: last.seq - 1,
          wakeMs: nowMs,
          inboxSeq: row.inboxSeq + 1,
          redriveCount: row.redriveCount + 1,
          notifyParent: row.notifyParent && parent !== undefined && parent.endMs === null,
        });
        const signal = { id: '', executionId: id, seq: row.inboxSeq, kind: 'redrive' };
        changes.put(db.inboxOf(id), row.inboxSeq, {
          ...signal,
          data: JSON.stringify({ redriveCount: row.redriveCount }),
        });
        changes.remove(db.deadLetters, id);
        return [{ executionId: id, queue: row.queue, redriveDate: new Date(nowMs) }];
      });
    },
  },
  {
    of: 'reviveDeadLetter',
    text: 'DELETE FROM dead_letters d USING woken w',
    run: ({ values, db, changes, nowMs }) => {
      const letter = db.deadLetters.get(text(values[1]));
      const row = letter === undefined ? undefined : db.executions.get(letter.id);
      if (letter === undefined || row === undefined || row.endMs !== null) return [];
      changes.update(row, { faults: 0, wakeMs: row.pausedMs === null ? nowMs : null });
      changes.remove(db.deadLetters, letter.id);
      return [{ id: letter.id, queue: letter.queue, executionId: letter.id }];
    },
  },
];

function tell(
  { changes }: Statement,
  inbox: Map<number, import('./tables.js').SignalRow>,
  row: ExecutionRow,
  kind: 'pause' | 'resume',
): void {
  changes.put(inbox, row.inboxSeq, { id: '', executionId: row.id, seq: row.inboxSeq, kind, data: '{}' });
  if (row.owner !== null) changes.notify('escapement_inbox', row.id);
}

/** keptIn: whether the last checkpoint begins with what the end has left. */
function isKept({ db }: Statement, { id }: ExecutionRow): boolean {
  return db.lastRow(id)?.frames.startsWith('{"left":[') === true;
}
