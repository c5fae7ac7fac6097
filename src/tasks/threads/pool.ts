/**
 * Calls handlers in worker threads, so that one can be ended without its neighbours.
 *
 * 1. A thread makes `callsPerThread` calls at a time, and is kept for the next ones. What finds no room waits here, in order.
 * 2. Whoever aborts a call, or the handler's own limit, fires its signal first. If it has not ended END_MS later, its
 *    thread is ended.
 * 3. When a thread goes, the call that is known to have ended it fails by name. Its neighbours are made again, in another
 *    thread and under the same key, as after the death of a worker. If it is not known whose fault it was, each of them is
 *    made again alone: who then takes its thread along fails.
 */
import type { TaskOutcome } from '../../engine/index.js';
import type { Json } from '../../std/json.js';
import { type Failure, timedOut } from '../failure.js';
import type { HandlerLog } from '../handlers.js';
import type { Told } from './protocol.js';
import { startThread, type Thread } from './thread.js';

export interface ThreadsOptions {
  /** The handlers module's path. */
  module: string;
  /** How many threads there are at most; each is started when it is first needed. */
  size: number;
  callsPerThread: number;
  /** What a thread may hold, in MiB. */
  memoryMb: number;
  /** Says of threads that have ended, and of errors that nobody caught. */
  log: { warn(fields: object, message: string): void; error(fields: object, message: string): void };
  /** The script that runs in a thread. */
  entry?: URL;
}

export interface ThreadCall {
  functionName: string;
  input: Json;
  told: Told;
  /** The handler's own limit, in ms from the moment in which it begins. */
  timeoutMs: number | undefined;
  signal: AbortSignal;
  heartbeat: () => void;
  log: () => HandlerLog;
}

export interface Threads {
  /** Makes a call as soon as there is room for it. Never throws. */
  call(call: ThreadCall): Promise<TaskOutcome>;
  /** Ends all threads, whatever they are doing. */
  close(): Promise<void>;
}

/** What a handler has to stop in by itself, once its signal has fired. */
const END_MS = 1_000;
/** A thread that is ready and does not begin a call for so long is kept by something that an earlier one left behind. */
const BEGIN_MS = 2_000;

interface Entry {
  id: number;
  call: ThreadCall;
  /** Whose fault a thread's end was is not known: this may be the one. */
  isAlone: boolean;
  hasBegun: boolean;
  member: Member | undefined;
  /** What it fails with when its thread is ended for its sake. */
  ends: TaskOutcome | undefined;
  timers: Set<NodeJS.Timeout>;
  onAbort: () => void;
  resolve: (outcome: TaskOutcome) => void;
}

/** A thread, and what it is doing. */
interface Member {
  thread: Thread;
  entries: Map<number, Entry>;
  isReady: boolean;
  /** It did not begin a call, and is ended for that. */
  isStuck: boolean;
  /** It is given nothing more, and ended when it has nothing left to do. */
  isFull: boolean;
}

export function createThreads(options: ThreadsOptions): Threads {
  const { module, size, callsPerThread, memoryMb, log } = options;
  const entry = options.entry ?? new URL('./entry.js', import.meta.url);
  const members = new Set<Member>();
  /** In the order in which they came; those that are made again come first. */
  let queue: Entry[] = [];
  let lastId = 0;
  let isClosed = false;
  /** Threads that are being ended, with nothing in them. */
  const retiring = new Set<Promise<void>>();

  return {
    call: (call) =>
      new Promise((resolve) => {
        lastId += 1;
        const made: Entry = {
          id: lastId,
          call,
          isAlone: false,
          hasBegun: false,
          member: undefined,
          ends: undefined,
          timers: new Set(),
          onAbort: () => cancel(made),
          resolve,
        };
        if (call.signal.aborted || isClosed) return resolve(ABORTED);
        call.signal.addEventListener('abort', made.onAbort, { once: true });
        queue.push(made);
        fill();
      }),
    close: async () => {
      isClosed = true;
      for (const waiting of queue.splice(0)) settle(waiting, ABORTED);
      await Promise.all([...[...members].map(({ thread }) => thread.end()), ...retiring]);
    },
  };

  /** Gives what waits to threads that have room. */
  function fill(): void {
    let isFull = isClosed;
    queue = queue.filter((waiting) => {
      const member = isFull ? undefined : roomFor(waiting);
      if (member !== undefined) assign(waiting, member);
      else isFull = true;
      return member === undefined;
    });
  }

  /** What is made again alone waits for an empty thread, and everything else for it: else one might never be empty. */
  function roomFor({ isAlone }: Entry): Member | undefined {
    let shared: Member | undefined;
    for (const member of members) {
      const { entries } = member;
      if (member.isFull) continue;
      if (entries.size === 0) return member;
      if (isAlone || entries.size >= callsPerThread || [...entries.values()].some((other) => other.isAlone))
        continue;
      shared ??= member;
    }
    return members.size < size ? start() : shared;
  }

  function assign(made: Entry, member: Member): void {
    const { id, call } = made;
    made.member = member;
    made.hasBegun = false;
    member.entries.set(id, made);
    member.thread.post({
      kind: 'call',
      id,
      functionName: call.functionName,
      input: call.input,
      told: call.told,
    });
    if (member.isReady) expectBegin(made, member);
  }

  function start(): Member {
    const member: Member = {
      entries: new Map(),
      isReady: false,
      isStuck: false,
      isFull: false,
      thread: startThread({
        module,
        memoryMb,
        entry,
        on: {
          ready: () => {
            member.isReady = true;
            for (const made of member.entries.values()) expectBegin(made, member);
          },
          begun: (id) => {
            const made = member.entries.get(id);
            if (made !== undefined) begin(made);
          },
          ended: (id, outcome, isFull) => {
            const made = member.entries.get(id);
            if (made === undefined) return;
            settle(made, made.ends ?? outcome);
            member.isFull ||= isFull;
            if (member.isFull && member.entries.size === 0) retire(member);
            fill();
          },
          heartbeat: (id) => member.entries.get(id)?.call.heartbeat(),
          log: (id, level, fields, message) => {
            const to = member.entries.get(id)?.call.log();
            // Of a call that has ended: still worth a line.
            if (to === undefined) log.warn({ fields }, message ?? 'a handler said after its end');
            else to[level](fields, message);
          },
          stray: (about, fields) => log.error({ ...about, ...fields }, STRAY),
          gone: (why, culprit) => lose(member, why, culprit),
        },
      }),
    };
    members.add(member);
    return member;
  }

  function retire(member: Member): void {
    members.delete(member);
    const ending = member.thread.end().finally(() => retiring.delete(ending));
    retiring.add(ending);
  }

  function expectBegin(made: Entry, member: Member): void {
    after(made, BEGIN_MS, () => {
      if (made.hasBegun || made.member !== member) return;
      log.warn(
        { functionName: made.call.functionName },
        'a handler thread does not begin its next call; it is ended, and the call made in another',
      );
      member.isStuck = true;
      void member.thread.end();
    });
  }

  function begin(made: Entry): void {
    const { functionName, timeoutMs } = made.call;
    made.hasBegun = true;
    if (timeoutMs === undefined) return;
    after(made, timeoutMs, () => {
      made.ends ??= timedOut(functionName, timeoutMs);
      made.resolve(made.ends);
      abort(made, `the handler's timeoutMs of ${String(timeoutMs)} ms is over`);
    });
  }

  /** Nobody waits for it any more. */
  function cancel(made: Entry): void {
    if (made.member === undefined) {
      queue = queue.filter((waiting) => waiting !== made);
      settle(made, ABORTED);
      return;
    }
    made.ends ??= ABORTED;
    const { reason } = made.call.signal as { reason: unknown };
    abort(made, reason instanceof Error ? reason.message : 'nobody waits for the result any more');
  }

  function abort(made: Entry, reason: string): void {
    const { member } = made;
    member?.thread.post({ kind: 'abort', id: made.id, reason });
    after(made, END_MS, () => {
      if (made.member === undefined || made.member !== member) return;
      const { functionName, told } = made.call;
      const { executionId, stateName } = told;
      log.warn({ functionName, executionId, stateName }, 'a handler did not stop; its thread is ended');
      void member.thread.end();
    });
  }

  /** The thread is gone, and whatever it was doing. */
  function lose(member: Member, why: Failure, culprit: number | undefined): void {
    members.delete(member);
    const lost = [...member.entries.values()];
    const begun = lost.filter(({ hasBegun }) => hasBegun || !member.isReady);
    const isOrdered = member.isStuck || member.isFull || lost.some(({ ends }) => ends !== undefined);
    // By what a call left behind that has ended, too.
    const isKnown = culprit !== undefined || isOrdered;
    if (!isClosed && !isOrdered)
      log.warn({ error: why.error, cause: why.cause, calls: lost.length }, 'a handler thread is gone');
    const again = lost.filter((made) => {
      const isGuilty = made.id === culprit || (!isKnown && begun.length === 1 && begun[0] === made);
      const ends = made.ends ?? (isClosed ? ABORTED : isGuilty ? why : undefined);
      if (ends !== undefined) settle(made, ends);
      return ends === undefined;
    });
    for (const made of again) {
      made.member = undefined;
      made.isAlone ||= begun.includes(made) && (member.isStuck || !isKnown);
      quiet(made);
    }
    queue.unshift(...again);
    fill();
  }

  function settle(made: Entry, outcome: TaskOutcome): void {
    made.member?.entries.delete(made.id);
    made.member = undefined;
    quiet(made);
    made.call.signal.removeEventListener('abort', made.onAbort);
    made.resolve(outcome);
  }
}

/** Calls `act` after some time, unless the entry has been settled or taken from its thread by then. */
function after(made: Entry, delayMs: number, act: () => void): void {
  const timer = setTimeout(() => {
    made.timers.delete(timer);
    act();
  }, delayMs);
  made.timers.add(timer);
}

function quiet(made: Entry): void {
  for (const timer of made.timers) clearTimeout(timer);
  made.timers.clear();
}

/** Nobody hears of it. */
const ABORTED: Failure = { ok: false, error: 'Error', cause: 'nobody waited for the call any more' };

const STRAY = 'a handler let an error slip that nobody caught';
