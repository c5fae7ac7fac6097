/**
 * The whole boundary between the pure machine and the world. The engine calls nothing that is not here.
 *
 * 1. What is decided is committed before it is acted on: `Journal.append` resolves only when the
 *    checkpoint is in PostgreSQL, and only then are its effects carried out.
 * 2. A port that learns that this process no longer owns the execution throws `LostOwnership`; the
 *    activation then drops everything it holds in memory, silently: its successor has the journal.
 */
import type { Json } from '../std/json.js';
import type { Effect } from './effects.js';
import type { Frame, RunMeta } from './frame.js';
import type { HistoryEvent } from './events.js';

/** One row of the journal: what happened since the last checkpoint. */
export interface Checkpoint {
  executionId: string;
  seq: number;
  epoch: number;
  events: readonly HistoryEvent[];
  /** Changed frames, whole; the ids of those that are gone; the run's own counters. */
  delta: FrameDelta;
  /** The root frame's state, for who lists executions. */
  currentState: string | undefined;
}

/** What a fold applies to the frames it has: later rows win. */
export interface FrameDelta {
  meta: RunMeta;
  changed: readonly Frame[];
  dropped: readonly number[];
}

/** How an execution stands when an activation leaves it. */
export type Leave =
  | { kind: 'parked'; wakeAtMs: number | undefined; inboxSeq: number; snapshot: string | undefined; snapshotSeq: number }
  | { kind: 'ended'; status: EndStatus; output?: Json; error?: string; cause?: string; endTimeMs: number };

export type EndStatus = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface Journal {
  /** Commits a checkpoint, with the park or the end that comes with it. Resolves once it is durable. */
  append(checkpoint: Checkpoint | undefined, leave?: LeaveRequest): Promise<LeaveAnswer>;
}

export interface LeaveRequest {
  executionId: string;
  epoch: number;
  currentState: string | undefined;
  leave: Leave;
}

/** `woken`: a signal came in between the last look into the inbox and the park, so it is runnable again. */
export interface LeaveAnswer {
  woken: boolean;
}

/** How a call of a task went. */
export type TaskOutcome = { ok: true; output: Json } | { ok: false; error: string; cause: string };

export interface Tasks {
  /** Runs what an `invoke` effect asks for. Never throws: what goes wrong is an outcome. */
  invoke(effect: Extract<Effect, { kind: 'invoke' }>, about: ExecutionAbout, signal: AbortSignal): Promise<TaskOutcome>;
}

/** What a handler may know of its execution. */
export interface ExecutionAbout {
  executionId: string;
  executionName: string;
  stateMachineId: string;
}

export interface Clock {
  /** Milliseconds since the epoch, by the database's clock. */
  now(): number;
}

export interface Entropy {
  /** A number in [0, 1), for jitter and `States.MathRandom`. */
  random(): number;
  /** A version 4 UUID. */
  uuid(): string;
}

/** This process no longer owns the execution; what it holds of it in memory is worth nothing. */
export class LostOwnership extends Error {
  override readonly name = 'LostOwnership';
}
