import type { Json, JsonObject } from '../std/json.js';
import type { Awaited, BegunMapRun, Call, FunctionCall } from './effects.js';
import type { EndedMapRun, EndStatus, TaskOutcome } from './ports.js';

/**
 * A frame is one thread of an execution: the root, a branch of a Parallel, an iteration of a Map. It is
 * in one state and one phase. Frames are data: never changed once a step has returned them, written whole
 * into the journal when they change, and read back by versions of this code yet to come (hence `v`).
 */
export interface Frame {
  v: 1;
  /** Unique in the execution, and never used again; the root is 0. */
  id: number;
  /** The frame whose Parallel or Map state this one belongs to. */
  parent: number | null;
  /** Which branch or iteration of the parent. */
  index: number;
  /** Where its states are: the Parallel and Map states from the root down, with the branch of each (0 for a Map). */
  path: readonly (readonly [stateName: string, branch: number])[];
  state: string;
  phase: Phase;
  /** The state's raw input; null once the frame is done. */
  input: Json;
  /** When and by which event the state was entered; 0 before that. */
  enteredAtMs: number;
  enteredEventId: number;
  /** What the next event of this frame points to. */
  lastEventId: number;
  /** Retries used so far in this state, by retrier. */
  retries: readonly number[];
  /** The variables of the frame's own scope; those of the frames around it can be read, too. Absent: none yet. */
  variables?: JsonObject;
  /** Of a distributed Map: its last map run that has begun. */
  mapRun?: BegunMapRun;
}

export type Phase =
  /** To be entered. */
  | { kind: 'enter' }
  /** The world is being called. */
  | TaskPhase
  /** The world has been called, and will speak when it has something to say. */
  | AwaitPhase
  /** A Wait state, until then. */
  | { kind: 'waiting'; untilMs: number }
  /** A Retry's pause, until then; or what a redrive takes up, `mapRun` instead of a new one. */
  | { kind: 'retrying'; untilMs: number; owed?: Owed; mapRun?: BegunMapRun }
  /** A Parallel or Map whose children run. */
  | ChildrenPhase
  /** A child that has ended; it waits for its siblings. The root: the execution has ended. */
  | { kind: 'done'; output: Json };

/** Of what is kept for a redrive: what the frame had going on in the world when its execution ended. */
export interface Owed {
  key: string;
  awaited: Awaited;
}

export interface TaskPhase extends TaskTimes {
  kind: 'task';
  key: string;
  call: StoredCall;
  /** `lambda:invoke` with `LogType: "Tail"`: the result has a LogResult. */
  tail?: boolean;
  /** A callback that was quicker than the call that handed out its token. */
  early?: TaskOutcome;
  /** How the map run has ended that the call starts, or whose results it gathers. */
  ended?: EndedMapRun;
}

/** A function's input that is the state's raw input need not be kept twice. */
export type StoredCall = Exclude<Call, FunctionCall> | (Omit<FunctionCall, 'input'> & { input?: Json });

export interface AwaitPhase extends TaskTimes {
  kind: 'awaiting';
  key: string;
  awaited: Awaited;
}

/** The times of an attempt: absent where there is no limit. ms, and ms since the epoch. */
interface TaskTimes {
  timeoutAtMs?: number;
  /** Of an activity's task that nobody has taken yet: its time has not begun. */
  timeoutMs?: number;
  heartbeatMs?: number;
  heartbeatAtMs?: number;
}

/**
 * How many children have started and ended is not written here but counted from their own frames, so that
 * a child's end costs its own frame and not its parent's.
 */
export interface ChildrenPhase {
  kind: 'children';
  total: number;
  /** How many may run at once. */
  limit: number;
  /** What the children's first event, or the first iterations' Started event, points to. */
  startedEventId: number;
  /** A Map's items; `$$.Map.Item.Value` of every iteration is read from here. */
  items?: readonly Json[];
}

/** What an execution has besides frames. */
export interface RunMeta {
  nextEventId: number;
  nextFrameId: number;
  /** How many inbox signals have been folded in. The activation counts; the engine only keeps it. */
  inboxSeq: number;
  /** When the machine's TimeoutSeconds runs out, ms since the epoch. */
  deadlineMs?: number;
  /** How many bytes the variables of all frames take as JSON text. Absent: there have been none. */
  variableBytes?: number;
  /** How often it has been redriven, and when last, ms since the epoch. Absent: never. */
  redriveCount?: number;
  redrivenAtMs?: number;
  /** How it ended; absent while it runs. */
  ended?: EndStatus;
}
