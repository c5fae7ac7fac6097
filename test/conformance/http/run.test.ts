import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/std/json.js';
import { createDatabase, type TestDatabase } from '../../setup/database.js';
import type { Case } from '../corpus.js';
import { differenceUpTo } from '../levels.js';
import { runThroughHttp } from './run.js';

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:f';
const ACTIVITY = 'arn:aws:states:us-east-1:000000000000:activity:a';
const CHILD = 'arn:aws:states:us-east-1:000000000000:stateMachine:child';
const TASK = { Type: 'Task', Resource: FUNCTION, End: true };

const CASES: Case[] = [
  caseOf('returns', TASK, { status: 'SUCCEEDED', output: { n: 1 } }, { f: { source: 'identity' } }),
  caseOf(
    'throws',
    TASK,
    {
      status: 'FAILED',
      error: 'E',
      cause: { errorType: 'E', errorMessage: 'M', requestId: '<uuid:1>', stackTrace: [] },
      events: null,
    },
    { f: { source: 'throw', params: { errorType: 'E', errorMessage: 'M' } } },
  ),
  caseOf(
    'returns-another',
    TASK,
    { status: 'SUCCEEDED', output: 2 },
    { f: { source: 'constant', params: { value: 1 } } },
  ),
  {
    ...caseOf(
      'worker',
      { Type: 'Task', Resource: ACTIVITY, End: true },
      { status: 'SUCCEEDED', output: 'done' },
    ),
    workers: [
      {
        workerName: null,
        steps: [
          { do: 'getActivityTask until a task is handed out' },
          { do: 'sendTaskHeartbeat' },
          { do: 'sendTaskSuccess', output: '"done"' },
        ],
      },
    ],
  },
  {
    ...caseOf(
      'child',
      {
        Type: 'Task',
        Resource: 'arn:aws:states:::states:startExecution.sync:2',
        Parameters: { StateMachineArn: CHILD },
        OutputPath: '$.Output',
        End: true,
      },
      { status: 'SUCCEEDED', output: 1 },
    ),
    stateMachines: {
      child: { definition: { StartAt: 'P', States: { P: { Type: 'Pass', Result: 1, End: true } } } },
    },
  },
  { ...caseOf('text', { Type: 'Succeed' }, { status: 'SUCCEEDED', output: [1] }), inputText: '[1.0]' },
  { ...caseOf('omitted', { Type: 'Succeed' }, { status: 'SUCCEEDED', output: {} }), inputOmitted: true },
  {
    ...caseOf('history', { Type: 'Pass', End: true }, {}),
    expected: {
      status: 'SUCCEEDED',
      output: { n: 1 },
      events: [
        event(1, 0, 'ExecutionStarted', {
          executionStartedEventDetails: {
            input: { n: 1 },
            inputDetails: { truncated: false },
            roleArn: 'snf_role_arn',
          },
        }),
        event(2, 0, 'PassStateEntered', {
          stateEnteredEventDetails: { name: 'S', input: { n: 1 }, inputDetails: { truncated: false } },
        }),
        event(3, 2, 'PassStateExited', {
          stateExitedEventDetails: { name: 'S', output: { n: 1 }, outputDetails: { truncated: false } },
        }),
        event(4, 3, 'ExecutionSucceeded', {
          executionSucceededEventDetails: { output: { n: 1 }, outputDetails: { truncated: false } },
        }),
      ],
    },
  },
  {
    ...caseOf('refused', { Type: 'Pass' }, {}),
    kind: 'create-error',
    expected: {
      apiError: { code: 'InvalidDefinition', message: "Invalid State Machine Definition: '<what>'" },
    },
  },
  {
    ...caseOf('not-refused', { Type: 'Succeed' }, {}),
    kind: 'create-error',
    expected: { apiError: { code: 'InvalidDefinition', message: 'any' } },
  },
  {
    ...caseOf('valid', { Type: 'Succeed' }, {}),
    kind: 'validate-definition',
    expected: { result: 'OK', diagnostics: [] },
  },
  caseOf('slow', { Type: 'Wait', Seconds: 4, End: true }, { status: 'SUCCEEDED', output: { n: 1 } }),
];

describe('cases through a service', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  test('are as expected, or their difference is found; what takes long is left out', async () => {
    const results = await runThroughHttp(CASES, { slow: false, databaseUrl: database.url });
    const found = results.map(({ one, outcome }) => [
      one.id,
      outcome.kind === 'compared'
        ? (differenceUpTo('events', outcome.findings)?.difference ?? 'same')
        : outcome.kind,
    ]);
    expect(Object.fromEntries(found)).toEqual({
      returns: 'same',
      throws: 'same',
      'returns-another': 'output: expected 2, got 1',
      worker: 'same',
      child: 'same',
      text: 'same',
      omitted: 'same',
      history: 'same',
      refused: 'same',
      'not-refused': 'it was not refused',
      valid: 'same',
      slow: 'leftOut',
    });
  });
});

function caseOf(
  id: string,
  state: JsonObject,
  expected: Case['expected'],
  lambdas: Case['lambdas'] = {},
): Case {
  return {
    id,
    category: 'own',
    kind: 'execution',
    features: [],
    definition: { StartAt: 'S', States: { S: state } },
    input: { n: 1 },
    lambdas,
    expected,
  };
}

function event(id: number, previousEventId: number, type: string, details: JsonObject): JsonObject {
  return { id, previousEventId, type, ...details };
}
