/** When a schedule is due: pure, of what its row says. All instants that are numbers are in ms since the epoch. */
import { readCron } from './cron.js';

export interface Timetable {
  /** One of cron and intervalSeconds. */
  cron: string | null;
  timeZone: string;
  intervalSeconds: number | null;
  /** Intervals are counted from here. */
  anchorAt: Date;
  /** Not due before; null: no bound. */
  startAt: Date | null;
  /** Not due after; null: no bound. */
  endAt: Date | null;
}

/**
 * The first instant after `afterMs` at which it is due; undefined: there is none any more.
 * @throws CronError for an expression or a zone that cannot be read
 */
export function nextInstant(timetable: Timetable, afterMs: number): number | undefined {
  return instantsOf(timetable)(afterMs);
}

/** The next so many instants. @throws CronError */
export function nextInstants(timetable: Timetable, afterMs: number, count: number): number[] {
  const next = instantsOf(timetable);
  const found: number[] = [];
  for (let at = next(afterMs); at !== undefined && found.length < count; at = next(at)) found.push(at);
  return found;
}

/**
 * The latest instants that were due from `fromMs` to `toMs`, both included, at most so many, the earliest first. What was
 * due long ago is not walked through: a schedule of each second that was away for a year is as quick as any.
 * @throws CronError
 */
export function latestInstants(timetable: Timetable, fromMs: number, toMs: number, count: number): number[] {
  const next = instantsOf(timetable);
  for (let spanMs = MINUTE_MS; ; spanMs *= 4) {
    const beginMs = Math.max(fromMs, toMs - spanMs);
    const found: number[] = [];
    for (let at = next(beginMs - 1); at !== undefined && at <= toMs; at = next(at)) found.push(at);
    if (found.length >= count || beginMs === fromMs) return found.slice(-count);
  }
}

const MINUTE_MS = 60_000;

function instantsOf(timetable: Timetable): (afterMs: number) => number | undefined {
  const { cron, timeZone, intervalSeconds, anchorAt } = timetable;
  const startMs = timetable.startAt?.getTime();
  const endMs = timetable.endAt?.getTime();
  const step =
    cron === null
      ? (afterMs: number) => nextOfInterval(anchorAt.getTime(), intervalSeconds, afterMs)
      : readCron(cron, timeZone).next;
  return (afterMs) => {
    const at = step(startMs === undefined ? afterMs : Math.max(afterMs, startMs - 1));
    return at === undefined || at >= YEAR_10000 || (endMs !== undefined && at > endMs) ? undefined : at;
  };
}

/** Later than this no row says. */
const YEAR_10000 = 253_402_300_800_000;

function nextOfInterval(anchorMs: number, intervalSeconds: number | null, afterMs: number): number {
  if (intervalSeconds === null) throw new Error('a schedule has neither a cron expression nor an interval');
  const stepMs = intervalSeconds * 1000;
  return anchorMs + Math.max(0, Math.floor((afterMs - anchorMs) / stepMs) + 1) * stepMs;
}
