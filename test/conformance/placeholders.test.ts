import { describe, expect, test } from '@jest/globals';
import type { Json } from '../../src/std/json.js';
import { type Same, sameFor } from './difference.js';
import { maskWildcards } from './wildcards.js';

describe('placeholders', () => {
  test('of the same number stand for the same value wherever they are', () => {
    expect(differs(['<uuid:1>', '<uuid:1>'], ['a', 'a'])).toBe(false);
    expect(differs(['<uuid:1>', '<uuid:1>'], ['a', 'b'])).toBe(true);
    expect(differs(['<uuid:1>', '<uuid:2>'], ['a', 'b'])).toBe(false);
    expect(differs('m/<ArnPart_0idx>/<ArnPart_0idx>', 'm/a/a')).toBe(false);
    expect(differs('m/<ArnPart_0idx>/<ArnPart_0idx>', 'm/a/b')).toBe(true);
  });

  test('keep their value from one part of an answer to the next, unless that part differed', () => {
    const same = newSame();
    expect(same('', ['<uuid:1>', 1], ['a', 2])).toBeDefined();
    expect(same('', '<uuid:1>', 'b')).toBeUndefined();
    expect(same('', '<uuid:1>', 'a')).toBeDefined();
  });

  test('without a number stand for any value each time', () => {
    expect(differs(['<request-id>', '<request-id>'], ['a', 'b'])).toBe(false);
    expect(differs('<request-id>', '')).toBe(true);
  });
});

describe('what a function that failed says', () => {
  const cause = { errorType: 'E', errorMessage: 'M', requestId: '<uuid:1>', stackTrace: [] };

  test('is its type and its message', () => {
    expect(differs(cause, { errorType: 'E', errorMessage: 'M', trace: ['at x'] })).toBe(false);
    expect(differs(JSON.stringify(cause), JSON.stringify({ errorType: 'E', errorMessage: 'M' }))).toBe(false);
    expect(differs(cause, { errorType: 'E', errorMessage: 'N' })).toBe(true);
    expect(differs(cause, { ...cause, more: 1 })).toBe(true);
  });

  test('leaves traces elsewhere as they are', () => {
    expect(differs({ trace: 1 }, { trace: 2 })).toBe(true);
    expect(differs({ requestId: 'a' }, { requestId: 'b' })).toBe(true);
  });
});

describe('wildcards', () => {
  const recorded = { output: { StartDate: 'start-date', Name: 'start-date' }, list: [{ n: 1 }, { n: 2 }] };

  test('mask the places that their path leads to, and no others', () => {
    const masked = maskWildcards(recorded, [{ path: '$..output.StartDate', value: 'start-date' }]);
    expect(masked).toEqual({ ...recorded, output: { StartDate: expect.anything(), Name: 'start-date' } });
    expect(differs(masked, { ...recorded, output: { StartDate: 'today', Name: 'start-date' } })).toBe(false);
    expect(differs(masked, { ...recorded, output: { StartDate: 12, Name: 'start-date' } })).toBe(false);
    expect(differs(masked, { ...recorded, output: { StartDate: 'today', Name: 'another' } })).toBe(true);
  });

  test('may stand for a number', () => {
    const masked = maskWildcards(recorded, [{ path: '$.list[1].n', value: 2 }]);
    expect(differs(masked, { ...recorded, list: [{ n: 1 }, { n: 7 }] })).toBe(false);
    expect(differs(masked, { ...recorded, list: [{ n: 7 }, { n: 2 }] })).toBe(true);
  });

  test.each(['$.answer.output.StartDate', 'output(('])('mask their text where %s leads nowhere', (path) => {
    const masked = maskWildcards(recorded, [{ path, value: 'start-date' }]);
    expect(differs(masked, { ...recorded, output: { StartDate: 'today', Name: 'now' } })).toBe(false);
    expect(differs(masked, { ...recorded, list: [] })).toBe(true);
  });
});

function differs(want: Json, have: Json): boolean {
  return newSame()('', want, have) !== undefined;
}

function newSame(): Same {
  return sameFor({ id: 'x', category: 'x', kind: 'x', features: [], definition: {}, expected: {} });
}
