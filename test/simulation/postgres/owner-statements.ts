/** What an owner asks: to claim, to read the tail, to flush, to ask what is in, to give back. store/claims.ts, store/journal.ts. */
import { CLAIM, EARLY, GIVE_BACK_DOUBTFUL, READ_TAIL } from '../../../src/store/sql/claim.js';
import { FLUSH } from '../../../src/store/sql/flush.js';
import { RELEASE_FAULT } from '../../../src/store/sql/release.js';
import {
  type Lock,
  list,
  type Mirror,
  number,
  optionalText,
  PgError,
  type Row,
  type Statement,
  text,
  texts,
} from './statement.js';
import type { ExecutionRow } from './tables.js';

/** FOR KEY SHARE on the worker's own row: the fence. */
function fence({ values, bug }: Statement): Lock[] {
  if (bug === 'no-fence' || bug === 'fence-by-primary-key-only') return [];
  return [{ key: `worker:${text(values[0])}`, shared: true }];
}

function isAlive({ values, db, bug }: Statement): boolean {
  return bug === 'no-fence' || bug === 'fence-by-primary-key-only' || db.workers.has(text(values[0]));
}

/** The WHERE of a park and of an end. */
function isOwn(
  { values, bug }: Statement,
  row: ExecutionRow | undefined,
  epoch: number,
): row is ExecutionRow {
  if (row === undefined || row.epoch !== epoch) return false;
  return bug === 'no-fence' ? row.owner !== null : row.owner === values[0];
}

function claimable(row: ExecutionRow | undefined, nowMs: number): row is ExecutionRow {
  if (row === undefined || row.owner !== null || row.status !== 'RUNNING') return false;
  return row.wakeMs !== null && row.wakeMs <= nowMs + 25;
}

function append(statement: Statement): void {
  const { values, db, changes, bug } = statement;
  const [, ids, seqs, epochs, firstIds, counts, , events, frames] = values;
  texts(ids).forEach((executionId, n) => {
    const seq = number(list(seqs)[n]);
    const rows = db.journalOf(executionId);
    if (rows.has(seq)) {
      if (bug === 'no-fence') return;
      throw new PgError('23505', 'duplicate key value violates unique constraint "journal_pkey"');
    }
    const row = {
      id: `${executionId}-${String(seq)}`,
      executionId,
      seq,
      epoch: number(list(epochs)[n]),
      firstEventId: number(list(firstIds)[n]),
      eventCount: number(list(counts)[n]),
      events: text(list(events)[n]),
      frames: text(list(frames)[n]),
    };
    changes.put(rows, seq, row);
    changes.appended.push(row);
  });
}

function park(statement: Statement): { parked: string[]; woken: string[] } {
  const { values, db, changes, nowMs, bug } = statement;
  const [epochs, wakes, seqs, , snapshots, snapshotSeqs] = values.slice(10).map((one) => list(one));
  const answered = list(values[26]);
  const parked: string[] = [];
  const woken: string[] = [];
  texts(values[9]).forEach((id, n) => {
    const row = db.executions.get(id);
    if (!isOwn(statement, row, number(epochs?.[n]))) return;
    const unread = row.inboxSeq > number(seqs?.[n]) && bug !== 'no-inbox-check-at-park';
    const wakeMs = wakes?.[n] ?? null;
    const snapshot = optionalText(snapshots?.[n]);
    changes.update(row, {
      owner: null,
      faults: 0,
      recoveries: answered[n] === 1 ? 0 : row.recoveries,
      wakeMs: row.pausedMs !== null ? null : unread ? nowMs : wakeMs === null ? null : number(wakeMs),
      ...(snapshot !== null && { snapshot, snapshotSeq: number(snapshotSeqs?.[n]) }),
    });
    parked.push(id);
    if (unread && row.pausedMs === null) woken.push(id);
  });
  return { parked, woken };
}

function end(statement: Statement): { ended: string[]; tell: string[] } {
  const { values, db, changes } = statement;
  const [epochs, statuses, outputs, errors, causes, , endTimes] = values.slice(17).map((one) => list(one));
  const ended: string[] = [];
  const tell: string[] = [];
  texts(values[16]).forEach((id, n) => {
    const row = db.executions.get(id);
    if (!isOwn(statement, row, number(epochs?.[n])) || row.status !== 'RUNNING') return;
    changes.update(row, {
      owner: null,
      wakeMs: null,
      pausedMs: null,
      snapshot: null,
      status: text(statuses?.[n]),
      output: optionalText(outputs?.[n]),
      error: optionalText(errors?.[n]),
      cause: optionalText(causes?.[n]),
      endMs: number(endTimes?.[n]),
    });
    ended.push(id);
    if (row.notifyParent) tell.push(id);
  });
  return { ended, tell };
}

function forgetRead({ values, db, changes }: Statement): void {
  const upTo = list(values[25]);
  texts(values[24]).forEach((id, n) => {
    const inbox = db.inboxOf(id);
    for (const seq of [...inbox.keys()]) if (seq <= number(upTo[n])) changes.remove(inbox, seq);
  });
}

const NOTHING_FLUSHED: Row = {
  parked: null,
  woken: null,
  ended: null,
  stopping: null,
  tell: null,
  tell_runs: null,
  left_places: null,
};

const orNull = (ids: string[]): string[] | null => (ids.length === 0 ? null : ids);

export const ownerStatements: readonly Mirror[] = [
  {
    of: 'CLAIM',
    text: CLAIM,
    locks: (statement) => {
      const { values, db, nowMs } = statement;
      statement.picked = texts(values[1]).filter(
        (id) => claimable(db.executions.get(id), nowMs) && !statement.isLocked(`execution:${id}`),
      );
      return [
        { key: `worker:${text(values[0])}`, shared: true },
        ...statement.picked.map((id) => ({ key: `execution:${id}` })),
      ];
    },
    run: ({ values, db, changes, nowMs, picked }) => {
      const worker = text(values[0]);
      if (!db.workers.has(worker)) return [{ alive: false, id: null }];
      const rows = picked.map((id) => db.executions.get(id)).filter((row) => claimable(row, nowMs));
      if (rows.length === 0) return [{ alive: true, id: null }];
      return rows.map((row) => {
        changes.update(row, { owner: worker, epoch: row.epoch + 1 });
        return claimedRow(row);
      });
    },
  },
  {
    of: 'READ_TAIL',
    text: READ_TAIL,
    run: ({ values, db }) =>
      texts(values[0])
        .flatMap((id, n) => {
          const after = number(list(values[1])[n]);
          return [...db.journalOf(id).values()].filter(({ seq }) => seq > after);
        })
        .sort((a, b) =>
          a.executionId === b.executionId ? a.seq - b.seq : a.executionId < b.executionId ? -1 : 1,
        )
        .map(({ executionId, seq, frames }) => ({ execution_id: executionId, seq, frames })),
  },
  {
    of: 'EARLY',
    text: EARLY,
    run: ({ values, db, nowMs }) => {
      const [ids, alive] = values;
      return texts(ids)
        .map((id) => db.executions.get(id))
        .filter((row) => row !== undefined && row.owner === null && row.endMs === null)
        .filter((row) => row?.wakeMs !== null && row !== undefined && (alive === true || row.wakeMs > nowMs))
        .map((row) => ({ id: row?.id, queue: row?.queue, wake_ms: row?.wakeMs }));
    },
  },
  {
    of: 'GIVE_BACK_DOUBTFUL',
    text: GIVE_BACK_DOUBTFUL,
    locks: ({ values, db }) =>
      texts(values[1])
        .filter((id) => db.executions.get(id)?.owner === values[0])
        .map((id) => ({ key: `execution:${id}` })),
    run: ({ values, db, changes, nowMs }) => {
      const given: Row[] = [];
      for (const id of texts(values[1])) {
        const row = db.executions.get(id);
        if (row === undefined || row.owner !== values[0] || row.endMs !== null) continue;
        changes.update(row, { owner: null, wakeMs: row.pausedMs === null ? nowMs : null });
        given.push({ id, queue: row.queue });
      }
      return given;
    },
  },
  {
    of: 'FLUSH',
    text: FLUSH,
    locks: (statement) => {
      const { values } = statement;
      const rows = [...texts(values[9]), ...texts(values[16])].map((id) => ({ key: `execution:${id}` }));
      return [...fence(statement), ...rows];
    },
    run: (statement) => {
      const alive = isAlive(statement);
      if (!alive) return [{ ...NOTHING_FLUSHED, alive }];
      append(statement);
      const { parked, woken } = park(statement);
      const { ended, tell } = end(statement);
      forgetRead(statement);
      return [
        {
          ...NOTHING_FLUSHED,
          alive,
          parked: orNull(parked),
          woken: orNull(woken),
          ended: orNull(ended),
          tell: orNull(tell),
        },
      ];
    },
  },
  {
    of: 'SETTLE',
    text: 'coalesce(e.owner = $3::uuid, false) AS mine',
    run: ({ values, db, nowMs }) => {
      const [ids, seqs, worker] = values;
      return texts(ids).flatMap((id, n) => {
        const row = db.executions.get(id);
        if (row === undefined) return [];
        return [
          {
            index: n + 1,
            epoch: row.epoch,
            mine: row.owner === worker,
            runnable: row.endMs === null && row.wakeMs !== null && row.wakeMs <= nowMs,
            journal_epoch: db.journalOf(id).get(number(list(seqs)[n]))?.epoch ?? null,
          },
        ];
      });
    },
  },
  {
    of: 'RELEASE_FAULT',
    text: RELEASE_FAULT,
    locks: ({ values }) => [
      { key: `worker:${text(values[0])}`, shared: true },
      { key: `execution:${text(values[1])}` },
    ],
    run: ({ values, db, changes, nowMs }) => {
      const [worker, id, epoch, most, backoffMs, , error, inboxSeq] = values;
      const row = db.executions.get(text(id));
      if (!db.workers.has(text(worker)) || row === undefined || row.owner !== worker || row.epoch !== epoch)
        return [];
      const pauseMs = Math.min(number(backoffMs) * 2 ** row.faults, 300_000);
      const faults = row.faults + 1;
      changes.update(row, {
        owner: null,
        faults,
        wakeMs: wakeAfterFault(row, number(inboxSeq), faults >= number(most), nowMs, pauseMs),
      });
      if (faults >= number(most))
        changes.put(db.deadLetters, row.id, { id: row.id, queue: row.queue, error: text(error) });
      return [{ id: row.id, queue: row.queue, faults, wake_ms: row.wakeMs }];
    },
  },
];

function wakeAfterFault(row: ExecutionRow, read: number, isDead: boolean, nowMs: number, pauseMs: number) {
  if (row.pausedMs !== null) return null;
  if (row.inboxSeq > read) return nowMs;
  return isDead ? null : nowMs + pauseMs;
}

function claimedRow(row: ExecutionRow): Row {
  return {
    alive: true,
    id: row.id,
    state_machine_id: row.machine,
    version: row.version,
    name: row.name,
    input: row.input,
    queue: row.queue,
    epoch: row.epoch,
    inbox_seq: row.inboxSeq,
    snapshot: row.snapshot,
    snapshot_seq: row.snapshotSeq,
    faults: row.faults,
    start_ms: row.startMs,
  };
}
