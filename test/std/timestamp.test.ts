import { expect, test } from '@jest/globals';
import { compareTimestamps, parseTimestamp } from '../../src/std/timestamp.js';

test.each([
  ['1970-01-01T00:00:00Z', 0],
  ['1970-01-01T00:00:00.001Z', 1],
  ['1970-01-01T01:00:00+01:00', 0],
  ['1969-12-31T23:00:00-01:00', 0],
  ['2024-02-29T12:00:00Z', Date.UTC(2024, 1, 29, 12)],
  ['0001-01-01T00:00:00Z', Date.parse('0001-01-01T00:00:00Z')],
])('%s is %d ms after the epoch', (text, ms) => {
  expect(parseTimestamp(text)).toEqual({ ms, nanos: 0 });
});

test.each([
  '2024-05-01',
  '2024-05-01T12:00:00',
  '2024-05-01 12:00:00Z',
  '2024-05-01t12:00:00z',
  '2023-02-29T00:00:00Z',
  '2024-13-01T00:00:00Z',
  '2024-05-01T24:00:00Z',
  '2024-05-01T12:60:00Z',
  '2024-05-01T12:00:60Z',
  '2024-05-01T12:00Z',
  '2024-05-01T12:00:00.Z',
  '2024-05-01T12:00:00.1234567890Z',
  '2024-05-01T12:00:00+1:00',
  '2024-05-01T12:00:00+19:00',
  '',
])('%j is no timestamp', (text) => {
  expect(parseTimestamp(text)).toBeUndefined();
});

test('nanoseconds decide when milliseconds do not', () => {
  const [a, b] = ['2024-05-01T12:00:00.000000001Z', '2024-05-01T12:00:00.000000002Z'].map(parseTimestamp);
  if (a === undefined || b === undefined) throw new Error('both are timestamps');
  expect(compareTimestamps(a, b)).toBeLessThan(0);
  expect(compareTimestamps(b, a)).toBeGreaterThan(0);
  expect(compareTimestamps(a, a)).toBe(0);
});
