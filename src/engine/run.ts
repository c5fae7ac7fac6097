/**
 * An execution in memory: what a worker holds of it between two steps.
 *
 * 1. A run is the fold of its journal, whether it was read back or lived through: both go through
 *    `applyDelta`, and nothing else changes a run. `step` reads a run and says what is to change.
 * 2. `frames` is the truth; `ready`, `timers` and `families` are indices over it, kept by `applyDelta`,
 *    never written down. With them a step costs what it changes, not what the run holds.
 * 3. A frame object in a run is never changed in place: a step works on copies.
 * 4. A frame is there as long as its parent waits for it: children that are done stay, with their
 *    output, until the parent joins or drops them all.
 */
import type { Machine } from '../asl/index.js';
import type { Json } from '../std/json.js';
import type { Arns } from './arns.js';
import type { InvokeEffect, ReleaseEffect } from './effects.js';
import type { Frame, RunMeta } from './frame.js';
import { assertKnownFormat } from './frame-format.js';
import { awaitedOf, invocationOf } from './invocation.js';
import type { Entropy, FrameDelta } from './ports.js';
import { dueAtMs, dueFrames, earlier, nextTimerMs, pushTimer, type Timers } from './timers.js';

export interface About {
  executionId: string;
  executionName: string;
  stateMachineId: string;
  stateMachineName: string;
  input: Json;
  startTimeMs: number;
  /** What the context object shows as the execution's and the machine's id; absent: the ids themselves. */
  executionArn?: string;
  stateMachineArn?: string;
  /** Absent: Standard. */
  isExpress?: boolean;
  /** Makes the ARNs of map runs. */
  arns?: Arns;
  /** Shown in the context object and in ExecutionStarted when there is one. */
  roleArn?: string;
  /** The execution fails with States.Runtime when its history is full; that is its last event. Absent: no limit. */
  maxEvents?: number;
}

export interface Run {
  readonly about: About;
  readonly machine: Machine;
  readonly entropy: Entropy;
  meta: RunMeta;
  readonly frames: ReadonlyMap<number, Frame>;
  /** Frames that can go on without the world: to be entered, or with children to start. */
  readonly ready: ReadonlySet<number>;
  readonly timers: Timers;
  readonly families: ReadonlyMap<number, Family>;
  /** Of a run that has ended without success: what a redrive takes up. */
  left: readonly Frame[] | undefined;
}

/** The children of a frame. */
interface Family {
  ids: Set<number>;
  done: number;
}

/** An execution before its first event. The run given to `fold`, or to the first step. */
export function newRun(about: About, machine: Machine, entropy: Entropy): Run {
  const meta: RunMeta = { nextEventId: 1, nextFrameId: 0, inboxSeq: 0 };
  const run: OwnRun = {
    about,
    machine,
    entropy,
    meta,
    frames: new Map(),
    ready: new Set(),
    timers: [],
    families: new Map(),
    left: undefined,
  };
  return run;
}

/**
 * Journal → run: a new run takes in the snapshot, then the rows after it, oldest first. Returns the same run.
 * @throws LaterFormat when a frame was written by a later version of this code.
 */
export function fold(run: Run, snapshot: string | undefined, deltas: Iterable<FrameDelta>): Run {
  if (snapshot !== undefined) applyDelta(run, readSnapshot(snapshot));
  for (const delta of deltas) applyDelta(run, delta);
  return run;
}

/** Takes in what a step changed. The only thing that changes a run. */
export function applyDelta(run: Run, delta: FrameDelta): void {
  const own = run as OwnRun;
  for (const frame of delta.left ?? []) assertKnownFormat(frame);
  own.meta = delta.meta;
  if (delta.left !== undefined || delta.meta.ended === undefined) own.left = delta.left;
  for (const id of delta.dropped) forget(own, id);
  for (const frame of delta.changed) place(own, frame);
  // Last, since whether a parent can start another child depends on all of its children.
  for (const frame of delta.changed) {
    refreshReady(own, frame.id);
    if (frame.parent !== null) refreshReady(own, frame.parent);
  }
}

/** What all of them changed, one after another, in one pass. Later versions of a frame win. */
export function mergeAllDeltas(meta: RunMeta, deltas: readonly FrameDelta[]): FrameDelta {
  const changed = new Map<number, Frame>();
  const dropped = new Set<number>();
  for (const delta of deltas) {
    for (const id of delta.dropped) {
      dropped.add(id);
      changed.delete(id);
    }
    for (const frame of delta.changed) {
      // Taken out first, so that the order is the order of the last change.
      changed.delete(frame.id);
      changed.set(frame.id, frame);
    }
  }
  const left =
    meta.ended === undefined ? undefined : deltas.findLast((delta) => delta.left !== undefined)?.left;
  return { ...(left !== undefined && { left }), meta, changed: [...changed.values()], dropped: [...dropped] };
}

/** The whole run as text, for `fold`. */
export function snapshotOf(run: Run): string {
  const left = run.left === undefined ? {} : { left: run.left };
  const whole: FrameDelta = { ...left, meta: run.meta, changed: [...run.frames.values()], dropped: [] };
  return JSON.stringify(whole);
}

/** Whether the run has ended; nothing happens to it any more. */
export function isEnded(run: Run): boolean {
  return run.meta.ended !== undefined;
}

/** The root frame's state: where the execution is, or where it ended; undefined before its start. */
export function currentState(run: Run): string | undefined {
  return run.frames.get(0)?.state;
}

/**
 * When the run wants a `tick`: the earliest of waits, retry pauses, task timeouts and the machine's
 * deadline, ms since the epoch. 0: now, it can go on at once. undefined: not for time's sake.
 */
export function nextWakeAt(run: Run): number | undefined {
  if (isEnded(run)) return undefined;
  if (run.ready.size > 0) return 0;
  return earlier(nextTimerMs(run.timers, run.frames), run.meta.deadlineMs);
}

/** What frames wait for from outside whose time is up at `nowMs`. */
export function overdueWaits(run: Run, nowMs: number): ReleaseEffect[] {
  return dueFrames(run.timers, run.frames, nowMs).flatMap((frameId) => {
    const frame = run.frames.get(frameId);
    const awaited = frame === undefined ? undefined : awaitedOf(frame);
    if (awaited === undefined || frame === undefined || !('key' in frame.phase)) return [];
    return [{ kind: 'release' as const, frameId, key: frame.phase.key, awaited }];
  });
}

/** The calls that are out: after a recovery they must be made again, under the same keys. */
export function pendingInvocations(run: Run): InvokeEffect[] {
  const pending: InvokeEffect[] = [];
  for (const frame of run.frames.values()) {
    if (frame.phase.kind === 'task') pending.push(invocationOf(frame, frame.phase));
  }
  return pending;
}

/** Whether a frame can go on without the world; `started` and `done` count its children. */
export function canGoOn(frame: Frame, started: number, done: number): boolean {
  const { phase } = frame;
  if (phase.kind === 'enter') return true;
  return phase.kind === 'children' && started < phase.total && started - done < phase.limit;
}

/** A run as its owner sees it. */
interface OwnRun extends Run {
  readonly frames: Map<number, Frame>;
  readonly ready: Set<number>;
  readonly families: Map<number, Family>;
}

function place(run: OwnRun, frame: Frame): void {
  assertKnownFormat(frame);
  const before = run.frames.get(frame.id);
  run.frames.set(frame.id, frame);
  if (frame.parent !== null) {
    const family = familyOf(run, frame.parent);
    family.ids.add(frame.id);
    family.done += doneCount(frame) - doneCount(before);
  }
  if (before === undefined || dueAtMs(before) !== dueAtMs(frame)) pushTimer(run.timers, run.frames, frame);
}

function forget(run: OwnRun, id: number): void {
  const frame = run.frames.get(id);
  if (frame === undefined) return;
  run.frames.delete(id);
  run.ready.delete(id);
  run.families.delete(id);
  const family = frame.parent === null ? undefined : run.families.get(frame.parent);
  if (family?.ids.delete(id)) family.done -= doneCount(frame);
}

/** Whoever went on last goes to the end, so that every frame has its turn. */
function refreshReady(run: OwnRun, id: number): void {
  run.ready.delete(id);
  const frame = run.frames.get(id);
  if (frame === undefined) return;
  const family = run.families.get(id);
  if (canGoOn(frame, family?.ids.size ?? 0, family?.done ?? 0)) run.ready.add(id);
}

function familyOf(run: OwnRun, id: number): Family {
  let family = run.families.get(id);
  if (family === undefined) {
    family = { ids: new Set(), done: 0 };
    run.families.set(id, family);
  }
  return family;
}

function doneCount(frame: Frame | undefined): number {
  return frame?.phase.kind === 'done' ? 1 : 0;
}

function readSnapshot(text: string): FrameDelta {
  const whole: unknown = JSON.parse(text);
  if (typeof whole !== 'object' || whole === null || !('meta' in whole) || !('changed' in whole)) {
    throw new Error('a snapshot without meta or frames');
  }
  return whole as FrameDelta;
}
