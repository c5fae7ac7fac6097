import { describe, expect, test } from '@jest/globals';
import { CronError, readCron } from '../../src/schedules/cron.js';

/** The next so many instants, each asked for anew from the one before. */
function instants(cron: string, zone: string, from: string, count: number): string[] {
  const found: string[] = [];
  let at = Date.parse(from);
  while (found.length < count) {
    const next = readCron(cron, zone).next(at);
    if (next === undefined) break;
    found.push(new Date(next).toISOString().replace(':00.000Z', 'Z'));
    at = next;
  }
  return found;
}

const BERLIN = 'Europe/Berlin';

describe('an expression', () => {
  test('goes by the clocks of its zone, summer and winter', () => {
    expect(instants('0 9 * * *', BERLIN, '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T08:00Z',
      '2026-03-29T07:00Z',
      '2026-03-30T07:00Z',
    ]);
    expect(instants('30 17 * * MON-FRI', 'Asia/Kolkata', '2026-01-02T13:00:00Z', 2)).toEqual([
      '2026-01-05T12:00Z',
      '2026-01-06T12:00Z',
    ]);
  });

  test('may begin with seconds', () => {
    expect(instants('*/20 0 0 1 1 *', 'UTC', '2026-01-01T00:00:00Z', 3)).toEqual([
      '2026-01-01T00:00:20.000Z',
      '2026-01-01T00:00:40.000Z',
      '2027-01-01T00:00Z',
    ]);
  });

  test('finds days that are rare', () => {
    expect(instants('0 0 29 2 *', BERLIN, '2026-01-01T00:00:00Z', 2)).toEqual([
      '2028-02-28T23:00Z',
      '2032-02-28T23:00Z',
    ]);
    expect(instants('0 12 L * *', 'UTC', '2026-01-31T12:00:00Z', 1)).toEqual(['2026-02-28T12:00Z']);
    expect(instants('0 9 * * MON#2', 'UTC', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-12T09:00Z']);
  });

  test('is the same from wherever one asks', () => {
    // Each second around both changes: the next instant is never one that was passed over.
    for (const [cron, from] of [
      ['*/7 1-3 * * *', '2026-10-24T22:00:00Z'],
      ['*/7 * * * *', '2026-10-24T22:00:00Z'],
      ['15,45 2,3 * * *', '2026-03-28T23:00:00Z'],
      ['*/10 * * * *', '2026-03-28T23:00:00Z'],
    ] as const) {
      const { next } = readCron(cron, BERLIN);
      let expected = next(Date.parse(from)) ?? 0;
      for (let at = Date.parse(from); at < Date.parse(from) + 6 * 3_600_000; at += 30_000) {
        if (at >= expected) expected = next(expected) ?? 0;
        expect(next(at)).toBe(expected);
      }
    }
  });
});

describe('when the clocks go forward', () => {
  test('a time that they skip is due the moment they have skipped it', () => {
    expect(instants('30 2 * * *', BERLIN, '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T01:30Z',
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ]);
    // At midnight, and by half an hour.
    expect(instants('30 0 * * *', 'America/Santiago', '2026-09-05T12:00:00Z', 2)).toEqual([
      '2026-09-06T04:00Z',
      '2026-09-07T03:30Z',
    ]);
    expect(instants('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00:00Z', 2)).toEqual([
      '2026-10-03T15:30Z',
      '2026-10-04T15:15Z',
    ]);
  });

  test('several that they skip are due once, and what is due then anyway is not due twice', () => {
    expect(instants('15,45 2 * * *', BERLIN, '2026-03-28T12:00:00Z', 3)).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-30T00:15Z',
      '2026-03-30T00:45Z',
    ]);
    expect(instants('0 2,3 * * *', BERLIN, '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-30T00:00Z',
    ]);
  });

  test('what is due every hour loses none', () => {
    expect(instants('*/30 * * * *', BERLIN, '2026-03-29T00:00:00Z', 4)).toEqual([
      '2026-03-29T00:30Z',
      '2026-03-29T01:00Z',
      '2026-03-29T01:30Z',
      '2026-03-29T02:00Z',
    ]);
  });
});

describe('when the clocks go back', () => {
  test('a time that they show twice is due the first time', () => {
    expect(instants('30 2 * * *', BERLIN, '2026-10-24T00:00:00Z', 3)).toEqual([
      '2026-10-24T00:30Z',
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ]);
    expect(instants('30 1 * * *', 'America/New_York', '2026-10-31T12:00:00Z', 2)).toEqual([
      '2026-11-01T05:30Z',
      '2026-11-02T06:30Z',
    ]);
    expect(instants('*/20 1-3 * * *', BERLIN, '2026-10-24T23:50:00Z', 4)).toEqual([
      '2026-10-25T00:00Z',
      '2026-10-25T00:20Z',
      '2026-10-25T00:40Z',
      '2026-10-25T02:00Z',
    ]);
  });

  test('what is due every hour is due in each hour that passes', () => {
    expect(instants('*/30 * * * *', BERLIN, '2026-10-24T23:50:00Z', 5)).toEqual([
      '2026-10-25T00:00Z',
      '2026-10-25T00:30Z',
      '2026-10-25T01:00Z',
      '2026-10-25T01:30Z',
      '2026-10-25T02:00Z',
    ]);
    expect(instants('45 * * * *', 'Australia/Lord_Howe', '2026-04-04T14:00:00Z', 4)).toEqual([
      '2026-04-04T14:45Z',
      '2026-04-04T15:15Z',
      '2026-04-04T16:15Z',
      '2026-04-04T17:15Z',
    ]);
  });
});

describe('what is no expression', () => {
  test.each([
    ['', /has 5 fields .* this has 0/],
    ['* * *', /this has 3/],
    ['@daily', /this has 1/],
    ['* * * * * * *', /this has 7/],
    ['61 * * * *', /got value 61 expected range 0-59/],
    ['0 25 * * *', /got value 25 expected range 0-23/],
    ['a b c d e', /cannot be read/],
    ['*/0 * * * *', /cannot be read/],
    ['0 0 30 2 *', /cannot be read/],
    ['H 0 * * *', /has an H/],
  ])('%p is refused with a reason', (cron, why) => {
    expect(() => readCron(cron, 'UTC')).toThrow(CronError);
    expect(() => readCron(cron, 'UTC')).toThrow(why);
  });

  test('nor is there a zone of any name', () => {
    for (const zone of ['Mars/Base', '', 'Europe', 'local']) {
      expect(() => readCron('* * * * *', zone)).toThrow(`There is no time zone '${zone}'`);
    }
  });
});
