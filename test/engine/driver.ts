/**
 * Runs a machine in memory: a virtual clock, handlers as plain functions, and a journal of texts, as the
 * database would keep them. It can crash at any commit: then all that is left is the journal.
 */
import { compileMachine, parseDefinition, validateDefinition } from '../../src/asl/index.js';
import {
  type About,
  applyDelta,
  type Effect,
  type FrameDelta,
  fold,
  type Happening,
  type HistoryEvent,
  type HttpRequestCall,
  type InvokeEffect,
  isEmpty,
  isEnded,
  newRun,
  nextWakeAt,
  pendingInvocations,
  type ReleaseEffect,
  type Run,
  snapshotOf,
  step,
} from '../../src/engine/index.js';
import type { Json } from '../../src/std/json.js';
import { createWorld } from './world.js';

/** What a handler answers, and how long it takes; and what comes of the token that it was given, counted from the answer. */
export type Answer = (
  | { output: Json; afterMs?: number }
  | { error?: string; cause?: string; afterMs?: number }
) & { callback?: Answer };
export type Handler = (input: Json, call: InvokeEffect) => Answer;

/** What a crash loses: the checkpoint that was on its way, or only what should have followed it. */
export type Crash = 'beforeCommit' | 'afterCommit' | undefined;

export interface Script {
  definition: Json;
  input?: Json;
  handlers?: Record<string, Handler>;
  about?: Partial<About>;
  /** Other machines, by their ids. */
  machines?: Record<string, Json>;
  /** Who takes the tasks of activities, by ARN; those without an entry do not exist. */
  activities?: Record<string, ActivityWorker | 'nobody'>;
  /** What answers HTTP tasks. */
  http?: (call: HttpRequestCall) => Answer;
  /** What is sent for Message states, at a time counted from the start. */
  messages?: { atMs: number; key: string; value: string; data: Json }[];
  /** Absent: always the same one. */
  uuid?: () => string;
  /** Asked at every commit, counted from 0. */
  crash?: (commit: number) => Crash;
  /** What comes from outside, at a time counted from the start. */
  signals?: { atMs: number; happening: Happening }[];
  /** Redrive it so often, a minute after each end that is no success. */
  redrives?: number;
  /** Write a snapshot after this many commits, and forget what it holds. */
  snapshotEvery?: number;
}

/** Takes a task at once, and does its steps one after another. */
export interface ActivityWorker {
  name?: string;
  steps: (input: Json) => WorkerStep[];
}

export type WorkerStep =
  | { do: 'wait'; ms: number }
  | { do: 'heartbeat' }
  | { do: 'succeed'; output: Json }
  | { do: 'fail'; error?: string; cause?: string };

export interface Played {
  run: Run;
  executionId: string;
  history: HistoryEvent[];
  end: Extract<Effect, { kind: 'end' }> | undefined;
  /** Every call that was made, also those that a crash made twice. */
  calls: InvokeEffect[];
  cancelled: string[];
  released: ReleaseEffect[];
  commits: number;
  elapsedMs: number;
  /** The largest number of events and the largest text of frames in one commit. */
  largest: { events: number; frames: number };
}

export const START_MS = Date.parse('2026-11-23T12:00:00.000Z');

export function compile(definition: Json): ReturnType<typeof compileMachine> {
  const parsed = parseDefinition(definition);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.diagnostics));
  const errors = validateDefinition(parsed.definition).filter(({ severity }) => severity === 'ERROR');
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  return compileMachine(parsed.definition);
}

/** Plays an execution until it ends, or until nothing but the world could move it. */
export async function play(script: Script): Promise<Played> {
  const machine = compile(script.definition);
  const about: About = {
    executionId: 'execution-1',
    executionName: 'execution',
    stateMachineId: 'machine-1',
    stateMachineName: 'machine',
    input: script.input ?? {},
    startTimeMs: START_MS,
    ...script.about,
  };
  // Chance is the same however often a step is taken again, so that a run with crashes can be compared.
  const entropy = {
    random: () => 0.5,
    uuid: script.uuid ?? (() => '00000000-0000-4000-8000-000000000000'),
  };
  const fresh = (): Run => newRun(about, machine, entropy);

  let run = fresh();
  let snapshot: string | undefined;
  let journal: string[] = [];
  let nowMs = START_MS;
  const underWay = new Map<string, { atMs: number; happening: Happening }>();
  const signals = (script.signals ?? []).map(({ atMs, happening }) => ({ atMs: START_MS + atMs, happening }));
  const played: Played = {
    run,
    executionId: about.executionId,
    history: [],
    end: undefined,
    calls: [],
    cancelled: [],
    released: [],
    commits: 0,
    elapsedMs: 0,
    largest: { events: 0, frames: 0 },
  };

  const world = createWorld(script, {
    now: () => nowMs,
    startMs: START_MS,
    send: (atMs, happening) => {
      const at = signals.findIndex((signal) => signal.atMs > atMs);
      signals.splice(at === -1 ? signals.length : at, 0, { atMs, happening });
    },
    play: (child) => play(child),
    machine,
    entropy,
  });
  const call = async (effect: InvokeEffect): Promise<void> => {
    played.calls.push(effect);
    const answer = await world.answer(effect);
    const { frameId, key } = effect;
    const { afterMs = 0 } = answer;
    underWay.set(key, { atMs: nowMs + afterMs, happening: happeningOf(answer, frameId, key) });
  };

  /** Asked of what is durable, so that a crash neither loses nor doubles one. */
  const redrive = (): Happening | undefined => {
    const { ended, redriveCount = 0 } = run.meta;
    if (ended === 'SUCCEEDED' || redriveCount >= (script.redrives ?? 0)) return undefined;
    nowMs += 60_000;
    return { kind: 'redrive', redriveCount: redriveCount + 1 };
  };

  let happening: Happening | undefined = { kind: 'start' };
  while (happening !== undefined) {
    const taken: Happening = happening;
    const result = await step(run, taken, nowMs);
    happening = undefined;
    if (!isEmpty(result)) {
      const crash = script.crash?.(played.commits);
      played.commits += 1;
      const frames = JSON.stringify(result.delta);
      if (crash !== 'beforeCommit') {
        journal.push(frames);
        for (const event of result.history) played.history.push(parsedAgain(event));
        played.largest.events = Math.max(played.largest.events, result.history.length);
        played.largest.frames = Math.max(played.largest.frames, frames.length);
      }
      if (crash !== undefined) {
        // A new process: it has the journal and nothing else. Signals are in the inbox still.
        underWay.clear();
        run = fold(fresh(), snapshot, journal.map(readDelta));
        if (crash === 'beforeCommit' && isFromOutside(taken))
          signals.unshift({ atMs: nowMs, happening: taken });
        for (const effect of pendingInvocations(run)) await call(effect);
        happening = run.frames.size === 0 ? { kind: 'start' } : isEnded(run) ? redrive() : { kind: 'tick' };
        if (isEnded(run)) played.end = endIn(result.effects);
        continue;
      }
      applyDelta(run, result.delta);
      if (script.snapshotEvery !== undefined && played.commits % script.snapshotEvery === 0) {
        snapshot = snapshotOf(run);
        journal = [];
      }
      for (const effect of result.effects) {
        if (effect.kind === 'end') played.end = effect;
        else if (effect.kind === 'invoke') await call(effect);
        else if (effect.kind === 'release') played.released.push(effect);
        else {
          played.cancelled.push(effect.key);
          underWay.delete(effect.key);
        }
      }
    }
    if (isEnded(run)) {
      happening = redrive();
      continue;
    }
    if (result.more) {
      happening = { kind: 'tick' };
      continue;
    }
    const next = earliest(underWay, signals, nextWakeAt(run));
    if (next === undefined) break;
    nowMs = Math.max(nowMs, next.atMs);
    happening = next.happening;
  }
  played.run = run;
  played.elapsedMs = nowMs - START_MS;
  return played;
}

type Coming = { atMs: number; happening: Happening };

/** Takes what comes next out of where it waits. At the same instant: answers, then signals, then timers. */
function earliest(
  underWay: Map<string, Coming>,
  signals: Coming[],
  wakeAtMs: number | undefined,
): Coming | undefined {
  let next: Coming | undefined;
  let take = (): void => {};
  for (const [key, coming] of underWay) {
    if (next !== undefined && next.atMs <= coming.atMs) continue;
    next = coming;
    take = () => underWay.delete(key);
  }
  const signal = signals[0];
  if (signal !== undefined && (next === undefined || signal.atMs < next.atMs)) {
    next = signal;
    take = () => signals.shift();
  }
  if (wakeAtMs !== undefined && (next === undefined || wakeAtMs < next.atMs)) {
    next = { atMs: wakeAtMs, happening: { kind: 'tick' } };
    take = () => {};
  }
  take();
  return next;
}

function happeningOf(answer: Answer, frameId: number, key: string): Happening {
  if ('output' in answer) return { kind: 'taskSucceeded', frameId, key, output: answer.output };
  const { error, cause } = answer;
  return {
    kind: 'taskFailed',
    frameId,
    key,
    ...(error !== undefined && { error }),
    ...(cause !== undefined && { cause }),
  };
}

/** What a crash leaves in the inbox. */
function isFromOutside({ kind }: Happening): boolean {
  return !['start', 'tick', 'taskSucceeded', 'taskFailed', 'heartbeat', 'redrive'].includes(kind);
}

function endIn(effects: readonly Effect[]): Played['end'] {
  return effects.find((effect) => effect.kind === 'end');
}

function readDelta(text: string): FrameDelta {
  return JSON.parse(text) as FrameDelta;
}

/** Only what survives as text is in a history. */
function parsedAgain(event: HistoryEvent): HistoryEvent {
  return JSON.parse(JSON.stringify(event)) as HistoryEvent;
}
