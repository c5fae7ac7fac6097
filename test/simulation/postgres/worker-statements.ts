/** store/workers.ts and store/sweep.ts: who is alive, who is declared dead, and what is overdue. */

import { type Lock, list, type Mirror, number, type Statement, text, texts } from './statement.js';
import { type ExecutionRow, isStopping, type Tables, type WorkerRow } from './tables.js';

const DEATHS_MAX_PARAMETER = 2;

function isRunning(row: ExecutionRow): boolean {
  return row.endMs === null;
}

function expired({ db, nowMs }: Pick<Statement, 'db' | 'nowMs'>, startedMs: number): WorkerRow[] {
  return [...db.workers.values()].filter(
    ({ heartbeatMs, leaseMs }) => Math.max(heartbeatMs, startedMs) < nowMs - leaseMs,
  );
}

/** What LOCK_OWNED and FREE find. */
function ownedBy({ db, nowMs }: Pick<Statement, 'db' | 'nowMs'>, workers: readonly string[]): ExecutionRow[] {
  return [...db.executions.values()].filter(
    ({ endMs, owner, wakeMs }) =>
      endMs === null &&
      wakeMs !== null &&
      wakeMs <= nowMs + 1_000 &&
      owner !== null &&
      workers.includes(owner),
  );
}

const lockOwned = (statement: Statement): Lock[] =>
  ownedBy(statement, texts(statement.values[0])).map(({ id }) => ({ key: `execution:${id}` }));

/** FREE of store/workers.ts. */
function free(statement: Statement, workers: readonly string[], deaths: number, deathsMax: number) {
  const { db, changes, nowMs } = statement;
  return ownedBy(statement, workers).map((row) => {
    const machine = deaths > 0 ? (db.machines.get(row.machine)?.recovery ?? null) : null;
    const most = machine?.maxRecoveries === undefined ? deathsMax : machine.maxRecoveries + 1;
    const stops = isStopping(db, row.id);
    const pauses = deaths > 0 && !stops && (machine?.strategy === 'pause' || row.recoveries + deaths >= most);
    const tells = (machine?.strategy === 'skip' || machine?.strategy === 'fail') && !pauses;
    changes.update(row, {
      owner: null,
      recoveries: row.recoveries + deaths,
      inboxSeq: row.inboxSeq + (tells ? 1 : 0),
      pausedMs: pauses ? (row.pausedMs ?? nowMs) : row.pausedMs,
      wakeMs: row.pausedMs !== null || pauses ? null : nowMs,
    });
    if (tells) {
      const { maxRecoveries: _, ...how } = machine;
      const signal = { id: '', executionId: row.id, seq: row.inboxSeq, kind: 'interrupted' };
      changes.put(db.inboxOf(row.id), row.inboxSeq, { ...signal, data: JSON.stringify(how) });
    }
    return { id: row.id, queue: row.queue, runnable: row.wakeMs !== null };
  });
}

export const workerStatements: readonly Mirror[] = [
  {
    of: 'registerWorker',
    text: 'INSERT INTO workers (id, host, pid',
    run: ({ values, db, changes, nowMs }) => {
      const id = text(values[0]);
      changes.put(db.workers, id, { id, heartbeatMs: nowMs, leaseMs: number(values[5]) });
      return [{ now_ms: nowMs }];
    },
  },
  {
    of: 'beat',
    text: 'UPDATE workers SET heartbeat_at = now()',
    locks: ({ values }) => [{ key: `beat:${text(values[0])}` }],
    run: ({ values, db, changes, nowMs }) => {
      const row = db.workers.get(text(values[0]));
      if (row === undefined) return [];
      changes.update(row, { heartbeatMs: nowMs });
      return [{ now_ms: nowMs }];
    },
  },
  {
    of: 'leaveWorkers: the DELETE',
    text: 'DELETE FROM workers WHERE id = $1 RETURNING id',
    // A heartbeat is no change of the key: it goes beside FOR KEY SHARE, and not beside a DELETE.
    locks: ({ values }) => [{ key: `worker:${text(values[0])}` }, { key: `beat:${text(values[0])}` }],
    run: ({ values, db, changes }) => {
      const id = text(values[0]);
      if (!db.workers.has(id)) return [];
      changes.remove(db.workers, id);
      return [{ id }];
    },
  },
  {
    of: 'reapWorkers: the DELETE',
    text: 'DELETE FROM workers WHERE greatest(heartbeat_at, pg_postmaster_start_time())',
    locks: (statement) => {
      const dead = expired(statement, statement.db.startedMs);
      statement.picked = dead.map(({ id }) => id);
      if (statement.bug === 'reaper-frees-before-deleting')
        free(statement, statement.picked, 1, Number.POSITIVE_INFINITY);
      return dead.flatMap(({ id }) => [{ key: `worker:${id}` }, { key: `beat:${id}` }]);
    },
    run: (statement) => {
      const { db, changes, picked } = statement;
      // The condition is looked at again under the lock: a heartbeat may have come in.
      const still = new Set(expired(statement, db.startedMs).map(({ id }) => id));
      const gone = picked.filter((id) => still.has(id));
      for (const id of gone) changes.remove(db.workers, id);
      return gone.map((id) => ({ id }));
    },
  },
  {
    of: 'LOCK_OWNED',
    text: "AND wake_at <= now() + interval '1 s' AND owner = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
    locks: lockOwned,
    run: () => [],
  },
  {
    of: 'FREE',
    text: 'WITH let_go AS (',
    locks: lockOwned,
    run: (statement) => {
      const { values } = statement;
      return free(statement, texts(values[0]), number(values[1]), number(values[DEATHS_MAX_PARAMETER]));
    },
  },
  {
    of: 'withSweepLock',
    text: 'SELECT pg_try_advisory_xact_lock($1) AS mine',
    locks: (statement) => {
      const key = `advisory:${String(statement.values[0])}`;
      const taken = statement.isLocked(key);
      statement.picked = taken ? [] : [key];
      return taken ? [] : [{ key }];
    },
    run: ({ picked }) => [{ mine: picked.length === 1 }],
  },
  {
    of: 'overdueExecutions',
    text: 'JOIN unnest($1::text[], $2::float8[]) q (queue, before_ms)',
    run: ({ values, db }) => {
      const before = new Map(texts(values[0]).map((queue, n) => [queue, number(list(values[1])[n])]));
      const [, , latestMs, afterMs, afterId, limit] = values;
      return byWake(db, number(afterMs), text(afterId))
        .filter(({ queue, wakeMs }) => wakeMs < number(latestMs) && wakeMs < (before.get(queue) ?? 0))
        .slice(0, number(limit))
        .map(({ id, queue, wakeMs }) => ({ id, queue, wake_ms: wakeMs }));
    },
  },
  {
    of: 'dueExecutions',
    text: 'AND e.wake_at <= to_timestamp($3::float8 / 1000)',
    run: ({ values, db }) => {
      const [afterMs, afterId, untilMs, limit] = values;
      return byWake(db, number(afterMs), text(afterId))
        .filter(({ wakeMs }) => wakeMs <= number(untilMs))
        .slice(0, number(limit))
        .map(({ id, queue, wakeMs }) => ({ id, queue, wake_ms: wakeMs }));
    },
  },
  {
    of: 'freeOrphans',
    text: 'AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = e.owner)',
    run: ({ db, changes, nowMs }) => {
      const orphans = [...db.executions.values()].filter(
        (row) =>
          isRunning(row) &&
          row.wakeMs !== null &&
          row.wakeMs <= nowMs - 60_000 &&
          row.owner !== null &&
          !db.workers.has(row.owner),
      );
      for (const row of orphans)
        changes.update(row, { owner: null, wakeMs: row.pausedMs === null ? nowMs : null });
      return orphans.map(({ id, queue }) => ({ id, queue }));
    },
  },
];

/** Unowned and running, with a time to wake, after a position in the order of wake_at and id. */
function byWake(db: Tables, afterMs: number, afterId: string): (ExecutionRow & { wakeMs: number })[] {
  return [...db.executions.values()]
    .filter(
      (row): row is ExecutionRow & { wakeMs: number } =>
        isRunning(row) && row.owner === null && row.wakeMs !== null,
    )
    .filter(({ id, wakeMs }) => wakeMs > afterMs || (wakeMs === afterMs && id > afterId))
    .sort((a, b) => a.wakeMs - b.wakeMs || (a.id < b.id ? -1 : 1));
}
