/** What is to be started of a schedule now, what is left out, and when it is due next: pure. */
import { latestInstants, nextInstant, type Timetable } from './timetable.js';

/** What becomes of a run while an earlier one is still running. */
export type OverlapPolicy = 'SKIP' | 'ALLOW' | 'QUEUE_ONE';
/** What becomes of instants at which no scheduler was there. */
export type MissedPolicy = 'NONE' | 'LAST' | 'ALL';

export interface Standing extends Timetable {
  overlap: OverlapPolicy;
  missed: MissedPolicy;
  /** The first instant that has not been seen to; null: none to come. */
  nextRunAt: Date | null;
  /** The instant of the run that waits for an earlier one to end. */
  queuedFor: Date | null;
}

export interface Decision {
  /** The instants to start executions for, the earliest first. */
  starts: number[];
  queuedMs: number | null;
  /** How many instants were left out because an earlier run was running. */
  skipped: number;
  nextRunMs: number | null;
}

/** @param running whether a run of it is running. @throws CronError */
export function decide(standing: Standing, nowMs: number, running: boolean): Decision {
  const nextRunMs = standing.nextRunAt?.getTime() ?? null;
  if (nextRunMs === null || nextRunMs > nowMs) return { ...overlapped(standing, running, []), nextRunMs };
  const due = madeGood(standing.missed, dueInstants(standing, nextRunMs, nowMs), nowMs);
  return { ...overlapped(standing, running, due), nextRunMs: nextInstant(standing, nowMs) ?? null };
}

/** An instant this far in the past was missed; before that it is merely late, and is started whatever the policy. */
export const LATE_MS = 60_000;

/** As many missed runs are started at once, the latest of them: a bound for who was away for a month. */
export const MISSED_MAX = 100;

/** The row is the truth: its instant is due also if the timetable, read with another version of the zones, has none there. */
function dueInstants(timetable: Timetable, nextRunMs: number, nowMs: number): number[] {
  const later = latestInstants(timetable, nextRunMs + 1, nowMs, MISSED_MAX);
  return later.length === MISSED_MAX ? later : [nextRunMs, ...later];
}

function madeGood(policy: MissedPolicy, due: number[], nowMs: number): number[] {
  const onTime = due.filter((at) => at >= nowMs - LATE_MS);
  switch (policy) {
    case 'NONE':
      return onTime;
    case 'LAST':
      // One that is on time makes good what was missed before it.
      return onTime.length > 0 ? onTime : due.slice(-1);
    case 'ALL':
      return due;
    default:
      return policy satisfies never;
  }
}

function overlapped(
  { overlap, queuedFor }: Standing,
  running: boolean,
  runs: readonly number[],
): Omit<Decision, 'nextRunMs'> {
  const queuedMs = queuedFor?.getTime() ?? null;
  switch (overlap) {
    case 'ALLOW':
      return { starts: queuedMs === null ? [...runs] : [queuedMs, ...runs], queuedMs: null, skipped: 0 };
    case 'SKIP': {
      const starts = running ? [] : runs.slice(0, 1);
      return { starts, queuedMs: null, skipped: runs.length - starts.length };
    }
    case 'QUEUE_ONE': {
      const waiting = queuedMs === null ? [...runs] : [queuedMs, ...runs];
      const starts = running ? [] : waiting.splice(0, 1);
      const queued = waiting.shift() ?? null;
      return { starts, queuedMs: queued, skipped: waiting.length };
    }
    default:
      return overlap satisfies never;
  }
}
