import type { Json } from '../std/json.js';

/**
 * A frame is one thread of an execution: the root, a branch of a Parallel, an iteration of a Map. It is
 * in one state and one phase. Frames are data: never changed in place, written whole into the journal
 * when they change, and read back by versions of this code yet to come (hence `v`).
 */
export interface Frame {
  v: 1;
  /** Unique in the execution; the root is 0. */
  id: number;
  /** The frame whose Parallel or Map state this one belongs to. */
  parent: number | null;
  /** Which branch or iteration of the parent. */
  index: number;
  /** Where its states are: the Parallel and Map states from the root down, with the branch of each (0 for a Map). */
  path: readonly (readonly [stateName: string, branch: number])[];
  state: string;
  phase: Phase;
  /** The state's raw input. */
  input: Json;
  enteredAtMs: number;
  enteredEventId: number;
  /** What the next event of this frame points to. */
  lastEventId: number;
  /** Retries used so far, by retrier of the state. */
  retries: readonly number[];
  /** The value of the Map item (`$$.Map.Item.Value`) when the frame is an iteration. */
  item?: Json;
}

export type Phase =
  /** To be entered. */
  | { kind: 'enter' }
  /** A task is being called. */
  | { kind: 'task'; key: string; functionName: string; input: Json; timeoutAtMs?: number }
  /** A Wait state, until then. */
  | { kind: 'waiting'; untilMs: number }
  /** A Retry's pause, until then. */
  | { kind: 'retrying'; untilMs: number }
  /** A Parallel or Map with running children. `started`: how many have been; `total`: how many there will be. */
  | { kind: 'children'; started: number; total: number; items?: readonly Json[] }
  /** A child that has ended; it waits for its siblings. */
  | { kind: 'done'; output: Json };

/** What an execution has besides frames. */
export interface RunMeta {
  nextEventId: number;
  nextFrameId: number;
  /** How many inbox signals have been folded in. */
  inboxSeq: number;
  /** When the machine's TimeoutSeconds runs out, ms since the epoch. */
  deadlineMs?: number;
}
