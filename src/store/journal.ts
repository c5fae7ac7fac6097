/**
 * The journal's writer: what the activations of one worker want committed, in group commits.
 *
 * 1. `append` resolves only when its checkpoint (and the park or end that comes with it) is in PostgreSQL.
 * 2. If this worker's row is gone, nothing was written and `append` answers `lost`.
 * 3. If the connection broke, nobody knows whether the statement committed. The writer asks the journal
 *    (`(execution_id, seq, epoch)`) before it writes again, for as long as `timeoutMs`.
 */
import type pg from 'pg';
import type { AppendAnswer, Checkpoint, Journal, LeaveRequest } from '../engine/index.js';
import { floatArray, intArray, textArray, uuidArray } from './binary-array.js';
import { GroupCommit } from './group-commit.js';
import { isDuplicate, isItemFault, isPassing } from './item-fault.js';
import { FLUSH } from './sql/flush.js';
import { isUnavailable } from './unavailable.js';

/** What one `append` asks for. */
interface Entry {
  executionId: string;
  epoch: number;
  row: Checkpoint | undefined;
  leave: LeaveRequest | undefined;
  /** JSON text. */
  output: string | null;
}

/** Ids of executions and map runs that have ended, whose parents have not been told. */
export interface ToTell {
  executions: readonly string[];
  mapRuns: readonly string[];
}

interface JournalOptions {
  pool: pg.Pool;
  workerId: string;
  /** How long a commit is tried while the database is away, in ms. */
  timeoutMs: number;
  /** Called with the ids of batches that a flush has just stopped (stopOnError). */
  onBatchStopping: (batchIds: readonly string[]) => void;
  /** Called with what a flush has just ended and a parent waits for: its parent is to be told. */
  onTell: (ended: ToTell) => void;
  /** Called with the limited machines of which a flush has just ended executions: others may have their places. */
  onPlacesLeft?: (stateMachineIds: readonly string[]) => void;
  /** Keeps an eye on how long flushes take. */
  watch?: <T>(statement: Promise<T>) => Promise<T>;
  /** Called once when a flush finds that this worker's row is gone. */
  onLost: () => void;
}

export interface JournalWriter extends Journal {
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>;
}

const FLUSH_MAX_ENTRIES = 400;
/** A flush of 16 MB holds everybody up for 0.4 s. */
const FLUSH_MAX_BYTES = 4 * 1024 * 1024;
const RETRY_PAUSE_MS = 100;

export function createJournalWriter(options: JournalOptions): JournalWriter {
  const { pool, workerId, timeoutMs, onBatchStopping, onTell, onPlacesLeft, onLost } = options;
  const { watch = (statement) => statement } = options;
  let lost = false;
  const group = new GroupCommit<Entry, AppendAnswer>({
    flush: (entries) => flushUntilKnown(entries),
    isItemFault,
    sizeOf: ({ row, leave, output }) =>
      200 +
      (row === undefined ? 0 : row.events.length + row.frames.length) +
      (output?.length ?? 0) +
      (leave?.leave.kind === 'parked' ? (leave.leave.snapshot?.text.length ?? 0) : 0),
    maxItems: FLUSH_MAX_ENTRIES,
    maxBytes: FLUSH_MAX_BYTES,
  });

  return {
    append: (checkpoint, leave) => {
      const about = checkpoint ?? leave;
      if (about === undefined) throw new Error('an append without a checkpoint and without a leave');
      if (lost) return Promise.resolve('lost');
      return group.submit(toEntry(about.executionId, about.epoch, checkpoint, leave));
    },
    idle: () => group.idle(),
  };

  async function flushUntilKnown(entries: readonly Entry[]): Promise<AppendAnswer[]> {
    const answers = new Map<Entry, AppendAnswer>();
    const giveUpAt = Date.now() + timeoutMs;
    let open = entries;
    for (;;) {
      try {
        for (const [entry, answer] of await flush(open)) answers.set(entry, answer);
      } catch (error) {
        const passes = isUnavailable(error) || isPassing(error);
        if (!passes && !isDuplicate(error)) throw error;
        if (isDuplicate(error) && open.length > 1) throw error;
        if (Date.now() > giveUpAt) throw error;
        if (passes) await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
      }
      open = open.filter((entry) => !answers.has(entry));
      if (open.length === 0) break;
      try {
        for (const [entry, answer] of await settle(open)) answers.set(entry, answer);
      } catch (error) {
        if (!(isUnavailable(error) || isPassing(error)) || Date.now() > giveUpAt) throw error;
      }
      open = open.filter((entry) => !answers.has(entry));
      if (open.length === 0) break;
    }
    return entries.map((entry) => answers.get(entry) ?? 'lost');
  }

  /** One flush; answers for the entries whose outcome it shows. What is missing must be asked for. */
  async function flush(entries: readonly Entry[]): Promise<Map<Entry, AppendAnswer>> {
    const answers = new Map<Entry, AppendAnswer>();
    const { rows } = await watch(
      pool.query<FlushRow>({
        name: 'flush',
        text: FLUSH,
        values: toParameters(workerId, entries),
      }),
    );
    const result = rows[0];
    if (result === undefined || !result.alive) {
      if (!lost) onLost();
      lost = true;
      for (const entry of entries) answers.set(entry, 'lost');
      return answers;
    }
    const left = new Set([...(result.parked ?? []), ...(result.ended ?? [])]);
    const woken = new Set(result.woken);
    for (const entry of entries) {
      // The rows were inserted: the statement is all or nothing. A park or end that matched no row is
      // somebody else's by now, or was carried out by a flush whose answer was lost.
      if (entry.leave === undefined) answers.set(entry, 'committed');
      else if (left.has(entry.executionId))
        answers.set(entry, woken.has(entry.executionId) ? 'woken' : 'committed');
    }
    if (result.left_places !== null) onPlacesLeft?.(result.left_places);
    if (result.stopping !== null) onBatchStopping(result.stopping);
    if (result.tell !== null || result.tell_runs !== null) {
      onTell({ executions: result.tell ?? [], mapRuns: result.tell_runs ?? [] });
    }
    return answers;
  }

  /** Asks which of the entries are in; answers for those that are, and for those that are another's by now. */
  async function settle(entries: readonly Entry[]): Promise<Map<Entry, AppendAnswer>> {
    const answers = new Map<Entry, AppendAnswer>();
    const { rows } = await pool.query<SettleRow>(SETTLE, [
      entries.map((entry) => entry.executionId),
      entries.map((entry) => entry.row?.seq ?? 0),
      workerId,
    ]);
    for (const row of rows) {
      const entry = entries[row.index - 1];
      if (entry === undefined) continue;
      const written = entry.row === undefined ? undefined : row.journal_epoch === entry.epoch;
      if (row.epoch !== entry.epoch || (row.journal_epoch !== null && row.journal_epoch !== entry.epoch)) {
        // Without a leave its activation would go on, and call what the new owner calls: the row is in, and it is not ours.
        answers.set(entry, written === true && entry.leave !== undefined ? 'committed' : 'lost');
      } else if (entry.leave === undefined) {
        if (written === true) answers.set(entry, 'committed');
        else if (!row.mine) answers.set(entry, 'lost');
      } else if (!row.mine) {
        // Nobody has claimed it since (the epoch is ours) and we do not own it: it parked or ended, with its row.
        answers.set(entry, written === false ? 'lost' : row.runnable ? 'woken' : 'committed');
      }
    }
    return answers;
  }
}

interface FlushRow {
  alive: boolean;
  parked: string[] | null;
  woken: string[] | null;
  ended: string[] | null;
  stopping: string[] | null;
  tell: string[] | null;
  tell_runs: string[] | null;
  left_places: string[] | null;
}

interface SettleRow {
  index: number;
  epoch: number;
  mine: boolean;
  runnable: boolean;
  journal_epoch: number | null;
}

const SETTLE = `
SELECT t.index::int AS index, e.epoch, coalesce(e.owner = $3::uuid, false) AS mine,
  coalesce(e.end_time IS NULL AND e.wake_at <= now(), false) AS runnable, j.epoch AS journal_epoch
FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY t (id, seq, index)
JOIN executions e ON e.id = t.id
LEFT JOIN journal j ON j.execution_id = t.id AND j.seq = t.seq
`;

function toEntry(
  executionId: string,
  epoch: number,
  checkpoint: Checkpoint | undefined,
  leave: LeaveRequest | undefined,
): Entry {
  return {
    executionId,
    epoch,
    row: checkpoint,
    leave,
    output:
      leave?.leave.kind === 'ended' && leave.leave.output !== undefined
        ? JSON.stringify(leave.leave.output)
        : null,
  };
}

/** A column of text cannot hold U+0000; JSON text, where it is escaped, can. */
function storable(text: string | undefined): string | null {
  return text?.replaceAll('\u0000', '') ?? null;
}

/** The 27 parameters of the flush: columns, not rows, for unnest. */
function toParameters(workerId: string, entries: readonly Entry[]): unknown[] {
  const j: [string[], number[], number[], number[], number[], (string | null)[], string[], string[]] = [
    [],
    [],
    [],
    [],
    [],
    [],
    [],
    [],
  ];
  const p: [string[], number[], (number | null)[], number[], (string | null)[], (string | null)[], number[]] =
    [[], [], [], [], [], [], []];
  const answered: number[] = [];
  const d: [
    string[],
    number[],
    string[],
    (string | null)[],
    (string | null)[],
    (string | null)[],
    (string | null)[],
    number[],
  ] = [[], [], [], [], [], [], [], []];
  const s: [string[], number[]] = [[], []];
  for (const { executionId, epoch, row, leave, output } of entries) {
    if (row !== undefined) {
      j[0].push(executionId);
      j[1].push(row.seq);
      j[2].push(epoch);
      j[3].push(row.firstEventId);
      j[4].push(row.eventCount);
      j[5].push(row.currentState ?? null);
      j[6].push(row.events);
      j[7].push(row.frames);
    }
    if (leave === undefined) continue;
    const how = leave.leave;
    if (how.kind === 'parked') {
      p[0].push(executionId);
      p[1].push(epoch);
      p[2].push(how.wakeAtMs ?? null);
      p[3].push(how.inboxSeq);
      p[4].push(leave.currentState ?? null);
      p[5].push(how.snapshot?.text ?? null);
      p[6].push(how.snapshot?.seq ?? 0);
      answered.push(how.answered ? 1 : 0);
    } else {
      d[0].push(executionId);
      d[1].push(epoch);
      d[2].push(how.status);
      d[3].push(output);
      d[4].push(storable(how.error));
      d[5].push(storable(how.cause));
      d[6].push(leave.currentState ?? null);
      d[7].push(how.endTimeMs);
    }
    if (how.inboxSeq > 0) {
      s[0].push(executionId);
      s[1].push(how.inboxSeq);
    }
  }
  return [
    workerId,
    uuidArray(j[0]),
    intArray(j[1]),
    intArray(j[2]),
    intArray(j[3]),
    intArray(j[4]),
    textArray(j[5]),
    textArray(j[6]),
    textArray(j[7]),
    uuidArray(p[0]),
    intArray(p[1]),
    floatArray(p[2]),
    intArray(p[3]),
    textArray(p[4]),
    textArray(p[5]),
    intArray(p[6]),
    uuidArray(d[0]),
    intArray(d[1]),
    textArray(d[2]),
    textArray(d[3]),
    textArray(d[4]),
    textArray(d[5]),
    textArray(d[6]),
    floatArray(d[7]),
    uuidArray(s[0]),
    intArray(s[1]),
    intArray(answered),
  ];
}
