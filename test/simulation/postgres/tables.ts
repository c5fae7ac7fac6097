/**
 * The tables, as rows in memory, and the changes to them: what a transaction has changed, it can take back. No machine has
 * limits, so nothing is held, and nobody leaves a place.
 */
import type { Recovery } from './recovery.js';

export interface ExecutionRow {
  id: string;
  machine: string;
  version: number;
  name: string;
  status: string;
  input: string;
  output: string | null;
  error: string | null;
  cause: string | null;
  startMs: number;
  endMs: number | null;
  queue: string;
  owner: string | null;
  epoch: number;
  wakeMs: number | null;
  inboxSeq: number;
  snapshot: string | null;
  snapshotSeq: number;
  faults: number;
  recoveries: number;
  pausedMs: number | null;
  parentId: string | null;
  parentFrame: number | null;
  parentKey: string | null;
  /** Parents one above the other. */
  depth: number;
  notifyParent: boolean;
  redriveCount: number;
}

export interface JournalRow {
  id: string;
  executionId: string;
  seq: number;
  epoch: number;
  firstEventId: number;
  eventCount: number;
  events: string;
  frames: string;
}

export interface SignalRow {
  id: string;
  executionId: string;
  seq: number;
  kind: string;
  data: string;
}

export interface WorkerRow {
  id: string;
  heartbeatMs: number;
  leaseMs: number;
}

export interface TokenRow {
  id: string;
  executionId: string;
  frameId: number;
  key: string;
  activity: string | null;
  input: string | null;
  createdMs: number;
  leased: boolean;
  doneMs: number | null;
  answeredBy: string | null;
}

export interface WaitRow {
  id: string;
  executionId: string;
  frameId: number;
  key: string;
  /** SETTLED: it is over, and no message finds it. */
  hash: string;
  message: string | null;
}

export interface MessageRow {
  id: string;
  hash: string;
  data: string;
  createdMs: number;
  expiresMs: number;
}

export interface MachineRow {
  id: string;
  version: number;
  queue: string;
  recovery: Recovery | null;
}

export interface DeadLetterRow {
  id: string;
  queue: string;
  error: string;
}

export class Tables {
  /** pg_postmaster_start_time(). */
  startedMs = 0;
  readonly executions = new Map<string, ExecutionRow>();
  /** By execution and seq. */
  readonly journal = new Map<string, Map<number, JournalRow>>();
  readonly inbox = new Map<string, Map<number, SignalRow>>();
  readonly workers = new Map<string, WorkerRow>();
  readonly tokens = new Map<string, TokenRow>();
  /** By execution and key. */
  readonly waits = new Map<string, WaitRow>();
  readonly messages = new Map<string, MessageRow>();
  readonly machines = new Map<string, MachineRow>();
  readonly activities = new Set<string>();
  /** By execution. */
  readonly deadLetters = new Map<string, DeadLetterRow>();
  /** Child of a call: by parent and key. */
  readonly children = new Map<string, string>();
  /** By machine and name. */
  readonly names = new Map<string, string>();

  journalOf(executionId: string): Map<number, JournalRow> {
    return within(this.journal, executionId);
  }

  inboxOf(executionId: string): Map<number, SignalRow> {
    return within(this.inbox, executionId);
  }

  lastRow(executionId: string): JournalRow | undefined {
    let last: JournalRow | undefined;
    for (const row of this.journalOf(executionId).values())
      if (last === undefined || row.seq > last.seq) last = row;
    return last;
  }
}

/** Whether a stop is in its inbox that nobody has read. */
export function isStopping(db: Tables, executionId: string): boolean {
  return [...db.inboxOf(executionId).values()].some(({ kind }) => kind === 'stop');
}

function within<V>(tables: Map<string, Map<number, V>>, id: string): Map<number, V> {
  let table = tables.get(id);
  if (table === undefined) {
    table = new Map();
    tables.set(id, table);
  }
  return table;
}

/** Changes that happen together, or, taken back, not at all. */
export class Changes {
  readonly #undo: (() => void)[] = [];
  readonly notifications: { channel: string; payload: string }[] = [];
  /** Checkpoints that come in with it. */
  readonly appended: JournalRow[] = [];

  update<Row extends object>(row: Row, patch: Partial<Row>): void {
    const before: Partial<Row> = {};
    for (const column in patch) before[column] = row[column];
    this.#undo.push(() => Object.assign(row, before));
    Object.assign(row, patch);
  }

  put<Key, Row>(table: Map<Key, Row>, key: Key, row: Row): void {
    const before = table.get(key);
    this.#undo.push(() => {
      if (before === undefined) table.delete(key);
      else table.set(key, before);
    });
    table.set(key, row);
  }

  remove<Key, Row>(table: Map<Key, Row>, key: Key): void {
    const before = table.get(key);
    if (before === undefined) return;
    this.#undo.push(() => table.set(key, before));
    table.delete(key);
  }

  notify(channel: string, payload: string): void {
    this.notifications.push({ channel, payload });
  }

  takeBack(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo.length = 0;
    this.notifications.length = 0;
    this.appended.length = 0;
  }
}
