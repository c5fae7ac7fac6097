/** What a worker and its handler threads say to each other. */
import type { TaskOutcome } from '../../engine/index.js';
import type { Json } from '../../std/json.js';
import type { HandlerContext } from '../handlers.js';

/** What a handler is told of its call as data. */
export type Told = Omit<HandlerContext, 'signal' | 'heartbeat' | 'log'>;

export type ToThread =
  | { kind: 'call'; id: number; functionName: string; input: Json; told: Told }
  | { kind: 'abort'; id: number; reason: string };

export type FromThread =
  /** The handlers module is loaded. */
  | { kind: 'ready' }
  /** The call is being made: nothing that was left behind keeps the thread from it. */
  | { kind: 'begun'; id: number }
  /** `isFull`: it has left the thread more than it may hold, if only to be collected; what comes next is not to pay for it. */
  | { kind: 'ended'; id: number; outcome: TaskOutcome; isFull: boolean }
  | { kind: 'heartbeat'; id: number }
  | { kind: 'log'; id: number; level: LogLevel; fields: object; message: string | undefined }
  /** An error that nobody caught, of a call that has ended or of none: for the log. */
  | { kind: 'stray'; about: object; fields: object }
  /** The thread is about to end: by `process.exit`, of which call if it is known, or with more memory than it may have. */
  | { kind: 'ending'; why: 'exit'; id: number | undefined; code: number }
  | { kind: 'ending'; why: 'memory' };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What a thread is started with. */
export interface ThreadData {
  /** The handlers module's path. */
  module: string;
  memoryMb: number;
  /** How many messages are on their way to the worker: one Int32. */
  backlog: SharedArrayBuffer;
}

/** A thread waits before it has more messages than this on their way: a handler that logs without end does not fill its worker's memory. */
export const BACKLOG_MAX = 1_000;
