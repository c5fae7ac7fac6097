/** store/task-tokens.ts, store/activities.ts and store/messages.ts: what is waited for, and who answers. */
import { ANSWER_TOKEN, BEAT_TOKEN, LEASE_TASK } from '../../../src/store/sql/task-tokens.js';
import { type Mirror, number, optionalText, type Row, type Statement, text } from './statement.js';
import type { Tables, TokenRow, WaitRow } from './tables.js';
import { NOT_WOKEN, wakeWith } from './waking.js';

function tokenOf({ values, db }: Statement): TokenRow | undefined {
  return db.tokens.get(text(values[0]));
}

/** An answer takes the token's row, then its execution's. */
function tokenLocks(statement: Statement) {
  const row = tokenOf(statement);
  if (row === undefined || row.doneMs !== null) return [];
  return [{ key: `token:${row.id}` }, { key: `execution:${row.executionId}` }];
}

function answer(statement: Statement, isLast: boolean): Row[] {
  const { values, db, changes, nowMs } = statement;
  const row = tokenOf(statement);
  if (row === undefined || row.doneMs !== null) return [{ known: row !== undefined, ...NOT_WOKEN }];
  if (isLast) {
    const isAwaited = (db.executions.get(row.executionId)?.endMs ?? null) === null;
    changes.update(row, { doneMs: nowMs, answeredBy: isAwaited ? optionalText(values[3]) : null });
  }
  const data = `{"frameId":${String(row.frameId)},"key":${JSON.stringify(row.key)}${text(values[2])}}`;
  return [{ known: true, ...wakeWith(statement, row.executionId, text(values[1]), data) }];
}

function issue({ values, db, changes, nowMs }: Statement, isTask: boolean): boolean {
  const id = text(values[0]);
  if (db.tokens.has(id)) return false;
  changes.put(db.tokens, id, {
    id,
    executionId: text(values[1]),
    frameId: number(values[2]),
    key: text(values[3]),
    activity: isTask ? text(values[4]) : null,
    input: isTask ? text(values[5]) : null,
    createdMs: nowMs,
    leased: false,
    doneMs: null,
    answeredBy: null,
  });
  return true;
}

/** A token that is done before it was written down. */
function bury({ values, db, changes, nowMs }: Statement): void {
  const id = text(values[0]);
  changes.put(db.tokens, id, {
    id,
    executionId: text(values[1]),
    frameId: 0,
    key: '',
    activity: null,
    input: null,
    createdMs: nowMs,
    leased: false,
    doneMs: nowMs,
    answeredBy: null,
  });
}

const byToken = ({ values }: Statement) => [{ key: `token:${text(values[0])}` }];

function isOnOffer({ values, db, isLocked }: Statement): TokenRow | undefined {
  return [...db.tokens.values()]
    .filter(
      ({ id, activity, leased, doneMs }) =>
        activity === values[0] && !leased && doneMs === null && !isLocked(`token:${id}`),
    )
    .sort((a, b) => a.createdMs - b.createdMs)[0];
}

const waitKey = (executionId: unknown, key: unknown): string => `${text(executionId)} ${text(key)}`;

const byWait = ({ values }: Statement) => [{ key: `wait:${waitKey(values[0], values[1])}` }];

/** What a wait becomes that is over; so does one that is over before it was registered. */
const SETTLED = { hash: '', message: null };

/** Answers how many it has settled. */
function settle({ values, db, changes }: Statement, onlyOpen: boolean): number {
  const id = waitKey(values[0], values[1]);
  const row = db.waits.get(id);
  if (row === undefined) {
    const address = { executionId: text(values[0]), frameId: 0, key: text(values[1]) };
    changes.put(db.waits, id, { id, ...address, ...SETTLED });
    return 1;
  }
  if (onlyOpen && (row.message !== null || row.hash === SETTLED.hash)) return 0;
  changes.update(row, SETTLED);
  return 1;
}

function hasEnded({ executions }: Tables, { executionId }: WaitRow): boolean {
  return (executions.get(executionId)?.endMs ?? null) !== null;
}

export const waitingStatements: readonly Mirror[] = [
  {
    of: 'issueToken',
    text: "VALUES ($1, 'callback', $2, $3, $4, now())",
    locks: byToken,
    run: (statement) => {
      return { rowCount: issue(statement, false) ? 1 : 0 };
    },
  },
  {
    of: 'offerTask',
    text: "VALUES ($1, 'activity', $2, $3, $4, $5, $6, now())",
    locks: byToken,
    run: (statement) => {
      if (issue(statement, true)) statement.changes.notify('escapement_tasks', text(statement.values[4]));
      return [];
    },
  },
  {
    of: 'hasActivity',
    text: 'SELECT 1 FROM activities WHERE name = $1',
    run: ({ values, db }) => ({ rowCount: db.activities.has(text(values[0])) ? 1 : 0 }),
  },
  {
    of: 'LEASE_TASK',
    text: LEASE_TASK,
    locks: (statement) => {
      const row = isOnOffer(statement);
      statement.picked = row === undefined ? [] : [row.id];
      return row === undefined ? [] : [{ key: `token:${row.id}` }, { key: `execution:${row.executionId}` }];
    },
    run: (statement) => {
      const { values, db, changes, picked } = statement;
      const row = db.tokens.get(picked[0] ?? '');
      if (row === undefined || row.leased || row.doneMs !== null) return [];
      changes.update(row, { leased: true });
      const workerName = optionalText(values[1]);
      const data = JSON.stringify({
        frameId: row.frameId,
        key: row.key,
        ...(workerName !== null && { workerName }),
      });
      return [
        { token: row.id, input: row.input, ...wakeWith(statement, row.executionId, 'taskLeased', data) },
      ];
    },
  },
  { of: 'ANSWER_TOKEN', text: ANSWER_TOKEN, locks: tokenLocks, run: (statement) => answer(statement, true) },
  { of: 'BEAT_TOKEN', text: BEAT_TOKEN, locks: tokenLocks, run: (statement) => answer(statement, false) },
  {
    of: 'answerToken: the same again',
    text: 'SELECT 1 FROM task_tokens WHERE token = $1 AND answered_by = $2',
    run: (statement) => (tokenOf(statement)?.answeredBy === statement.values[1] ? [{}] : []),
  },
  {
    of: 'voidToken',
    text: 'DO UPDATE SET done_at = now() WHERE task_tokens.done_at IS NULL',
    locks: byToken,
    run: (statement) => {
      const row = tokenOf(statement);
      if (row === undefined) bury(statement);
      else if (row.doneMs === null) statement.changes.update(row, { doneMs: statement.nowMs });
      return { rowCount: 1 };
    },
  },
  {
    of: 'withdrawToken: the lock',
    text: 'DO UPDATE SET kind = task_tokens.kind RETURNING xmax = 0 AS fresh',
    locks: byToken,
    run: (statement) => {
      const fresh = tokenOf(statement) === undefined;
      if (fresh) bury(statement);
      return [{ fresh }];
    },
  },
  {
    of: 'withdrawToken: not now',
    text: 'DELETE FROM task_tokens WHERE token = $1',
    locks: byToken,
    run: ({ values, db, changes }) => {
      changes.remove(db.tokens, text(values[0]));
      return { rowCount: 1 };
    },
  },
  {
    of: 'withdrawToken',
    text: 'UPDATE task_tokens SET done_at = now() WHERE token = $1 AND done_at IS NULL',
    locks: byToken,
    run: (statement) => {
      const row = tokenOf(statement);
      if (row === undefined || row.doneMs !== null) return { rowCount: 0 };
      statement.changes.update(row, { doneMs: statement.nowMs });
      return { rowCount: 1 };
    },
  },
  {
    of: 'voidTokensOfEnded',
    text: 'UPDATE task_tokens t SET done_at = now() FROM page p LEFT JOIN executions e',
    run: ({ db, changes, nowMs }) => {
      for (const row of db.tokens.values())
        if (row.doneMs === null && db.executions.get(row.executionId)?.endMs !== null)
          changes.update(row, { doneMs: nowMs });
      return [{ last: null, looked: 0 }];
    },
  },
  {
    of: 'clearDoneTokens',
    text: 'SELECT token FROM task_tokens WHERE done_at < now()',
    run: () => ({ rowCount: 0 }),
  },
  {
    of: 'underLock',
    text: 'pg_advisory_xact_lock(h.hash)',
    locks: ({ values }) => [{ key: `advisory:${text(values[1])} ${text(values[0])}` }],
    run: ({ values }) => [{ hash: `${text(values[1])} ${text(values[0])}` }],
  },
  {
    of: 'awaitMessage: the wait',
    text: 'VALUES ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9::float8 / 1000), now())',
    locks: ({ values }) => [{ key: `wait:${waitKey(values[0], values[2])}` }],
    run: ({ values, db, changes }) => {
      const [executionId, frameId, key, , , , , hash] = values;
      const id = waitKey(executionId, key);
      if (db.waits.has(id)) return { rowCount: 0 };
      const row = {
        id,
        executionId: text(executionId),
        frameId: number(frameId),
        key: text(key),
        hash: text(hash),
        message: null,
      };
      changes.put(db.waits, id, row);
      return { rowCount: 1 };
    },
  },
  {
    of: 'awaitMessage: a kept message',
    text: 'DELETE FROM messages m USING kept k',
    run: ({ values, db, changes, nowMs }) => {
      const [hash, , , executionId, key] = values;
      const kept = [...db.messages.values()]
        .filter((message) => message.hash === hash && message.expiresMs > nowMs)
        .sort((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1))[0];
      const wait = db.waits.get(waitKey(executionId, key));
      if (kept === undefined || wait === undefined) return { rowCount: 0 };
      changes.remove(db.messages, kept.id);
      changes.update(wait, { message: kept.data });
      return { rowCount: 1 };
    },
  },
  {
    of: 'deliverMessage: the waits',
    text: 'UPDATE message_correlations SET message = $4',
    locks: ({ values, db }) =>
      [...db.waits.values()]
        .filter(({ hash }) => hash === values[0])
        .map(({ id }) => ({ key: `wait:${id}` })),
    run: ({ values, db, changes }) =>
      [...db.waits.values()]
        .filter(({ hash, message }) => hash === values[0] && message === null)
        .map((row) => {
          changes.update(row, { message: text(values[3]) });
          return { executionId: row.executionId, key: row.key };
        }),
  },
  {
    of: 'deliverMessage: to keep it',
    text: 'INSERT INTO messages (id, correlation_key',
    run: ({ values, db, changes, nowMs }) => {
      const [id, , , hash, data, ttlSeconds] = values;
      const expiresMs = nowMs + number(ttlSeconds) * 1_000;
      changes.put(db.messages, text(id), {
        id: text(id),
        hash: text(hash),
        data: text(data),
        createdMs: nowMs,
        expiresMs,
      });
      return { rowCount: 1 };
    },
  },
  {
    of: 'DELIVER',
    text: 'FROM message_correlations WHERE execution_id = $1 AND key = $2 AND message IS NOT NULL',
    locks: (statement) => [...byWait(statement), { key: `execution:${text(statement.values[0])}` }],
    run: (statement) => {
      const { values, db, changes } = statement;
      const row = db.waits.get(waitKey(values[0], values[1]));
      if (row === undefined || row.message === null) return [{ found: false, ...NOT_WOKEN }];
      const data = `{"frameId":${String(row.frameId)},"key":${JSON.stringify(row.key)},"data":${row.message}}`;
      changes.update(row, SETTLED);
      return [{ found: true, ...wakeWith(statement, row.executionId, 'message', data) }];
    },
  },
  {
    of: 'deliverForgotten',
    text: 'WHERE message IS NOT NULL ORDER BY created_at LIMIT $1',
    run: ({ db }) =>
      [...db.waits.values()]
        .filter(({ message }) => message !== null)
        .map(({ executionId, key }) => ({ executionId, key })),
  },
  {
    of: 'withdrawWait',
    text: 'WHERE message_correlations.message IS NULL AND message_correlations.',
    locks: byWait,
    run: (statement) => ({ rowCount: settle(statement, true) }),
  },
  {
    of: 'forgetWait',
    text: /ON CONFLICT \(execution_id, key\) DO UPDATE SET [^()]*now\(\)$/,
    locks: byWait,
    run: (statement) => ({ rowCount: settle(statement, false) }),
  },
  {
    of: 'clearExpiredMessages',
    text: 'SELECT id FROM messages WHERE expires_at <= now()',
    run: () => ({ rowCount: 0 }),
  },
  {
    of: 'clearSettledWaits',
    text: "state_machine_id = '' AND (created_at, execution_id, key) > (",
    run: ({ db, changes }) => {
      for (const row of [...db.waits.values()])
        if (row.hash === SETTLED.hash && hasEnded(db, row)) changes.remove(db.waits, row.id);
      return [];
    },
  },
  {
    of: 'clearLeftovers: the waits',
    text: /DELETE FROM message_correlations t USING page p, executions e/,
    run: ({ db, changes }) => {
      for (const row of [...db.waits.values()]) if (hasEnded(db, row)) changes.remove(db.waits, row.id);
      return [{ last: null, looked: 0 }];
    },
  },
];
