/**
 * One record for each entry of a state, read from the history.
 *
 * Events of concurrent branches lie between each other, and a state may be entered many times, so names
 * alone say nothing: every event is given to a record by what it points to (`previousEventId`).
 *
 * 1. An entry that follows a Started event lies inside that Parallel or Map; one that follows an exit lies
 *    beside what was left. So records form the tree that the frames formed.
 * 2. An event of a Parallel or Map may point to an event deep inside it: its record is found by climbing
 *    to the first open one that fits.
 * 3. An evaluation that fails at a state's entry points before the entry; it names its state.
 * 4. What a redrive takes up again is open again.
 * 5. What is still open under a Parallel or Map that fails or starts again has failed, if the failure
 *    passed through it, or was cut.
 */
import type { Json, JsonObject } from '../std/json.js';
import { isObject } from '../std/json.js';
import type { EventType, HistoryEvent } from './events.js';

export type StateStatus = 'RUNNING' | 'SUCCEEDED' | 'CAUGHT' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface StateRecord {
  stateName: string;
  stateType: string;
  /** CAUGHT: it failed, and a Catcher took the error. ABORTED: a failure beside it, or a stop, cut it. */
  status: StateStatus;
  input: Json;
  /** Absent until the state is left. */
  output?: Json;
  /** The last error of the state's task, or the one that ended the state, where the history tells. */
  error?: string;
  cause?: string;
  /** Milliseconds since the epoch. */
  startTimeMs: number;
  endTimeMs?: number;
  retryCount: number;
  /** From 1, in the order of entry. */
  sequenceNumber: number;
}

/** The records of a history, whole or so far, in the order of entry. */
export function deriveStateRecords(events: Iterable<HistoryEvent>): StateRecord[] {
  const book: Book = { entries: [], byEvent: new Map(), open: new Set() };
  for (const event of events) take(book, event);
  return book.entries.map(({ record }) => record);
}

/** The last output of a state of this name; undefined if none was ever left. */
export function outputOfState(events: Iterable<HistoryEvent>, stateName: string): Json | undefined {
  let output: Json | undefined;
  for (const { type, details } of events) {
    if (type.endsWith('StateExited') && details?.['name'] === stateName) output = details['output'];
  }
  return output;
}

interface Entry {
  record: StateRecord;
  parent: Entry | undefined;
  /** Attempts that have been started: schedules of a task, starts of a Parallel or Map. */
  attempts: number;
  /** The last attempt has failed. */
  failed: boolean;
  /** What the entry pointed to. */
  enteredAfter: number;
}

interface Book {
  entries: Entry[];
  /** Whose event it was, by id; `inside`: what follows lies inside the entry, not beside it. */
  byEvent: Map<number, { entry: Entry; inside: boolean }>;
  open: Set<Entry>;
}

function take(book: Book, event: HistoryEvent): void {
  const { type } = event;
  if (type.endsWith('StateEntered')) enter(book, event);
  else if (type === 'ExecutionRedriven') reopen(book, event);
  else if (type.startsWith('Execution')) endExecution(book, event);
  else if (type.endsWith('StateExited')) exit(book, event);
  else if (type === 'EvaluationFailed') takeEvaluationFailed(book, event);
  else if (isOfGroup(type)) takeGroupEvent(book, event);
  else takeTaskEvent(book, event);
  if (event.failure !== undefined) takeFailure(book, event.id, event.failure);
}

function enter(book: Book, event: HistoryEvent): void {
  const before = book.byEvent.get(event.previousEventId);
  const parent = before?.inside === true ? before.entry : before?.entry.parent;
  const record: StateRecord = {
    stateName: textOf(event.details, 'name') ?? '',
    stateType: event.type.slice(0, -'StateEntered'.length),
    status: 'RUNNING',
    input: event.details?.['input'] ?? null,
    startTimeMs: event.timestamp,
    retryCount: 0,
    sequenceNumber: book.entries.length + 1,
  };
  const entry: Entry = { record, parent, attempts: 0, failed: false, enteredAfter: event.previousEventId };
  book.entries.push(entry);
  book.open.add(entry);
  book.byEvent.set(event.id, { entry, inside: false });
}

function exit(book: Book, event: HistoryEvent): void {
  const name = textOf(event.details, 'name');
  const entry = climb(book, event, ({ record }) => record.stateName === name);
  if (entry === undefined) return;
  entry.record.output = event.details?.['output'] ?? null;
  close(book, entry, entry.failed ? 'CAUGHT' : 'SUCCEEDED', event.timestamp);
  if (!entry.failed) {
    delete entry.record.error;
    delete entry.record.cause;
  }
  book.byEvent.set(event.id, { entry, inside: false });
}

function takeGroupEvent(book: Book, event: HistoryEvent): void {
  const type = event.type.startsWith('Map') ? 'Map' : 'Parallel';
  const name = textOf(event.details, 'name');
  const fits = ({ record }: Entry): boolean =>
    record.stateType === type && (name === undefined || record.stateName === name);
  const entry = climb(book, event, fits);
  // The abort of a state names none: whoever cut it closes it.
  if (entry === undefined || event.type.endsWith('StateAborted')) {
    pass(book, event);
    return;
  }
  if (event.type.endsWith('StateStarted')) {
    closeInside(book, entry, event);
    countAttempt(entry);
  }
  if (event.type.endsWith('StateFailed')) {
    closeInside(book, entry, event);
    entry.failed = true;
  }
  book.byEvent.set(event.id, { entry, inside: event.type.endsWith('Started') });
}

function takeTaskEvent(book: Book, event: HistoryEvent): void {
  const entry = pass(book, event);
  if (entry === undefined || !CALLING.has(entry.record.stateType)) return;
  if (event.type.endsWith('StateAborted')) return;
  if (event.type.endsWith('Scheduled')) countAttempt(entry);
  entry.failed = event.type.endsWith('Failed') || event.type.endsWith('TimedOut');
  if (entry.failed) noteError(entry, event.details);
}

/** The states whose own events tell how their attempts went. */
const CALLING = new Set(['Task', 'Message']);

/** The state that the event belongs to failed after it, of this error. */
function takeFailure(book: Book, eventId: number, failure: JsonObject): void {
  const entry = book.byEvent.get(eventId)?.entry;
  if (entry === undefined) return;
  entry.failed = true;
  noteError(entry, failure);
}

/** It names its state, and at entry points to what was before that: one open entry of the name fits best. */
function takeEvaluationFailed(book: Book, event: HistoryEvent): void {
  const name = textOf(event.details, 'state');
  const named = [...book.open].filter(({ record }) => record.stateName === name);
  const entry =
    named.find(({ enteredAfter }) => enteredAfter === event.previousEventId) ??
    climb(book, event, ({ record }) => record.stateName === name) ??
    named.at(-1);
  if (entry === undefined) return;
  entry.failed = true;
  noteError(entry, event.details);
  book.byEvent.set(event.id, { entry, inside: false });
}

/** The event belongs to whoever it points to. */
function pass(book: Book, event: HistoryEvent): Entry | undefined {
  const before = book.byEvent.get(event.previousEventId);
  if (before !== undefined) book.byEvent.set(event.id, before);
  return before?.entry;
}

function endExecution(book: Book, event: HistoryEvent): void {
  if (event.type === 'ExecutionStarted' || event.type === 'ExecutionSucceeded') return;
  if (event.type === 'ExecutionFailed') failUpwards(book, event);
  const rest = event.type === 'ExecutionTimedOut' ? 'TIMED_OUT' : 'ABORTED';
  for (const entry of book.open) {
    // Its time is up, whatever its last attempt had died of.
    if (rest === 'TIMED_OUT') {
      delete entry.record.cause;
      noteError(entry, event.details);
    }
    close(book, entry, rest, event.timestamp);
  }
}

/** The states that are taken up again run as if they had just been entered; their attempts count anew. */
function reopen(book: Book, { resumed = [] }: HistoryEvent): void {
  for (const id of resumed) {
    const entry = book.byEvent.get(id)?.entry;
    if (entry === undefined) continue;
    const { record } = entry;
    for (const field of ['endTimeMs', 'error', 'cause'] as const) delete record[field];
    record.status = 'RUNNING';
    record.retryCount = 0;
    entry.attempts = 0;
    entry.failed = false;
    book.open.add(entry);
  }
}

/** The state that the event points to has failed, and with it what is around it. */
function failUpwards(book: Book, event: HistoryEvent): void {
  let entry = book.byEvent.get(event.previousEventId)?.entry;
  for (; entry !== undefined; entry = entry.parent) {
    if (!book.open.has(entry)) continue;
    noteError(entry, event.details);
    close(book, entry, 'FAILED', event.timestamp);
  }
}

function closeInside(book: Book, group: Entry, event: HistoryEvent): void {
  for (
    let at = book.byEvent.get(event.previousEventId)?.entry;
    at !== undefined && at !== group;
    at = at.parent
  ) {
    if (book.open.has(at)) close(book, at, 'FAILED', event.timestamp);
  }
  for (const entry of book.open) {
    if (isInside(entry, group)) close(book, entry, 'ABORTED', event.timestamp);
  }
}

function isInside(entry: Entry, group: Entry): boolean {
  for (let at = entry.parent; at !== undefined; at = at.parent) if (at === group) return true;
  return false;
}

function climb(book: Book, event: HistoryEvent, fits: (entry: Entry) => boolean): Entry | undefined {
  let entry = book.byEvent.get(event.previousEventId)?.entry;
  while (entry !== undefined && !(book.open.has(entry) && fits(entry))) entry = entry.parent;
  return entry;
}

function close(book: Book, entry: Entry, status: StateStatus, atMs: number): void {
  entry.record.status = status;
  entry.record.endTimeMs = atMs;
  book.open.delete(entry);
}

function countAttempt(entry: Entry): void {
  entry.attempts += 1;
  entry.failed = false;
  entry.record.retryCount = entry.attempts - 1;
}

function noteError(entry: Entry, details: JsonObject | undefined): void {
  const [error, cause] = [textOf(details, 'error'), textOf(details, 'cause')];
  if (error !== undefined) entry.record.error = error;
  if (cause !== undefined) entry.record.cause = cause;
}

function isOfGroup(type: EventType): boolean {
  return type.startsWith('Map') || type.startsWith('Parallel');
}

function textOf(details: JsonObject | undefined, name: string): string | undefined {
  const value = isObject(details) ? details[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}
