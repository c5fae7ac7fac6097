/** An instant with nanoseconds, which a JavaScript date does not hold. */
export interface Timestamp {
  /** Whole milliseconds since the epoch. */
  ms: number;
  /** What is left below the millisecond, 0 to 999,999 nanoseconds. */
  nanos: number;
}

const FORM = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|([+-])(\d{2}):(\d{2}))$/;

/**
 * Reads an RFC 3339 timestamp with a capital T and Z, as the States Language demands
 * (https://states-language.net/spec.html#timestamps). Returns undefined for anything else, also for
 * days that the calendar does not have.
 */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, , sign, offsetHour, offsetMinute] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const whole = utcMs(Number(year), Number(month), Number(day));
  if (whole === undefined) return undefined;
  const offset = Number(offsetHour ?? 0) * 60 + Number(offsetMinute ?? 0);
  // 18 hours is the largest offset that AWS's clock library takes; the world uses up to 14.
  if (Number(offsetMinute ?? 0) > 59 || offset > 18 * 60) return undefined;
  const nanosOfSecond = Number((fraction ?? '').padEnd(9, '0'));
  const seconds =
    Number(hour) * 3600 + Number(minute) * 60 + Number(second) - (sign === '-' ? -offset : offset) * 60;
  const millis = Math.floor(nanosOfSecond / 1_000_000);
  return { ms: whole + seconds * 1000 + millis, nanos: nanosOfSecond - millis * 1_000_000 };
}

/** Negative, zero or positive, as `left` is before, at or after `right`. */
export function compareTimestamps(left: Timestamp, right: Timestamp): number {
  return left.ms - right.ms || left.nanos - right.nanos;
}

function utcMs(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.getTime() : undefined;
}
