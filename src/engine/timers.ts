import type { Frame } from './frame.js';

/**
 * When frames want to be looked at again, as a binary heap of `[at, frame]`.
 *
 * 1. The heap is a cache of the frames: an entry counts only while its frame still says the same time.
 *    So a change never searches the heap; what is stale falls out when it comes to the top.
 * 2. It never holds more than twice as many entries as there are frames, and 64: then it is made anew.
 */
export type Timers = [atMs: number, frameId: number][];

/** When a frame has to be looked at again for time's sake, ms since the epoch; undefined: never. */
export function dueAtMs(frame: Frame): number | undefined {
  const { phase } = frame;
  switch (phase.kind) {
    case 'waiting':
    case 'retrying':
      return phase.untilMs;
    case 'task':
    case 'awaiting':
      return earlier(phase.timeoutAtMs, phase.heartbeatAtMs);
    default:
      return undefined;
  }
}

export function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined || a <= b ? a : b;
}

export function pushTimer(timers: Timers, frames: ReadonlyMap<number, Frame>, frame: Frame): void {
  const at = dueAtMs(frame);
  if (at === undefined) return;
  if (timers.length > 64 && timers.length > 2 * frames.size) rebuild(timers, frames);
  timers.push([at, frame.id]);
  siftUp(timers, timers.length - 1);
}

/** The earliest time that still counts; forgets the stale ones before it. */
export function nextTimerMs(timers: Timers, frames: ReadonlyMap<number, Frame>): number | undefined {
  for (let top = timers[0]; top !== undefined; top = timers[0]) {
    if (counts(top, frames)) return top[0];
    pop(timers);
  }
  return undefined;
}

/** The frames whose time has come by `nowMs`, earliest first; the heap stays as it is. */
export function dueFrames(
  timers: Timers,
  frames: ReadonlyMap<number, Frame>,
  nowMs: number,
): readonly number[] {
  const top = timers[0];
  if (top === undefined || top[0] > nowMs) return NONE;
  const due = new Map<number, number>();
  const look = [0];
  for (let at = look.pop(); at !== undefined; at = look.pop()) {
    const entry = timers[at];
    if (entry === undefined || entry[0] > nowMs) continue;
    if (counts(entry, frames)) due.set(entry[1], entry[0]);
    look.push(2 * at + 1, 2 * at + 2);
  }
  return [...due].sort(([idA, a], [idB, b]) => a - b || idA - idB).map(([id]) => id);
}

const NONE: readonly number[] = [];

function counts([at, id]: readonly [number, number], frames: ReadonlyMap<number, Frame>): boolean {
  const frame = frames.get(id);
  return frame !== undefined && dueAtMs(frame) === at;
}

function rebuild(timers: Timers, frames: ReadonlyMap<number, Frame>): void {
  timers.length = 0;
  for (const frame of frames.values()) {
    const at = dueAtMs(frame);
    if (at !== undefined) timers.push([at, frame.id]);
  }
  timers.sort((a, b) => a[0] - b[0]);
}

function pop(timers: Timers): void {
  const last = timers.pop();
  if (last === undefined || timers.length === 0) return;
  timers[0] = last;
  siftDown(timers, 0);
}

function siftUp(timers: Timers, from: number): void {
  let at = from;
  while (at > 0) {
    const up = (at - 1) >> 1;
    if (!swapIfEarlier(timers, at, up)) return;
    at = up;
  }
}

function siftDown(timers: Timers, from: number): void {
  let at = from;
  for (;;) {
    const [left, right] = [timers[2 * at + 1], timers[2 * at + 2]];
    if (left === undefined) return;
    const down = right !== undefined && right[0] < left[0] ? 2 * at + 2 : 2 * at + 1;
    if (!swapIfEarlier(timers, down, at)) return;
    at = down;
  }
}

function swapIfEarlier(timers: Timers, below: number, above: number): boolean {
  const [b, a] = [timers[below], timers[above]];
  if (a === undefined || b === undefined || b[0] >= a[0]) return false;
  timers[below] = a;
  timers[above] = b;
  return true;
}
