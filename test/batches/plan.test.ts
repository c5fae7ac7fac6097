import { describe, expect, test } from '@jest/globals';
import { chunkSize, creatable, faultPauseMs, nextPollMs, slotsWanted } from '../../src/batches/plan.js';
import { progressOf } from '../../src/batches/progress.js';

describe('the size of a doorbell', () => {
  test('small batches are rung one by one, so that several workers share them', () => {
    expect([1, 10, 200, 399].map(chunkSize)).toEqual([1, 1, 1, 1]);
  });

  test('it grows with the batch, up to 50 from 10,000 members on', () => {
    expect([400, 2_000, 9_999, 10_000, 1_000_000].map(chunkSize)).toEqual([2, 10, 49, 50, 50]);
  });
});

describe('how many members may be created', () => {
  const standing = { limit: 10, total: 100, started: 20, local: 3, away: 2, adoptable: 1 };

  test('what runs here and what runs elsewhere both count against the limit', () => {
    expect(creatable(standing)).toBe(5);
  });

  test('no more than there are', () => {
    expect(creatable({ ...standing, started: 98 })).toBe(2);
  });

  test('none when a leader before had allowed more', () => {
    expect(creatable({ ...standing, away: 30 })).toBe(0);
  });

  test('what was left behind wants a slot too', () => {
    expect(slotsWanted(standing)).toBe(6);
  });
});

describe('pauses', () => {
  test('looks at the counters grow apart up to a second', () => {
    const pauses = [nextPollMs(undefined)];
    for (let i = 0; i < 6; i++) pauses.push(nextPollMs(pauses.at(-1)));
    expect(pauses).toEqual([250, 375, 563, 845, 1000, 1000, 1000]);
  });

  test('pauses after faults double up to 5 s', () => {
    expect([1, 2, 3, 7, 1000].map(faultPauseMs)).toEqual([100, 200, 400, 5000, 5000]);
  });
});

describe('progress', () => {
  const batch = {
    status: 'RUNNING',
    total: 100,
    started: 60,
    succeeded: 40,
    failed: 8,
    aborted: 2,
    createdAt: new Date(0),
    endTime: null,
    readAt: new Date(10_000),
  };

  test('the end is estimated from the rate so far', () => {
    expect(progressOf(batch)).toEqual({ ratePerSecond: 5, estimatedEnd: new Date(20_000) });
  });

  test('nothing is said before the first member has ended', () => {
    const none = { ...batch, succeeded: 0, failed: 0, aborted: 0 };
    expect(progressOf(none)).toEqual({ ratePerSecond: null, estimatedEnd: null });
  });

  test('members that were never created do not count as speed, and a stopping batch has no estimate', () => {
    expect(progressOf({ ...batch, status: 'STOPPING', aborted: 42 })).toEqual({
      ratePerSecond: 5,
      estimatedEnd: null,
    });
  });

  test('once it is over the rate is that of the whole', () => {
    const over = { ...batch, status: 'FAILED', started: 100, succeeded: 90, endTime: new Date(20_000) };
    expect(progressOf({ ...over, readAt: new Date(99_000) })).toEqual({
      ratePerSecond: 5,
      estimatedEnd: null,
    });
  });
});
