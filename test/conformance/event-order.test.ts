import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/std/json.js';
import { sameFor } from './difference.js';
import { compareEvents, type EventOrder } from './event-order.js';

type Draft = [type: string, previous: string | undefined, details?: string];

/** Two branches of two events each, as the recording has them: A first, then B. */
const PARALLEL: Record<string, Draft> = {
  started: ['ParallelStateStarted', undefined],
  a1: ['PassStateEntered', 'started', 'A'],
  a2: ['PassStateExited', 'a1', 'A'],
  b1: ['PassStateEntered', 'started', 'B'],
  b2: ['PassStateExited', 'b1', 'B'],
  succeeded: ['ParallelStateSucceeded', 'b2'],
  exited: ['ParallelStateExited', 'b2'],
  ended: ['ExecutionSucceeded', 'exited'],
};

/** Three items, two at a time; the last takes the place of the first. */
const MAP: Record<string, Draft> = {
  started: ['MapStateStarted', undefined],
  i0: ['MapIterationStarted', 'started', '0'],
  i1: ['MapIterationStarted', 'started', '1'],
  e0: ['PassStateExited', 'i0', 'x0'],
  d0: ['MapIterationSucceeded', 'e0', '0'],
  i2: ['MapIterationStarted', 'e0', '2'],
  e1: ['PassStateExited', 'i1', 'x1'],
  d1: ['MapIterationSucceeded', 'e1', '1'],
  e2: ['PassStateExited', 'i2', 'x2'],
  d2: ['MapIterationSucceeded', 'e2', '2'],
  succeeded: ['MapStateSucceeded', 'd2'],
  exited: ['MapStateExited', 'd2'],
};

describe('histories of branches side by side', () => {
  test.each([
    ['the recorded order', 'started a1 a2 b1 b2 succeeded exited ended', {}],
    ['the branches in turns', 'started a1 b1 a2 b2 succeeded exited ended', {}],
    [
      'the other branch ending last',
      'started b1 b2 a1 a2 succeeded exited ended',
      { succeeded: 'a2', exited: 'a2' },
    ],
  ])('are as recorded in %s', (_, order, previous) => {
    expect(compared(PARALLEL, historyOf(PARALLEL, order, previous))).toBeUndefined();
  });

  test.each([
    ['a branch whose own order is another', 'started a2 a1 b1 b2 succeeded exited ended', {}],
    [
      'an event that follows the other branch',
      'started a1 b1 a2 b2 succeeded exited ended',
      { a2: 'b1', b2: 'a1' },
    ],
    ['a join inside', 'started a1 a2 b1 succeeded b2 exited ended', {}],
    [
      'a join that follows no end of a branch',
      'started a1 b1 a2 b2 succeeded exited ended',
      { succeeded: 'b1' },
    ],
    ['what comes after in another order', 'started a1 b1 a2 b2 exited succeeded ended', {}],
    ['a branch too few', 'started a1 a2 succeeded exited ended', {}],
    ['a branch twice', 'started a1 a2 a1 a2 succeeded exited ended', {}],
  ])('differ by %s', (_, order, previous) => {
    expect(compared(PARALLEL, historyOf(PARALLEL, order, previous))).toBeDefined();
  });

  test('differ by details', () => {
    const have = historyOf(PARALLEL, 'started b1 b2 a1 a2 succeeded exited ended');
    const changed = have.map((event) => ({ ...event, ...(event['name'] === 'B' && { name: 'C' }) }));
    expect(compared(PARALLEL, changed)).toBeDefined();
  });

  test('differ by their order, where the exact order is asked for', () => {
    const have = historyOf(PARALLEL, 'started a1 b1 a2 b2 succeeded exited ended');
    expect(compared(PARALLEL, have, 'exact')).toBeDefined();
  });
});

describe('histories of iterations side by side', () => {
  test.each([
    ['the recorded order', 'started i0 i1 e0 d0 i2 e1 d1 e2 d2 succeeded exited', {}],
    [
      'the second item ending first',
      'started i0 i1 e1 d1 i2 e2 d2 e0 d0 succeeded exited',
      { i2: 'e1', succeeded: 'd0', exited: 'd0' },
    ],
  ])('are as recorded in %s', (_, order, previous) => {
    expect(compared(MAP, historyOf(MAP, order, previous))).toBeUndefined();
  });

  test.each([
    ['items that start in another order', 'started i1 i0 e0 d0 i2 e1 d1 e2 d2 succeeded exited', {}],
    ['an item that starts at once', 'started i0 i1 i2 e0 d0 e1 d1 e2 d2 succeeded exited', { i2: 'started' }],
    [
      'an item that starts for one that has not ended',
      'started i0 i1 i2 e0 d0 e1 d1 e2 d2 succeeded exited',
      {},
    ],
  ])('differ by %s', (_, order, previous) => {
    expect(compared(MAP, historyOf(MAP, order, previous))).toBeDefined();
  });

  test('one after another have one order', () => {
    const alone: Record<string, Draft> = {
      started: ['MapStateStarted', undefined],
      i0: ['MapIterationStarted', 'started', '0'],
      e0: ['PassStateExited', 'i0', 'x0'],
      d0: ['MapIterationSucceeded', 'e0', '0'],
      i1: ['MapIterationStarted', 'e0', '1'],
      e1: ['PassStateExited', 'i1', 'x1'],
      d1: ['MapIterationSucceeded', 'e1', '1'],
      succeeded: ['MapStateSucceeded', 'd1'],
    };
    const have = historyOf(alone, 'started i1 e1 d1 i0 e0 d0 succeeded', { i1: 'started', i0: 'e1' });
    expect(compared(alone, have)).toBeDefined();
    expect(compared(alone, historyOf(alone, Object.keys(alone).join(' ')))).toBeUndefined();
  });
});

function compared(
  recorded: Record<string, Draft>,
  have: JsonObject[],
  order: EventOrder = 'byBranch',
): string | undefined {
  const want = historyOf(recorded, Object.keys(recorded).join(' '));
  const same = sameFor({ id: 'x', category: 'x', kind: 'x', features: [], definition: {}, expected: {} });
  return compareEvents(want, have, same, order);
}

/** The drafts in this order, with ids from 1; some of them with another event before them. */
function historyOf(
  drafts: Record<string, Draft>,
  order: string,
  previous: { [name: string]: string | undefined } = {},
): JsonObject[] {
  const names = order.split(' ');
  return names.map((name, at) => {
    const [type, before, details] = drafts[name] ?? ['', undefined];
    const [, step] = /^MapIteration(\w+)$/.exec(type) ?? [];
    return {
      id: at + 1,
      type,
      previousEventId: names.indexOf(previous[name] ?? before ?? '') + 1,
      ...(details !== undefined && step === undefined && { name: details }),
      ...(step !== undefined && {
        [`mapIteration${step}EventDetails`]: { name: 'M', index: Number(details) },
      }),
    };
  });
}
