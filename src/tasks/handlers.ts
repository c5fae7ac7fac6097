import type { Json } from '../std/json.js';

/** What a handler gets besides its input. */
export interface HandlerContext {
  executionId: string;
  executionName: string;
  stateMachineId: string;
  stateName: string;
  /** 0 for the first attempt, then one more for each retry of the state. */
  attempt: number;
  /**
   * The same however often this very attempt is called: a worker that dies in the middle of a call is
   * followed by another that calls again. Store it with what you do, and nothing is done twice.
   */
  idempotencyKey: string;
  /** Fires when nobody waits for the result any more: timeout, stop, a failed sibling, the end of a shutdown's grace. */
  signal: AbortSignal;
  /** Says that the work goes on: the state's HeartbeatSeconds start anew. */
  heartbeat: () => void;
  /** What the state's Credentials say; undefined: it has none. */
  credentials: Json | undefined;
  /** When the attempt times out, ms since the epoch; undefined: never. */
  timeoutAtMs: number | undefined;
  log: HandlerLog;
}

export interface HandlerLog {
  debug(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
}

/**
 * A task's code. What it returns is the task's result (undefined counts as null); what it throws fails
 * the state, the error's name being the ASL error name that Retry and Catch look at.
 */
// biome-ignore lint/suspicious/noExplicitAny: a handler says itself what its input looks like; nothing here can know.
export type Handler = (input: any, context: HandlerContext) => unknown;

/** A handler that says where it runs, and for how long. */
export interface HandlerSettings {
  handler: Handler;
  /**
   * `thread`: in a worker thread, which is ended when the handler does not end by itself, and is all that goes when it
   * runs out of memory or exits. `none`: in the worker's own thread. Absent: as HANDLERS_ISOLATION says.
   */
  isolation?: Isolation;
  /** A call that takes longer, in ms, fails with States.Timeout. Absent: as long as its state may take. */
  timeoutMs?: number;
}

export type Isolation = 'thread' | 'none';

export type Handlers = Readonly<Record<string, Handler | HandlerSettings>>;

/**
 * Names the functions that Task states may call. It changes nothing; it is there for the types.
 *
 * @example
 * export default defineHandlers({
 *   async chargeCard(order: { total: number }, { idempotencyKey }) { … return { paid: true }; },
 *   resize: { isolation: 'thread', timeoutMs: 60_000, handler(image: { url: string }) { … } },
 * });
 */
export function defineHandlers<T extends Handlers>(handlers: T): T {
  return handlers;
}

/** What is said of a handler, whichever way it is given. */
export function settingsOf(given: Handler | HandlerSettings): HandlerSettings {
  return typeof given === 'function' ? { handler: given } : given;
}
