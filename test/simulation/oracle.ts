/**
 * What must never be, looked for while a run goes on and when it is over.
 *
 * 1. While it goes on: the journal and its event ids have no gap; a call is made only when it is committed that it is to be
 *    made, and not once its result is; frames in memory are the fold of the journal.
 * 2. When it is over: everything that was accepted has ended; nothing is left unread or untold; a call has one child at most;
 *    an answer that was accepted was used; an end in the row is the end in the journal.
 */
import type { Frame, FrameDelta, HistoryEvent, Run, RunMeta } from '../../src/engine/index.js';
import type { HandlerContext } from '../../src/tasks/index.js';
import type { JournalRow, Tables } from './postgres/tables.js';
import { sameFrames } from './same-frames.js';
import { BEGIN_MS, type Proc, type World } from './world.js';

/** What the journal says of one execution, read as it comes in. */
interface Ledger {
  lastSeq: number;
  nextEventId: number;
  epoch: number;
  /** The call that each frame waits for. */
  pending: Map<number, string>;
  /** Calls that are over. `result`: by their result; otherwise they have timed out, or were cut. */
  settled: Map<string, { result: boolean; atMs: number }>;
  /** The fold of the journal. */
  frames: Map<number, Frame>;
  meta: RunMeta | undefined;
  events: HistoryEvent[];
  attempts: Map<string, number>;
  ended: boolean;
}

export class Oracle {
  readonly complaints: string[] = [];
  readonly #world: World;
  #db: Tables | undefined;
  readonly #ledgers = new Map<string, Ledger>();
  readonly #names = new Map<string, string>();
  readonly #answered = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  watch(db: Tables): void {
    this.#db = db;
  }

  complain(what: string): void {
    const at = ((this.#world.nowMs - BEGIN_MS) / 1000).toFixed(3);
    this.#world.note(`WRONG: ${what}`);
    this.complaints.push(`at ${at} s: ${what}`);
  }

  accepted(executionId: string, name: string): void {
    this.#names.set(executionId, name);
  }

  nameOf(executionId: string): string {
    return this.#names.get(executionId) ?? this.#db?.executions.get(executionId)?.machine ?? executionId;
  }

  redriven(executionId: string): void {
    const ledger = this.#ledgers.get(executionId);
    if (ledger !== undefined) ledger.ended = false;
  }

  answered(token: string): void {
    this.#answered.add(token);
  }

  attemptOf(token: string): number {
    const row = this.#db?.tokens.get(token);
    if (row === undefined) return 0;
    return this.#ledgers.get(row.executionId)?.attempts.get(row.key) ?? 0;
  }

  /** A checkpoint has been committed. */
  readonly appended = (row: JournalRow): void => {
    const { executionId, seq, epoch, firstEventId, eventCount } = row;
    const ledger = this.#ledgers.get(executionId) ?? newLedger();
    this.#ledgers.set(executionId, ledger);
    const name = this.nameOf(executionId);
    this.#world.trace?.push(this.#line(row, name));
    if (seq !== ledger.lastSeq + 1)
      this.complain(`${name}: checkpoint ${String(seq)} comes after ${String(ledger.lastSeq)}`);
    if (firstEventId !== ledger.nextEventId)
      this.complain(`${name}: event ${String(firstEventId)} where ${String(ledger.nextEventId)} is next`);
    if (epoch < ledger.epoch)
      this.complain(`${name}: a checkpoint of an older owner comes after its successor's`);
    const events = JSON.parse(row.events) as HistoryEvent[];
    if (events.some(({ id }, n) => id !== firstEventId + n) || events.length !== eventCount)
      this.complain(`${name}: the event ids of checkpoint ${String(seq)} have a gap`);
    ledger.lastSeq = Math.max(ledger.lastSeq, seq);
    ledger.nextEventId = firstEventId + eventCount;
    ledger.epoch = Math.max(ledger.epoch, epoch);
    ledger.events.push(...events);
    this.#takeIn(ledger, JSON.parse(row.frames) as FrameDelta, events, name);
  };

  #takeIn(
    ledger: Ledger,
    { meta, changed, dropped }: FrameDelta,
    events: readonly HistoryEvent[],
    name: string,
  ): void {
    ledger.meta = meta;
    for (const id of dropped) ledger.frames.delete(id);
    for (const frame of changed) ledger.frames.set(frame.id, frame);
    const settle = (frameId: number): void => {
      const key = ledger.pending.get(frameId);
      if (key === undefined) return;
      ledger.settled.set(key, { result: hasResult(ledger, events, key), atMs: this.#world.nowMs });
      ledger.pending.delete(frameId);
    };
    for (const id of dropped) settle(id);
    for (const { id, phase, retries } of changed) {
      // A look whether there is an activity changes nothing, and has no result of its own.
      const isLook = phase.kind === 'task' && phase.call.kind === 'findActivity';
      const key = 'key' in phase && !isLook ? phase.key : undefined;
      if (key === ledger.pending.get(id)) continue;
      settle(id);
      if (key === undefined) continue;
      if (ledger.settled.has(key)) this.complain(`${name}: the result of ${keyIn(key)} is used twice`);
      ledger.pending.set(id, key);
      ledger.attempts.set(
        key,
        retries.reduce((sum, used) => sum + used, 0),
      );
    }
    if (meta.ended === undefined) {
      ledger.ended = false;
      return;
    }
    for (const id of [...ledger.pending.keys()]) settle(id);
    ledger.ended = true;
  }

  /** A handler is called. A worker that has lost the execution and does not know it yet is forgiven: nobody can stop it. */
  called({ executionId, idempotencyKey: key }: HandlerContext, proc: Proc): void {
    const ledger = this.#ledgers.get(executionId);
    const name = this.nameOf(executionId);
    const owner = this.#db?.executions.get(executionId)?.owner ?? null;
    const isOwn = owner !== null && owner === proc.workerId && this.#db?.workers.has(owner) === true;
    this.#world.note(`${proc.name} calls ${keyIn(key)} of ${name}${isOwn ? '' : ', which it has lost'}`);
    if (!isOwn) return;
    if (ledger === undefined || (![...ledger.pending.values()].includes(key) && !ledger.settled.has(key)))
      this.complain(`${name}: ${keyIn(key)} is called before it is committed that it is to be`);
    else if (ledger.settled.get(key)?.result === true)
      this.complain(`${name}: ${keyIn(key)} is called again after its result was committed`);
  }

  /** An activation has parked with these frames in memory, as of a checkpoint. */
  compare(run: Run, seq: number): void {
    const { executionId } = run.about;
    const ledger = this.#ledgers.get(executionId);
    // Its successor has gone on already.
    if (ledger === undefined || ledger.lastSeq !== seq) return;
    const difference = sameFrames(ledger, run);
    if (difference !== undefined)
      this.complain(
        `${this.nameOf(executionId)}: frames in memory are not the fold of the journal: ${difference}`,
      );
  }

  /** The world is quiet. */
  conclude(): void {
    const db = this.#db;
    if (db === undefined) return;
    for (const row of db.executions.values()) {
      const name = this.nameOf(row.id);
      const ledger = this.#ledgers.get(row.id);
      if (row.endMs === null) {
        this.complain(`${name} has not ended: ${standingOf(row, db, ledger)}`);
        continue;
      }
      if (row.owner !== null) this.complain(`${name} has ended and is owned`);
      if (ledger?.ended !== true && row.status !== 'ABORTED')
        this.complain(`${name} has ended, and its journal has not`);
      const last = ledger?.events.at(-1)?.type;
      if (last !== LAST_EVENTS[row.status])
        this.complain(`${name} is ${row.status}, and its last event is ${String(last)}`);
      if (row.notifyParent) this.complain(`${name} has ended, and its parent was not told`);
    }
    this.#countChildren(db);
    this.#lookForAnswers(db);
  }

  #countChildren(db: Tables): void {
    const byCall = new Map<string, number>();
    for (const { parentId, parentKey } of db.executions.values()) {
      if (parentId === null || parentKey === null) continue;
      byCall.set(parentKey, (byCall.get(parentKey) ?? 0) + 1);
      if (this.#ledgers.get(parentId)?.attempts.has(parentKey) !== true)
        this.complain(`${this.nameOf(parentId)} has a child that none of its calls started`);
    }
    for (const [key, count] of byCall)
      if (count > 1) this.complain(`${keyIn(key)} has ${String(count)} children`);
  }

  /** An accepted answer may find its frame cut; it must not find it timed out. */
  #lookForAnswers(db: Tables): void {
    for (const token of this.#answered) {
      const row = db.tokens.get(token);
      const ledger = row === undefined ? undefined : this.#ledgers.get(row.executionId);
      if (row === undefined || ledger === undefined) continue;
      const scheduled = Number(keyIn(row.key));
      const late = ledger.events.find(
        (event) =>
          event.type.endsWith('TimedOut') &&
          event.type !== 'ExecutionTimedOut' &&
          isAfter(ledger, event, scheduled),
      );
      if (late !== undefined)
        this.complain(
          `${this.nameOf(row.executionId)}: the answer to ${keyIn(row.key)} was accepted, and it timed out`,
        );
    }
  }

  #line({ seq, epoch, events }: JournalRow, name: string): string {
    const types = (JSON.parse(events) as HistoryEvent[]).map(({ id, type }) => `${String(id)} ${type}`);
    const at = ((this.#world.nowMs - BEGIN_MS) / 1000).toFixed(3).padStart(9);
    return `${at} ${name} #${String(seq)} of epoch ${String(epoch)}: ${types.join(', ')}`;
  }
}

const LAST_EVENTS: Readonly<Record<string, string>> = {
  SUCCEEDED: 'ExecutionSucceeded',
  FAILED: 'ExecutionFailed',
  TIMED_OUT: 'ExecutionTimedOut',
  ABORTED: 'ExecutionAborted',
};

function newLedger(): Ledger {
  return {
    lastSeq: 0,
    nextEventId: 1,
    epoch: 0,
    pending: new Map(),
    settled: new Map(),
    frames: new Map(),
    meta: undefined,
    events: [],
    attempts: new Map(),
    ended: false,
  };
}

/** The event of a call, which its key ends with. */
function keyIn(key: string): string {
  return key.slice(key.search(/\d+$/));
}

/** Whether one of these events is the result of the call. */
function hasResult(ledger: Ledger, events: readonly HistoryEvent[], key: string): boolean {
  const scheduled = Number(keyIn(key));
  return events.some(
    (event) => /(Succeeded|Failed|Submitted)$/.test(event.type) && isAfter(ledger, event, scheduled),
  );
}

function isAfter({ events }: Ledger, event: HistoryEvent, scheduled: number): boolean {
  for (let at: HistoryEvent | undefined = event; at !== undefined; at = events[at.previousEventId - 1]) {
    if (at.id === scheduled) return true;
    // Another attempt, or another state.
    if (at.id < scheduled || /Scheduled$|StateExited$|StateEntered$/.test(at.type)) return false;
  }
  return false;
}

function standingOf(
  row: Tables['executions'] extends Map<string, infer Row> ? Row : never,
  db: Tables,
  ledger: Ledger | undefined,
): string {
  const { id, owner, wakeMs, pausedMs, epoch } = row;
  const parts = [
    owner === null ? 'nobody has it' : db.workers.has(owner) ? 'a worker has it' : 'one who is dead has it',
    wakeMs === null ? 'nothing wakes it' : `it is to wake at ${((wakeMs - BEGIN_MS) / 1000).toFixed(3)} s`,
    `epoch ${String(epoch)}`,
    `${String(db.inboxOf(id).size)} signals unread`,
    `waits for ${[...(ledger?.pending.values() ?? [])].map(keyIn).join(', ') || 'no call'}`,
  ];
  if (pausedMs !== null) parts.push('paused');
  if (db.deadLetters.has(id)) parts.push('a dead letter');
  return parts.join(', ');
}
