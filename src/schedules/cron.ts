/**
 * Cron expressions on a clock of a time zone. The library reads them and finds what they match, on a calendar without
 * daylight saving (as if in UTC); when a zone's clocks show that, is decided here, so that it is the same from
 * whatever instant one asks: the library's own answers around a change differ by where one begins, and leave out
 * days in zones that change at midnight or by half an hour.
 *
 * A time that the clocks skip is due the moment they have skipped it; several that are skipped at once are due once. A
 * time that they show twice is due the first time only, unless the expression is for every hour of the day: then
 * it goes by hours that pass, and is due both times.
 */
import { CronExpressionParser } from 'cron-parser';
import { changeBetween, type Zone, zoneOf } from './zone.js';

interface Cron {
  /** The first instant after `afterMs` at which it is due; undefined: none as far as the calendar is searched. */
  next(afterMs: number): number | undefined;
}

/** A cron expression, or a time zone, that makes no sense; the message is a sentence for who wrote it. */
export class CronError extends Error {
  override readonly name = 'CronError';
  readonly member: 'cron' | 'timeZone';

  constructor(member: 'cron' | 'timeZone', message: string) {
    super(message);
    this.member = member;
  }
}

/**
 * Reads an expression of 5 fields (minute, hour, day of the month, month, day of the week), or of 6 with a second before
 * them.
 * @throws CronError
 */
export function readCron(expression: string, timeZone: string): Cron {
  const zone = zoneOf(timeZone);
  if (zone === undefined) {
    throw new CronError(
      'timeZone',
      `There is no time zone '${timeZone}'; expected an IANA name such as Europe/Berlin.`,
    );
  }
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) {
    const found = expression.trim() === '' ? 0 : fields.length;
    throw new CronError(
      'cron',
      `A cron expression has 5 fields (minute, hour, day of month, month, day of week), or 6 with seconds first; this has ${found}.`,
    );
  }
  // The library would draw lots anew in each process.
  if (/(^|[\s,])H/i.test(expression)) {
    throw new CronError('cron', 'The cron expression has an H (a random value), which is not taken.');
  }
  const everyHour = parse(expression, 0).fields.hour.values.length === 24;
  return { next: (afterMs) => nextOn(zone, expression, everyHour, afterMs) };
}

/** No zone has ever changed its clocks by more, but for those that crossed the date line. */
const CHANGE_MAX_MS = 3 * 3_600_000;

function nextOn(zone: Zone, expression: string, everyHour: boolean, afterMs: number): number | undefined {
  const shown = afterMs + zone.offsetAt(afterMs);
  const past = changeBetween(zone, afterMs - CHANGE_MAX_MS, afterMs);
  // Clocks that went back have shown later times already.
  const latest = past === undefined ? shown : Math.max(shown, past - 1 + zone.offsetAt(past - 1));
  const time = nextShown(expression, everyHour ? shown : latest);
  const next = time === undefined ? undefined : reached(zone, time, afterMs);
  if (!everyHour) return next;
  const change = changeBetween(zone, afterMs, afterMs + CHANGE_MAX_MS);
  if (change === undefined || (next !== undefined && next < change)) return next;
  // The clocks change before: what they show from then on counts, again or at last.
  const again = nextShown(expression, change + zone.offsetAt(change) - 1);
  if (again === undefined) return next;
  const second = again - zone.offsetAt(change);
  return next === undefined ? second : Math.min(next, second);
}

/** The first time after one that the expression matches, both as clocks show it. */
function nextShown(expression: string, afterShown: number): number | undefined {
  try {
    return parse(expression, afterShown).next().getTime();
  } catch (error) {
    // No day of the calendar fits, such as April 31.
    if (error instanceof Error && /loop limit exceeded/.test(error.message)) return undefined;
    throw error;
  }
}

/** The first instant after `afterMs` at which the clocks show `time`, or more because they have skipped it. */
function reached(zone: Zone, time: number, afterMs: number): number {
  const candidates = [time - zone.offsetAt(time - DAY_MS), time - zone.offsetAt(time + DAY_MS)].sort(
    (a, b) => a - b,
  );
  const exact = candidates.find((at) => at > afterMs && at + zone.offsetAt(at) === time);
  if (exact !== undefined) return exact;
  return changeBetween(zone, time - DAY_MS, time + DAY_MS) ?? Math.max(...candidates);
}

const DAY_MS = 24 * 3_600_000;

/** @throws CronError in words of ours where the library's do not say which field */
function parse(expression: string, currentMs: number) {
  try {
    return CronExpressionParser.parse(expression, { currentDate: new Date(currentMs), tz: 'UTC' });
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
    throw new CronError('cron', `The cron expression '${expression}' cannot be read: ${why}.`);
  }
}
