import { describe, expect, test } from '@jest/globals';
import type { HistoryEvent } from '../../src/engine/index.js';
import { type ExecutionFacts, judge } from './verdict.js';

const ID = '00000000-0000-0000-0000-000000000001';

/** An execution of one task, as it should be. */
function sound(): ExecutionFacts & { events: HistoryEvent[] } {
  const events: HistoryEvent[] = [
    event(1, 'ExecutionStarted'),
    event(2, 'TaskStateEntered'),
    event(3, 'LambdaFunctionScheduled'),
    event(4, 'LambdaFunctionStarted'),
    { ...event(5, 'LambdaFunctionSucceeded'), details: { output: { call: 7, key: 'k' } } },
    event(6, 'TaskStateExited'),
    event(7, 'ExecutionSucceeded'),
  ];
  const calls = [{ id: 7, key: 'k', executionId: ID, pid: 1 }];
  return {
    executionId: ID,
    status: 'SUCCEEDED',
    owner: null,
    hasWakeTime: false,
    events,
    calls,
    answeredTokens: [],
  };
}

function event(id: number, type: HistoryEvent['type']): HistoryEvent {
  return { id, previousEventId: id - 1, type, timestamp: 0 };
}

function complaints(facts: ExecutionFacts): string[] {
  return judge(facts).map(({ complaint, what }) => `${complaint}: ${what}`);
}

describe('the verdict', () => {
  test('has no complaint of an execution that ran once, nor of a call that was interrupted before', () => {
    const facts = sound();
    expect(complaints(facts)).toEqual([]);
    const interrupted = [{ id: 6, key: 'k', executionId: ID, pid: 2 }, ...facts.calls];
    expect(complaints({ ...facts, calls: interrupted })).toEqual([]);
  });

  test('finds what has not ended, and what nobody will wake', () => {
    expect(complaints({ ...sound(), status: 'RUNNING' })).toEqual([
      'lost: it has not ended',
      'unsound: nobody has it, and nothing will wake it',
    ]);
  });

  test('finds an execution that ended otherwise than it should, or is owned after its end', () => {
    expect(complaints({ ...sound(), status: 'FAILED' })).toEqual(['unsound: it is FAILED']);
    expect(complaints({ ...sound(), owner: ID })).toEqual(['unsound: it has ended and is owned']);
  });

  test('finds a gap in the history', () => {
    const facts = sound();
    facts.events.splice(1, 1);
    expect(complaints(facts)).toContain('unsound: event 2 has the id 3');
  });

  test('finds a second outcome of one call', () => {
    const facts = sound();
    facts.events.splice(5, 0, { ...event(6, 'LambdaFunctionFailed'), previousEventId: 4 });
    expect(complaints(facts)).toContain(
      'doubled: event 6, LambdaFunctionFailed, is the second outcome of one call',
    );
  });

  test('finds two results of one key, a result of no call, and a call after its result', () => {
    const facts = sound();
    const again = { ...event(8, 'LambdaFunctionSucceeded'), details: { output: { call: 8, key: 'k' } } };
    const later = { id: 8, key: 'k', executionId: ID, pid: 2 };
    expect(
      complaints({ ...facts, events: [...facts.events, again], calls: [...facts.calls, later] }),
    ).toContain('doubled: two results of k were committed');
    expect(complaints({ ...facts, calls: [] })).toEqual([
      'unsound: the result of event 5 comes from no call in the ledger',
    ]);
    expect(complaints({ ...facts, calls: [...facts.calls, later] })).toEqual([
      'late: k was called after its result was committed',
    ]);
  });

  test('finds an answer to a token that was acknowledged and not used', () => {
    expect(complaints({ ...sound(), answeredTokens: ['t'] })).toEqual([
      'unsound: the answer to its token was not used',
    ]);
  });
});
