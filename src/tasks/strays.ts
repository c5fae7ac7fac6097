/**
 * Which call an error comes from that nobody caught: thrown in a timer that a handler has set, or the reason of a promise
 * that it did not await. Node.js tells only that there is one, and ends the process; whoever knows the call can fail that
 * one, and leave its neighbours alone.
 *
 * The asynchronous context of a handler goes with everything that it starts. It is left behind where Node.js does so: a
 * callback that is queued with `queueMicrotask` has none.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** A call of a handler, or the loading of the handlers module. */
export interface Source {
  /** What a log line says of it. */
  about: object;
  /** Of a call in a handler thread. */
  callId?: number | undefined;
  /** Fails the call; when it has ended, it does nothing. Absent: there is no call. */
  fail?: (error: unknown) => void;
}

const sources = new AsyncLocalStorage<Source>();

/** Runs something whose stray errors are the source's. */
export function runFrom<T>(source: Source, run: () => T): T {
  return sources.run(source, run);
}

/** Whom the running code belongs to: in a listener for `uncaughtException` or `unhandledRejection`, where the error comes from. */
export function strayFrom(): Source | undefined {
  return sources.getStore();
}

/** A function that runs as the running code's source, wherever it is called: listeners that a handler registers are its own. */
export function ownedHere<T extends () => void>(listener: T): () => void {
  return AsyncLocalStorage.bind(listener);
}
