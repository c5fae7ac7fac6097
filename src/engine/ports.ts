/**
 * The whole boundary between the pure machine and the world. The engine calls nothing that is not here.
 *
 * 1. What is decided is committed before it is acted on: `Journal.append` resolves only when the
 *    checkpoint is in PostgreSQL, and only then are its effects carried out.
 * 2. `lost` means that this process no longer owns the execution; the activation then drops everything it
 *    holds in memory, silently: its successor has the journal.
 */
import type { Json } from '../std/json.js';
import type { InvokeEffect, ReleaseEffect } from './effects.js';
import type { Frame, RunMeta } from './frame.js';

/** One row of the journal: what happened since the last checkpoint. */
export interface Checkpoint {
  executionId: string;
  seq: number;
  epoch: number;
  firstEventId: number;
  eventCount: number;
  /** JSON text of the HistoryEvents. */
  events: string;
  /** JSON text of the FrameDelta: changed frames, whole; the ids of those that are gone; the run's counters. */
  frames: string;
  /** The root frame's state, for who lists executions. */
  currentState: string | undefined;
}

/** What a fold applies to the frames it has: later rows win. */
export interface FrameDelta {
  /**
   * Of an end that is no success: the frames as a redrive takes them up. First in the row's text, so that the store can
   * tell at a glance whether there are any.
   */
  left?: readonly Frame[];
  meta: RunMeta;
  changed: readonly Frame[];
  dropped: readonly number[];
}

/** How an execution stands when an activation leaves it. `inboxSeq`: how many of its signals are folded in. */
export type Leave =
  | {
      kind: 'parked';
      inboxSeq: number;
      wakeAtMs: number | undefined;
      snapshot: Snapshot | undefined;
      /** A call came back: what had killed its workers, if anything has, is not what runs now. */
      answered: boolean;
    }
  | {
      kind: 'ended';
      inboxSeq: number;
      status: EndStatus;
      output?: Json;
      error?: string;
      cause?: string;
      endTimeMs: number;
    };

/** All frames as of a checkpoint, so that older checkpoints need not be read again. */
interface Snapshot {
  seq: number;
  /** JSON text. */
  text: string;
}

export type EndStatus = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface Journal {
  /**
   * Commits a checkpoint, with the park or the end that comes with it; at least one of the two is given.
   * Resolves once it is durable.
   */
  append(checkpoint: Checkpoint | undefined, leave?: LeaveRequest): Promise<AppendAnswer>;
}

export interface LeaveRequest {
  executionId: string;
  epoch: number;
  currentState: string | undefined;
  leave: Leave;
}

/**
 * `woken`: it is committed, and a signal came in between the last look into the inbox and the park, so
 * the execution is runnable again. `lost`: nothing was committed, since another owns the execution.
 */
export type AppendAnswer = 'committed' | 'woken' | 'lost';

/**
 * How a call of a task went. `States.DataLimitExceeded` without a cause: what was returned is too large, and the engine says so in AWS's words.
 */
export type TaskOutcome = { ok: true; output: Json } | { ok: false; error?: string; cause?: string };

export interface Tasks {
  /** Runs what an `invoke` effect asks for. Never throws: what goes wrong is an outcome. */
  invoke(effect: InvokeEffect, about: ExecutionAbout, call: TaskCall): Promise<TaskOutcome>;
  /** Does what a `release` effect asks for, as well as it can: whoever answers later is refused or ignored. Never throws. */
  release(effect: ReleaseEffect, about: ExecutionAbout): Promise<void>;
  /**
   * Takes back what a frame waits for, right before it times out: from then on nobody can answer it. Absent: nobody
   * answers from outside.
   * @param inboxSeq how far the inbox has been read.
   * @returns false when more has come in, which may be the answer: it is to be read first, and nothing was taken back.
   * @throws what the database throws.
   */
  withdraw?(effect: ReleaseEffect, about: ExecutionAbout, inboxSeq: number): Promise<boolean>;
}

export interface TaskCall {
  /** Fires when nobody waits for the outcome any more. */
  signal: AbortSignal;
  /** Says that the task is alive: its HeartbeatSeconds start anew. */
  heartbeat: () => void;
}

/** What a handler may know of its execution. */
export interface ExecutionAbout {
  executionId: string;
  executionName: string;
  stateMachineId: string;
  /** Of the machine. */
  version: number;
  /** Where its children wait for a worker. */
  queue: string;
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
  /** Resolves after the event loop has had a turn. Awaited after expressions that may have taken long. */
  pause?(): Promise<void>;
}

/** What has come from outside for an execution, in order. */
export type InboxSignal = { seq: number } & Signal;

type Signal = { [K in keyof SignalData]: { kind: K; data: SignalData[K] } }[keyof SignalData];

/** What each kind of signal says. Those for a frame that waits no more, or for another call, say nothing. */
export interface SignalData {
  stop: { error?: string; cause?: string };
  /** It has ended without success, and is taken up again. `redriveCount`: from 1. */
  redrive: { redriveCount: number };
  /** Its worker died: what is to become of the states whose functions were being called. `output`: absent, the state's input. */
  interrupted: { strategy: 'skip'; output?: Json } | { strategy: 'fail' };
  /** Make no more calls, and hand back when those under way have ended. The activation's; the machine knows no pause. */
  pause: Record<string, never>;
  resume: Record<string, never>;
  /** An activity worker has taken the task. */
  taskLeased: ForFrame & { workerName?: string };
  tokenSucceeded: ForFrame & { output: Json };
  tokenFailed: ForFrame & { error?: string; cause?: string };
  tokenHeartbeat: ForFrame;
  childEnded: ForFrame & { child: EndedExecution };
  message: ForFrame & { data: Json };
  mapRunEnded: ForFrame & { run: EndedMapRun };
}

/** With the execution's id: where an answer goes. */
export interface ForFrame {
  frameId: number;
  key: string;
}

/** A child as DescribeExecution tells it. Input and output are JSON texts. */
export interface EndedExecution {
  executionArn: string;
  name: string;
  stateMachineArn: string;
  status: EndStatus;
  input: string;
  output?: string;
  error?: string;
  cause?: string;
  startTimeMs: number;
  stopTimeMs: number;
}

/** A map run that is over. `failed` counts neither `timedOut` nor `aborted`. */
export interface EndedMapRun {
  status: 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  error?: string;
  cause?: string;
  total: number;
  succeeded: number;
  failed: number;
  timedOut: number;
  aborted: number;
}

export interface Inbox {
  /** The signals of an execution after `seq`, in order. */
  read(executionId: string, seq: number): Promise<InboxSignal[]>;
}
