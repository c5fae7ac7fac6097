import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/std/json.js';
import { compare, type Got } from './compare.js';
import type { Case } from './corpus.js';
import { differenceUpTo, LEVELS, type Level } from './levels.js';

const EVENTS: JsonObject[] = [
  {
    id: 1,
    previousEventId: 0,
    type: 'ExecutionStarted',
    executionStartedEventDetails: { input: { a: [1] } },
  },
  {
    id: 2,
    previousEventId: 0,
    type: 'PassStateEntered',
    stateEnteredEventDetails: { name: 'S', input: '[1, 2]' },
  },
  {
    id: 3,
    previousEventId: 2,
    type: 'ExecutionSucceeded',
    executionSucceededEventDetails: { output: 'id <uuid:1>' },
  },
];
const SHOWN: JsonObject[] = [
  {
    id: 1,
    previousEventId: 0,
    type: 'ExecutionStarted',
    executionStartedEventDetails: { input: '{"a":[1]}' },
  },
  {
    id: 2,
    previousEventId: 0,
    type: 'PassStateEntered',
    stateEnteredEventDetails: { name: 'S', input: '[1,2]' },
  },
  {
    id: 3,
    previousEventId: 2,
    type: 'ExecutionSucceeded',
    executionSucceededEventDetails: { output: '"id 7f"' },
  },
];

describe('the comparison with a recording', () => {
  test('takes JSON text for the value that it stands for, and a placeholder for any text', () => {
    expect(difference(caseWith(EVENTS), gotWith(SHOWN))).toBeUndefined();
  });

  test.each([
    ['a wrong type', 1, { type: 'TaskStateEntered' }],
    ['a wrong previous event', 2, { previousEventId: 1 }],
    ['a wrong id', 2, { id: 4 }],
    ['a wrong value', 0, { executionStartedEventDetails: { input: '{"a":[2]}' } }],
    ['a detail too many', 1, { stateEnteredEventDetails: { name: 'S', input: '[1,2]', more: true } }],
    ['a detail too few', 1, { stateEnteredEventDetails: { input: '[1,2]' } }],
    ['no text where a placeholder is', 2, { executionSucceededEventDetails: { output: '"id "' } }],
  ])('finds %s', (_, at, change) => {
    const changed = SHOWN.map((event, index) => (index === at ? { ...event, ...change } : event));
    expect(difference(caseWith(EVENTS), gotWith(changed))).toBeDefined();
  });

  test('finds an event too many, and one too few', () => {
    expect(difference(caseWith(EVENTS), gotWith(SHOWN.slice(1)))).toBeDefined();
    expect(difference(caseWith(EVENTS), gotWith([...SHOWN, ...SHOWN.slice(2)]))).toBeDefined();
  });

  test('takes a placeholder literally where the input has it', () => {
    expect(difference({ ...caseWith(EVENTS), input: '<uuid:1>' }, gotWith(SHOWN))).toBeDefined();
  });

  test('finds a wrong status, output, error, and an error that should be absent', () => {
    expect(difference(caseWith(EVENTS), { ...gotWith(SHOWN), status: 'FAILED' })).toBeDefined();
    expect(difference(caseWith(EVENTS), { ...gotWith(SHOWN), output: 2 })).toBeDefined();
    expect(difference(caseWith(EVENTS), { ...gotWith(SHOWN), error: 'E' })).toBeDefined();
  });

  test('of a sorted recording wants every event, in any order, and no other', () => {
    const sorted = [
      ...EVENTS.slice(0, 1),
      { ...EVENTS[1], id: 0, previousEventId: 0 } as JsonObject,
      ...EVENTS.slice(2),
    ];
    const one = { ...caseWith(sorted), eventsSorted: true };
    expect(difference(one, gotWith(SHOWN))).toBeUndefined();
    expect(difference(one, gotWith([...SHOWN, { ...SHOWN[1], id: 4 } as JsonObject]))).toBeDefined();
    expect(difference(one, gotWith([...SHOWN.slice(0, 1), ...SHOWN.slice(2)]))).toBeDefined();
  });
});

describe('the levels of a comparison', () => {
  const failed: Case = {
    ...caseWith(EVENTS),
    expected: { status: 'FAILED', error: 'E', cause: 'C', events: EVENTS },
  };
  const got: Got = { ...gotWith(SHOWN), status: 'FAILED', output: undefined, error: 'E', cause: 'C' };

  test.each<[Level, Partial<Got>]>([
    ['output', { status: 'SUCCEEDED' }],
    ['error', { error: 'F' }],
    ['cause', { cause: 'D' }],
    ['events', { events: [] }],
  ])('a difference in the %s is found at that level and at every one after it', (level, change) => {
    const findings = compare(failed, { ...got, ...change });
    const found = LEVELS.filter((one) => differenceUpTo(one, findings) !== undefined);
    expect(found).toEqual(LEVELS.slice(LEVELS.indexOf(level)));
  });

  test('are those of which something is recorded', () => {
    const { events: _, ...expected } = failed.expected;
    expect([...compare({ ...failed, expected }, got).keys()]).toEqual(['output', 'error', 'cause']);
    expect([...compare({ ...failed, expected: { status: null, events: EVENTS } }, got).keys()]).toEqual([
      'events',
    ]);
  });

  test('an Express execution is recorded with the last event of its log', () => {
    const endLogEvent = {
      id: '3',
      previous_event_id: '2',
      type: 'ExecutionSucceeded',
      details: { output: 'id <uuid:1>' },
      execution_arn: 'arn:<name>',
      redrive_count: '0',
    };
    const express: Case = { ...caseWith([]), expected: { status: 'SUCCEEDED', output: 1, endLogEvent } };
    expect(difference(express, gotWith(SHOWN))).toBeUndefined();
    expect(difference(express, gotWith(SHOWN.slice(0, 2)))).toBeDefined();
  });

  test('an Express execution that was waited for is recorded with the whole answer', () => {
    const response: JsonObject = {
      executionArn: 'arn:<name>',
      stateMachineArn: 'arn:<ArnPart_0idx>',
      name: '<name>',
      status: 'SUCCEEDED',
      startDate: 'datetime',
      stopDate: 'datetime',
      input: {},
      inputDetails: { included: true },
      output: 1,
      outputDetails: { included: true },
      billingDetails: { billedDurationInMilliseconds: 100 },
    };
    const found = (change: JsonObject): string | undefined =>
      difference(
        {
          ...caseWith([]),
          expected: { status: 'SUCCEEDED', output: 1, response: { ...response, ...change } },
        },
        gotWith(SHOWN),
      );
    expect(found({})).toBeUndefined();
    expect(found({ input: { a: 1 } })).toBeDefined();
    expect(found({ error: 'E' })).toBeDefined();
    expect(found({ name: 'another' })).toBeDefined();
  });

  test('each logged event is one of the history, with the details that it shows', () => {
    const logged = {
      id: '2',
      previous_event_id: '0',
      type: 'PassStateEntered',
      details: { name: 'S' },
      execution_arn: 'arn:<name>',
      redrive_count: '0',
    };
    const found = (change: JsonObject): string | undefined =>
      difference(
        {
          ...caseWith([]),
          expected: {
            status: 'SUCCEEDED',
            output: 1,
            other: { logged_execution_events: [{ ...logged, ...change }] },
          },
        },
        gotWith(SHOWN),
      );
    expect(found({})).toBeUndefined();
    expect(found({ details: { name: 'S', input: [1, 2] } })).toBeUndefined();
    expect(found({ details: { name: 'S', input: [1] } })).toBeDefined();
    expect(found({ details: {} })).toBeDefined();
    expect(found({ id: '9' })).toBeDefined();
    expect(found({ type: 'PassStateExited' })).toBeDefined();
  });
});

function difference(one: Case, got: Got): string | undefined {
  return differenceUpTo('events', compare(one, got))?.difference;
}

function caseWith(events: JsonObject[]): Case {
  return {
    id: 'one',
    category: 'one',
    kind: 'execution',
    features: [],
    definition: {},
    lambdas: {},
    expected: { status: 'SUCCEEDED', output: 1, events },
  };
}

function gotWith(events: JsonObject[]): Got {
  return {
    executionArn: 'arn:e',
    stateMachineArn: 'arn:m',
    name: 'e',
    input: {},
    status: 'SUCCEEDED',
    output: 1,
    error: undefined,
    cause: undefined,
    events,
  };
}
