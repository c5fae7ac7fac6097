import { describe, expect, test } from '@jest/globals';
import { chooseRetrier, compileMachine, nextDelayMs, type Retrier } from '../../src/asl/index.js';
import type { JsonObject } from '../../src/std/json.js';

function retriers(...retry: JsonObject[]): readonly Retrier[] {
  const machine = compileMachine({
    StartAt: 'T',
    States: { T: { Type: 'Task', Resource: 'charge', Retry: retry, End: true } },
  });
  const state = machine.states.get('T');
  if (state?.type !== 'Task') throw new Error('T is a Task');
  return state.retry;
}

function delays(fields: JsonObject, random = 1): number[] {
  const [retrier] = retriers({ ErrorEquals: ['E'], ...fields });
  if (retrier === undefined) throw new Error('there is a retrier');
  return [0, 1, 2, 3].map((attempt) => nextDelayMs(retrier, attempt, () => random));
}

describe('the pause before a retry', () => {
  test('doubles from one second unless told otherwise', () => {
    expect(delays({})).toEqual([1000, 2000, 4000, 8000]);
  });

  test('grows by BackoffRate from IntervalSeconds', () => {
    expect(delays({ IntervalSeconds: 3, BackoffRate: 1.5 })).toEqual([3000, 4500, 6750, 10125]);
  });

  test('grows no longer than MaxDelaySeconds', () => {
    expect(delays({ IntervalSeconds: 3, MaxDelaySeconds: 5 })).toEqual([3000, 5000, 5000, 5000]);
  });

  test('with FULL jitter is any part of that', () => {
    expect(delays({ JitterStrategy: 'FULL' }, 0.25)).toEqual([250, 500, 1000, 2000]);
    expect(delays({ JitterStrategy: 'NONE' }, 0.25)).toEqual([1000, 2000, 4000, 8000]);
  });

  test('stays a time that a clock can reach, however often it has grown', () => {
    const [retrier] = retriers({ ErrorEquals: ['E'], BackoffRate: 10 });
    expect(nextDelayMs(retrier as Retrier, 5000, () => 1)).toBe(31_622_400_000);
  });

  test('defaults to three attempts, and MaxAttempts may be zero', () => {
    expect(retriers({ ErrorEquals: ['E'] })[0]?.maxAttempts).toBe(3);
    expect(retriers({ ErrorEquals: ['E'], MaxAttempts: 0 })[0]?.maxAttempts).toBe(0);
  });
});

describe('which retrier is for an error', () => {
  const retry = retriers(
    { ErrorEquals: ['Declined', 'Busy'] },
    { ErrorEquals: ['States.TaskFailed'] },
    { ErrorEquals: ['States.ALL'] },
  );

  test.each([
    ['Busy', 0],
    ['Other', 1],
    ['States.Permissions', 1],
    ['States.Timeout', 2],
    ['States.DataLimitExceeded', 1],
    ['States.Runtime', -1],
  ])('%s: %d', (error, index) => {
    expect(chooseRetrier(retry, error)).toBe(index);
  });

  test('States.Timeout also means a missed heartbeat', () => {
    expect(chooseRetrier(retriers({ ErrorEquals: ['States.Timeout'] }), 'States.HeartbeatTimeout')).toBe(0);
    expect(chooseRetrier(retriers({ ErrorEquals: ['States.HeartbeatTimeout'] }), 'States.Timeout')).toBe(-1);
  });
});
