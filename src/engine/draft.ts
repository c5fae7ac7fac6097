/**
 * What a step has changed so far, laid over the run that it was given.
 *
 * 1. The run is only read. A frame is copied when it is first touched; the copy is the draft's own and
 *    may be changed in place until the step returns it.
 * 2. Event ids come from the draft's counter, one after another, so a history has no gap.
 * 3. What was wanted and taken back within the step never leaves it: no call that is cancelled before
 *    it was made, no frame that was born and died.
 */
import type { Json, JsonObject } from '../std/json.js';
import type { Effect } from './effects.js';
import type { EventType, HistoryEvent } from './events.js';
import type { Frame, RunMeta } from './frame.js';
import { awaitedOf } from './invocation.js';
import { leftFrames } from './left.js';
import type { EndStatus } from './ports.js';
import { canGoOn, type Run } from './run.js';
import type { Step } from './step.js';
import { freeVariables } from './variables.js';

export interface Draft {
  readonly run: Run;
  readonly nowMs: number;
  readonly meta: RunMeta;
  readonly changed: Map<number, Frame>;
  readonly dropped: Set<number>;
  readonly history: HistoryEvent[];
  readonly effects: Effect[];
  /** Frames that became ready in this step, in order; may name frames that are gone or wait by now. */
  readonly queue: number[];
  /** How many children of a frame have started and are done, where this step changed that. */
  tallies: ReadonlyMap<number, Tally>;
  /** Children born in this step, by parent. */
  born: ReadonlyMap<number, number[]>;
  /** While a failure goes up the tree: what it has cut, as it was before, and whose state it has failed. */
  cut: Map<number, Frame> | undefined;
  failing: Set<number> | undefined;
  /** What a redrive takes up, of a run that this step has ended. */
  left: Frame[] | undefined;
  /** How much data the step has put into events, at most, in bytes. */
  bytes: number;
}

export interface Tally {
  started: number;
  done: number;
}

export function beginDraft(run: Run, nowMs: number): Draft {
  return {
    run,
    nowMs,
    meta: { ...run.meta },
    changed: new Map(),
    dropped: new Set(),
    history: [],
    effects: [],
    queue: [],
    tallies: NO_TALLIES,
    born: NO_BIRTHS,
    cut: undefined,
    failing: undefined,
    left: undefined,
    bytes: 0,
  };
}

/** Most steps have to do with no children, so the maps of children are made by the first that does. */
const NO_TALLIES: ReadonlyMap<number, Tally> = new Map();
const NO_BIRTHS: ReadonlyMap<number, number[]> = new Map();

export function settleDraft(draft: Draft, more: boolean): Step {
  const { run, meta, changed, dropped, history } = draft;
  const known = [...dropped].filter((id) => run.frames.has(id));
  const effects = draft.effects.filter((effect) => isStillWanted(draft, effect));
  const left = draft.left === undefined ? {} : { left: draft.left };
  return { history, effects, more, delta: { ...left, meta, changed: [...changed.values()], dropped: known } };
}

/** A frame as it stands in the draft, to be read. */
export function frameOf(draft: Draft, id: number): Frame | undefined {
  return draft.changed.get(id) ?? (draft.dropped.has(id) ? undefined : draft.run.frames.get(id));
}

/** A frame of the draft's own, to be changed. */
export function touch(draft: Draft, id: number): Frame {
  const own = draft.changed.get(id);
  if (own !== undefined) return own;
  const frame = frameOf(draft, id);
  if (frame === undefined) throw new Error(`no frame ${String(id)}`);
  const copy = { ...frame };
  draft.changed.set(id, copy);
  return copy;
}

/** Puts a new frame into the draft, ready to enter its first state. */
export function addFrame(
  draft: Draft,
  shape: Pick<Frame, 'parent' | 'index' | 'path' | 'state' | 'input' | 'lastEventId'>,
): Frame {
  const frame: Frame = {
    v: 1,
    id: draft.meta.nextFrameId,
    ...shape,
    phase: { kind: 'enter' },
    enteredAtMs: 0,
    enteredEventId: 0,
    retries: [],
  };
  draft.meta.nextFrameId += 1;
  draft.changed.set(frame.id, frame);
  draft.queue.push(frame.id);
  if (frame.parent !== null) {
    tallyOf(draft, frame.parent).started += 1;
    const born = draft.born.get(frame.parent);
    if (born === undefined) birthsIn(draft).set(frame.parent, [frame.id]);
    else born.push(frame.id);
  }
  return frame;
}

export function tallyOf(draft: Draft, id: number): Tally {
  let tally = draft.tallies.get(id);
  if (tally === undefined) {
    const family = draft.run.families.get(id);
    tally = { started: family?.ids.size ?? 0, done: family?.done ?? 0 };
    talliesIn(draft).set(id, tally);
  }
  return tally;
}

function talliesIn(draft: Draft): Map<number, Tally> {
  const own = draft.tallies === NO_TALLIES ? new Map() : (draft.tallies as Map<number, Tally>);
  draft.tallies = own;
  return own;
}

function birthsIn(draft: Draft): Map<number, number[]> {
  const own = draft.born === NO_BIRTHS ? new Map() : (draft.born as Map<number, number[]>);
  draft.born = own;
  return own;
}

/** All children of a frame, in the order of their index. */
export function childrenOf(draft: Draft, id: number): Frame[] {
  const children: Frame[] = [];
  for (const ids of [draft.run.families.get(id)?.ids ?? [], draft.born.get(id) ?? []]) {
    for (const childId of ids) {
      const child = frameOf(draft, childId);
      if (child !== undefined) children.push(child);
    }
  }
  return children.sort((a, b) => a.index - b.index);
}

/** Drops the descendants of a frame and cancels what they have running. */
export function dropChildren(draft: Draft, id: number): void {
  if (!draft.run.families.has(id) && !draft.born.has(id)) return;
  for (const child of childrenOf(draft, id)) {
    dropChildren(draft, child.id);
    cancelTask(draft, child);
    freeVariables(draft, child);
    draft.changed.delete(child.id);
    draft.dropped.add(child.id);
  }
  birthsIn(draft).delete(id);
  talliesIn(draft).set(id, { started: 0, done: 0 });
}

/** Gives up what the frame has going on in the world; the frame's phase is the caller's to change. */
export function cancelTask(draft: Draft, frame: Frame): void {
  const { phase } = frame;
  if (phase.kind !== 'task' && phase.kind !== 'awaiting') return;
  const { key } = phase;
  if (phase.kind === 'task') draft.effects.push({ kind: 'cancel', frameId: frame.id, key });
  const awaited = awaitedOf(frame);
  if (awaited !== undefined) draft.effects.push({ kind: 'release', frameId: frame.id, key, awaited });
}

/** Records an event that follows the frame's last one, or another when `previous` says so. */
export function record(
  draft: Draft,
  frame: Frame,
  type: EventType,
  details?: JsonObject,
  previous = frame.lastEventId,
): number {
  frame.lastEventId = recordAside(draft, previous, type, details);
  return frame.lastEventId;
}

/** Records an event that nothing of a frame's own will point to. */
export function recordAside(draft: Draft, previous: number, type: EventType, details?: JsonObject): number {
  const id = draft.meta.nextEventId;
  const { maxEvents } = draft.run.about;
  if (maxEvents !== undefined && id >= maxEvents && !type.startsWith('Execution')) throw new HistoryFull();
  draft.meta.nextEventId += 1;
  const event: HistoryEvent = { id, previousEventId: previous, type, timestamp: draft.nowMs };
  if (details !== undefined) event.details = details;
  draft.history.push(event);
  return id;
}

/** Keeps the error with which a frame fails in the last event that this step recorded for it, if that does not tell it. */
export function noteFailure(draft: Draft, frame: Frame, failure: JsonObject): void {
  const event = draft.history.find(({ id }) => id === frame.lastEventId);
  if (event !== undefined && event.details?.['error'] === undefined) event.failure = failure;
}

/** The history has room for nothing but the event that ends it. */
export class HistoryFull extends Error {
  override readonly name = 'HistoryFull';
}

/** Whether the frame can go on without the world, as it stands in the draft. */
export function isReady(draft: Draft, frame: Frame): boolean {
  const tally = draft.tallies.get(frame.id) ?? draft.run.families.get(frame.id);
  const started = tally === undefined ? 0 : 'ids' in tally ? tally.ids.size : tally.started;
  return canGoOn(frame, started, tally?.done ?? 0);
}

/**
 * Ends the run: everything that runs is cancelled, and the root keeps the state that it ended in. What a redrive needs is
 * kept beside it, unless it was a success or the execution is an Express one, which is never redriven.
 */
export function endRun(
  draft: Draft,
  status: EndStatus,
  how: { output?: Json; error?: string; cause?: string },
): void {
  if (status !== 'SUCCEEDED' && draft.run.about.isExpress !== true) draft.left = leftFrames(draft);
  dropChildren(draft, 0);
  const root = touch(draft, 0);
  cancelTask(draft, root);
  root.phase = { kind: 'done', output: null };
  root.input = null;
  draft.meta.ended = status;
  draft.effects.push({ kind: 'end', status, ...how });
}

function isStillWanted(draft: Draft, effect: Effect): boolean {
  // What a redrive lets go is of frames that ended before.
  if (effect.kind === 'end' || draft.run.meta.ended !== undefined) return true;
  const frame =
    effect.kind === 'invoke' ? frameOf(draft, effect.frameId) : draft.run.frames.get(effect.frameId);
  const phase = frame?.phase;
  if (phase?.kind === 'awaiting') return effect.kind === 'release' && phase.key === effect.key;
  return phase?.kind === 'task' && phase.key === effect.key;
}
