/**
 * The machine: a pure function from a run and a happening to what changes.
 *
 * 1. `step` changes nothing that it is given, and asks for no time, chance or answer but what comes as an
 *    argument: the same run, happening, time and entropy give the same step.
 * 2. A step goes on until every frame waits, but for at most `MAX_TRANSITIONS` transitions or about
 *    `MAX_STEP_BYTES` of data; then it says `more`, and wants a `tick`. So an endless loop neither hangs
 *    the process nor fills a checkpoint.
 * 3. Frames take turns, one transition each, so that none starves in a step or between steps.
 * 4. A happening for a frame or a call that is no more, or for a run that has ended, changes nothing.
 */
import type { Json } from '../std/json.js';
import type { Maybe } from '../std/maybe.js';
import {
  addFrame,
  beginDraft,
  type Draft,
  endRun,
  frameOf,
  HistoryFull,
  isReady,
  recordAside,
  settleDraft,
  touch,
} from './draft.js';
import type { Effect } from './effects.js';
import type { HistoryEvent } from './events.js';
import type { Failure } from './outcome.js';
import type { FrameDelta, SignalData } from './ports.js';
import { redrive } from './redrive.js';
import { mergeAllDeltas, pendingInvocations, type Run } from './run.js';
import type { Interruption } from './states/task.js';
import { dueFrames } from './timers.js';
import { fireTimer, goOn, interruptCall, takeSignal, takeTaskOutcome } from './transition.js';

/** What has happened in the world. */
export type Happening =
  | { kind: 'start' }
  /** Time has passed, or the last step said `more`. */
  | { kind: 'tick' }
  | { kind: 'taskSucceeded'; frameId: number; key: string; output: Json }
  | { kind: 'taskFailed'; frameId: number; key: string; error?: string; cause?: string }
  /** The task is alive: its HeartbeatSeconds start anew. */
  | { kind: 'heartbeat'; frameId: number; key: string }
  | FromOutside;

/** A signal of the inbox, as it happens. */
export type FromOutside = { [K in Folded]: { kind: K } & SignalData[K] }[Folded];

/** The others are for the activation. */
type Folded = Exclude<keyof SignalData, 'pause' | 'resume'>;

export interface Step {
  history: HistoryEvent[];
  /** What changed. Give it to the journal, and to `applyDelta` before the next step. */
  delta: FrameDelta;
  effects: Effect[];
  /** There is more to do at once: step again with a `tick`. */
  more: boolean;
}

/** A transition costs some microseconds: a step keeps the process to itself for some tens of milliseconds at most. */
export const MAX_TRANSITIONS = 1000;

/** A checkpoint is one row, and is held in memory while it is flushed: some megabytes, not hundreds. */
const MAX_STEP_BYTES = 8 * 1024 * 1024;

/**
 * What follows from a happening. `nowMs`: ms since the epoch, the timestamp of every event of the step.
 * Asynchronous, since expressions of JSONata are; it awaits nothing of the world.
 */
export async function step(run: Run, happening: Happening, nowMs: number): Promise<Step> {
  const draft = beginDraft(run, nowMs);
  // What has ended hears of nothing but a redrive, which nothing else hears of.
  if ((run.meta.ended !== undefined) !== (happening.kind === 'redrive')) return settleDraft(draft, false);
  // It is not committed, so nothing may follow from it: what is due, or ready, is the next tick's.
  if (happening.kind === 'heartbeat') {
    beat(draft, happening.frameId, happening.key);
    return settleDraft(draft, false);
  }
  const more = await goOnUnlessFull(draft, happening);
  return settleDraft(draft, more && draft.meta.ended === undefined);
}

/**
 * Steps as one, for one commit, at the cost of all of them together. A call that one wanted and a later
 * one took back is neither made nor cancelled: it was never made.
 */
export function mergeAllSteps(first: Step, others: readonly Step[]): Step {
  const steps = [first, ...others];
  const { more, delta } = others.at(-1) ?? first;
  const wanted = new Set<string>();
  const takenBack = new Set<string>();
  const effects = steps
    .flatMap((step) => step.effects)
    .filter((effect) => {
      if (effect.kind === 'invoke') wanted.add(effect.key);
      if ((effect.kind !== 'cancel' && effect.kind !== 'release') || !wanted.has(effect.key)) return true;
      takenBack.add(effect.key);
      return false;
    });
  return {
    history: steps.flatMap((step) => step.history),
    delta: mergeAllDeltas(
      delta.meta,
      steps.map((step) => step.delta),
    ),
    effects: effects.filter((effect) => effect.kind !== 'invoke' || !takenBack.has(effect.key)),
    more,
  };
}

/** Whether there is nothing to commit. */
export function isEmpty(step: Step): boolean {
  return (
    step.history.length === 0 &&
    step.effects.length === 0 &&
    step.delta.changed.length === 0 &&
    step.delta.dropped.length === 0
  );
}

function take(draft: Draft, happening: Happening): Maybe<void> {
  const { deadlineMs } = draft.meta;
  const begun = draft.run.frames.size > 0;
  if (happening.kind !== 'start' && happening.kind !== 'stop' && !begun) {
    throw new Error(`a ${happening.kind} before the start`);
  }
  if (happening.kind === 'start') start(draft);
  else if (happening.kind === 'stop') {
    // Stopped before it was first taken up: it has started, and entered nothing.
    if (!begun) start(draft);
    stop(draft, happening);
  } else if (happening.kind === 'redrive') redrive(draft, happening);
  else if (deadlineMs !== undefined && draft.nowMs >= deadlineMs) timeOut(draft);
  else if (happening.kind === 'taskSucceeded')
    return takeTaskOutcome(draft, happening, { ok: true, output: happening.output });
  else if (happening.kind === 'taskFailed')
    return takeTaskOutcome(draft, happening, { ok: false, ...failureIn(happening) });
  else if (happening.kind === 'tokenHeartbeat') beat(draft, happening.frameId, happening.key);
  else if (happening.kind === 'interrupted') return interruptCalls(draft, happening);
  else if (happening.kind !== 'tick' && happening.kind !== 'heartbeat') return takeSignal(draft, happening);
}

async function goOnUnlessFull(draft: Draft, happening: Happening): Promise<boolean> {
  try {
    const taking = take(draft, happening);
    if (taking instanceof Promise) await taking;
    return await goOnWithAll(draft, happening.kind === 'tick');
  } catch (error) {
    if (!(error instanceof HistoryFull)) throw error;
    const cause = `The execution reached the maximum number of history events (${String(draft.meta.nextEventId)}).`;
    const failure = { error: 'States.Runtime', cause };
    recordAside(draft, draft.meta.nextEventId - 1, 'ExecutionFailed', failure);
    endRun(draft, 'FAILED', failure);
    // There is no room for a redrive.
    draft.left = undefined;
    return false;
  }
}

/**
 * Fires what is due, then lets every ready frame go on in turn. Only a tick fires: what comes in together with an
 * answer may be the answer that another frame waits for, and it came in time.
 * @returns whether it had to leave something.
 */
async function goOnWithAll(draft: Draft, fires: boolean): Promise<boolean> {
  let left = MAX_TRANSITIONS;
  const { run, queue } = draft;
  for (const id of fires ? dueFrames(run.timers, run.frames, draft.nowMs) : []) {
    if (draft.meta.ended !== undefined) return false;
    // What this step has touched already has just been given its time.
    if (draft.changed.has(id) || draft.dropped.has(id)) continue;
    if (left-- <= 0) return true;
    const going = fireTimer(draft, id);
    if (going instanceof Promise) left -= await counted(going);
  }
  for (const id of readyFrames(run.ready, queue)) {
    if (draft.meta.ended !== undefined) return false;
    const frame = frameOf(draft, id);
    if (frame === undefined || !isReady(draft, frame)) continue;
    if (left-- <= 0 || draft.bytes > MAX_STEP_BYTES) return true;
    const going = goOn(draft, id);
    if (going instanceof Promise) left -= await counted(going);
    const after = frameOf(draft, id);
    if (after?.phase.kind === 'children' && isReady(draft, after)) queue.push(id);
  }
  return false;
}

/** A transition with expressions takes as long as some others. */
async function counted(going: Promise<void>): Promise<number> {
  await going;
  return 9;
}

/** Those that waited for their turn before this step, then those that became ready in it. */
function* readyFrames(before: Iterable<number>, queue: readonly number[]): Generator<number> {
  yield* before;
  for (let at = 0; at < queue.length; at += 1) {
    const id = queue[at];
    if (id !== undefined) yield id;
  }
}

function start(draft: Draft): void {
  const { about, machine, frames } = draft.run;
  if (frames.size > 0) return;
  if (machine.timeoutSeconds !== undefined)
    draft.meta.deadlineMs = about.startTimeMs + machine.timeoutSeconds * 1000;
  const roleArn = about.roleArn === undefined ? {} : { roleArn: about.roleArn };
  recordAside(draft, 0, 'ExecutionStarted', { input: about.input, ...roleArn });
  addFrame(draft, {
    parent: null,
    index: 0,
    path: [],
    state: machine.startAt,
    input: about.input,
    lastEventId: 0,
  });
}

function stop(draft: Draft, { error, cause }: { error?: string; cause?: string }): void {
  const why = { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
  recordAside(draft, 0, 'ExecutionAborted', why);
  endRun(draft, 'ABORTED', why);
}

/** The machine's TimeoutSeconds are over: the history says why, the execution only that. */
function timeOut(draft: Draft): void {
  recordAside(draft, 0, 'ExecutionTimedOut', { error: 'States.Timeout' });
  endRun(draft, 'TIMED_OUT', {});
}

/** In turn, since each may change what is around it. */
async function interruptCalls(draft: Draft, how: Interruption): Promise<void> {
  for (const { frameId } of pendingInvocations(draft.run)) {
    if (draft.meta.ended !== undefined) return;
    await interruptCall(draft, frameId, how);
  }
}

function failureIn({ error, cause }: { error?: string; cause?: string }): Failure {
  return { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
}

function beat(draft: Draft, id: number, key: string): void {
  const phase = frameOf(draft, id)?.phase;
  if (phase?.kind !== 'task' && phase?.kind !== 'awaiting') return;
  if (phase.key !== key || phase.heartbeatMs === undefined) return;
  // An activity's heartbeat begins with its lease.
  if (phase.kind === 'awaiting' && phase.awaited.kind === 'lease') return;
  touch(draft, id).phase = { ...phase, heartbeatAtMs: draft.nowMs + phase.heartbeatMs };
}
