/**
 * Virtual time, and processes that live in it.
 *
 * 1. One thing happens at a time: an event of the queue, with all that follows from it without waiting (promises that
 *    are settled). Then time jumps to the next event. So a run depends on nothing but its seed.
 * 2. What an event leads to belongs to the event's process: its timers, its statements. To kill a process is to drop its
 *    events; to stop it (SIGSTOP) is to keep them until it goes on.
 */
import { turn } from './turns.js';

/** The instant at which every run begins, ms since the epoch. */
export const BEGIN_MS = Date.UTC(2027, 0, 1);

/** A process. `undefined` instead of one: the world itself, and the database's server. */
export interface Proc {
  readonly name: string;
  alive: boolean;
  /** What was due while it was stopped; undefined: it is not stopped. */
  held: Happening[] | undefined;
  /** By how much its own clock is off, in ms. */
  skewMs: number;
  /** Its row in the table workers. */
  workerId: string | undefined;
  readonly onKilled: Set<() => void>;
}

export interface Happening {
  atMs: number;
  order: number;
  proc: Proc | undefined;
  run: (() => void) | undefined;
}

export class World {
  nowMs = BEGIN_MS;
  /** Whose event is happening. */
  current: Proc | undefined;
  /** So many events have happened. */
  steps = 0;
  readonly #heap: Happening[] = [];
  #order = 0;
  /** What has happened, for who reads it; undefined: nobody does. */
  readonly trace: string[] | undefined;

  constructor(traced: boolean) {
    this.trace = traced ? [] : undefined;
  }

  spawn(name: string, skewMs = 0): Proc {
    return { name, alive: true, held: undefined, skewMs, workerId: undefined, onKilled: new Set() };
  }

  after(delayMs: number, proc: Proc | undefined, run: () => void): Happening {
    const happening = { atMs: this.nowMs + Math.max(0, delayMs), order: ++this.#order, proc, run };
    this.#push(happening);
    return happening;
  }

  cancel(happening: Happening): void {
    happening.run = undefined;
  }

  /** kill -9. */
  kill(proc: Proc): void {
    if (!proc.alive) return;
    this.note(`${proc.name} is killed`);
    proc.alive = false;
    proc.held = undefined;
    for (const tell of proc.onKilled) tell();
  }

  /** SIGSTOP, and SIGCONT after so many ms. */
  freeze(proc: Proc, forMs: number): void {
    if (!proc.alive || proc.held !== undefined) return;
    this.note(`${proc.name} is stopped for ${String(Math.round(forMs))} ms`);
    proc.held = [];
    this.after(forMs, undefined, () => this.thaw(proc));
  }

  thaw(proc: Proc): void {
    const { held } = proc;
    if (held === undefined) return;
    this.note(`${proc.name} goes on`);
    proc.held = undefined;
    for (const { run } of held) if (run !== undefined) this.after(0, proc, run);
  }

  note(what: string): void {
    this.trace?.push(`${((this.nowMs - BEGIN_MS) / 1000).toFixed(3).padStart(9)} ${what}`);
  }

  /** Lets things happen until `isOver`, or until so much time has passed. */
  async run(isOver: () => boolean, forMs: number): Promise<void> {
    const untilMs = this.nowMs + forMs;
    while (!isOver()) {
      const next = this.#pop();
      if (next === undefined || next.atMs > untilMs) return;
      const { proc, run } = next;
      if (run === undefined || proc?.alive === false) continue;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      if (proc?.held !== undefined) {
        proc.held.push(next);
        continue;
      }
      this.steps++;
      this.current = proc;
      run();
      // The server's own events settle no promise.
      if (proc !== undefined) await turn();
      this.current = undefined;
    }
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let at = heap.push(happening) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(happening, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = happening;
  }

  #pop(): Happening | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || first === last) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let child = heap[below];
      const other = heap[below + 1];
      if (child !== undefined && other !== undefined && isBefore(other, child)) {
        child = other;
        below++;
      }
      if (child === undefined || !isBefore(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
