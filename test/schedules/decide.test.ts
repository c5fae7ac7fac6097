import { describe, expect, test } from '@jest/globals';
import { type Decision, decide, MISSED_MAX, type Standing } from '../../src/schedules/index.js';

const NOON = Date.parse('2026-06-01T12:00:00Z');
const MINUTE = 60_000;

/** Every five minutes, due since noon. */
const every5: Standing = {
  cron: null,
  timeZone: 'UTC',
  intervalSeconds: 300,
  anchorAt: new Date(NOON),
  startAt: null,
  endAt: null,
  overlap: 'ALLOW',
  missed: 'ALL',
  nextRunAt: new Date(NOON),
  queuedFor: null,
};

/** Instants as minutes after noon. */
function decided(standing: Partial<Standing>, minutes: number, running = false) {
  const { starts, queuedMs, nextRunMs, skipped }: Decision = decide(
    { ...every5, ...standing },
    NOON + minutes * MINUTE,
    running,
  );
  const at = (ms: number | null): number | null => (ms === null ? null : (ms - NOON) / MINUTE);
  return { starts: starts.map(at), queued: at(queuedMs), next: at(nextRunMs), skipped };
}

describe('what is due', () => {
  test('is started, and the next instant is the one after now', () => {
    expect(decided({}, 0)).toEqual({ starts: [0], queued: null, next: 5, skipped: 0 });
    expect(decided({}, 0.9)).toEqual({ starts: [0], queued: null, next: 5, skipped: 0 });
  });

  test('is nothing before its instant', () => {
    expect(decided({}, -0.1)).toEqual({ starts: [], queued: null, next: 0, skipped: 0 });
  });

  test('is what the row says, even where the times say something else', () => {
    expect(decided({ nextRunAt: new Date(NOON + MINUTE) }, 6)).toMatchObject({ starts: [1, 5], next: 10 });
  });

  test('is one instant when start and end are the same, and nothing after it', () => {
    const at = new Date(NOON + 7 * MINUTE);
    const once = { anchorAt: at, startAt: at, endAt: at, nextRunAt: at };
    expect(decided(once, 6.9)).toMatchObject({ starts: [], next: 7 });
    expect(decided(once, 7)).toMatchObject({ starts: [7], next: null });
    // Nobody was there: it is made good, once, by those who want it.
    expect(decided({ ...once, missed: 'LAST' }, 600)).toMatchObject({ starts: [7], next: null });
    expect(decided({ ...once, missed: 'NONE' }, 600)).toMatchObject({ starts: [], next: null });
  });

  test('ends with the end of the schedule', () => {
    expect(decided({ endAt: new Date(NOON + 5 * MINUTE) }, 5)).toMatchObject({ starts: [0, 5], next: null });
    expect(decided({ endAt: new Date(NOON + 5 * MINUTE - 1) }, 17)).toMatchObject({
      starts: [0],
      next: null,
    });
  });
});

describe('what was missed', () => {
  test('is left out with NONE, but for what is merely late', () => {
    expect(decided({ missed: 'NONE' }, 17)).toMatchObject({ starts: [], next: 20 });
    expect(decided({ missed: 'NONE' }, 15.5)).toMatchObject({ starts: [15], next: 20 });
  });

  test('is made good by one with LAST', () => {
    expect(decided({ missed: 'LAST' }, 17)).toMatchObject({ starts: [15], next: 20 });
    expect(decided({ missed: 'LAST' }, 15.5)).toMatchObject({ starts: [15], next: 20 });
  });

  test('is started each with ALL, at most the last hundred, however long ago the first was', () => {
    expect(decided({ missed: 'ALL' }, 17)).toMatchObject({ starts: [0, 5, 10, 15], next: 20 });
    const year = 365 * 24 * 60;
    const { starts } = decided({ missed: 'ALL', intervalSeconds: 1 }, year);
    expect(starts).toHaveLength(MISSED_MAX);
    expect(starts.at(-1)).toBe(year);
    expect(starts[0]).toBeCloseTo(year - (MISSED_MAX - 1) / 60, 6);
    const byCron = decided({ missed: 'ALL', intervalSeconds: null, cron: '0 9 * * *' }, year);
    expect(byCron.starts).toHaveLength(MISSED_MAX);
  });
});

describe('while an earlier run is running', () => {
  const missed = 'ALL';

  test('ALLOW starts another', () => {
    expect(decided({ overlap: 'ALLOW', missed }, 5, true)).toMatchObject({ starts: [0, 5], skipped: 0 });
  });

  test('SKIP leaves the run out', () => {
    const overlap = 'SKIP';
    expect(decided({ overlap, missed }, 0, true)).toMatchObject({
      starts: [],
      queued: null,
      next: 5,
      skipped: 1,
    });
    // Of several at once the first is running when the second has its turn.
    expect(decided({ overlap, missed }, 10)).toMatchObject({
      starts: [0],
      queued: null,
      next: 15,
      skipped: 2,
    });
  });

  test('QUEUE_ONE keeps the first, leaves out what comes after it, and starts it when nothing runs', () => {
    const overlap = 'QUEUE_ONE';
    expect(decided({ overlap, missed }, 10, true)).toEqual({ starts: [], queued: 0, next: 15, skipped: 2 });
    const queuedFor = new Date(NOON - 5 * MINUTE);
    expect(decided({ overlap, queuedFor }, 0, true)).toEqual({ starts: [], queued: -5, next: 5, skipped: 1 });
    expect(decided({ overlap, queuedFor }, -1, false)).toEqual({
      starts: [-5],
      queued: null,
      next: 0,
      skipped: 0,
    });
    expect(decided({ overlap, queuedFor }, 0, false)).toEqual({
      starts: [-5],
      queued: 0,
      next: 5,
      skipped: 0,
    });
  });
});
