import { describe, expect, test } from '@jest/globals';
import {
  compileMachine,
  DIAGNOSTIC_CODES,
  type Diagnostic,
  validateDefinition,
} from '../../src/asl/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';

function codes(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ code, pointer }) => `${code} ${pointer}`).sort();
}

/** The complaints about a machine whose first state, S, is the one given; Done is there to go to. */
function complaintsAbout(state: JsonObject, others: JsonObject = {}): Diagnostic[] {
  return validateDefinition({ StartAt: 'S', States: { S: state, ...others } });
}

const DONE = { Done: { Type: 'Succeed' } };

test('says everything that is wrong at once, with where it is', () => {
  const diagnostics = validateDefinition({
    StartAt: 'Missing',
    Timeout: 5,
    States: {
      Charge: {
        Type: 'Task',
        Resource: 'arn:aws:states:::dynamodb:query',
        TimeoutSeconds: 0,
        InputPath: 'order',
        Parameters: { 'a.$': 'order', a: 1 },
        Retry: [{ ErrorEquals: ['States.ALL', 'X'], BackoffRate: 0.5 }],
        Catch: [{ ErrorEquals: ['X'], Next: 'Nowhere' }],
        Next: 'Decide',
        End: true,
      },
      Decide: { Type: 'Choice', Choices: [{ Variable: '$.a[*]', NumericEquals: '1', Next: 'Decide' }] },
      Odd: { Type: 'Pass', Resource: 'x', Next: 'Odd' },
      Unknown: { Type: 'Loop' },
    },
  });
  expect(codes(diagnostics)).toEqual(
    [
      'INVALID_JSON_PATH /States/Charge/InputPath',
      'INVALID_JSON_PATH /States/Decide/Choices/0/Variable',
      'MISSING_TRANSITION_TARGET /StartAt',
      'MISSING_TRANSITION_TARGET /States/Charge/Catch/0/Next',
      'SCHEMA_VALIDATION_FAILED ',
      'SCHEMA_VALIDATION_FAILED /States/Charge',
      'SCHEMA_VALIDATION_FAILED /States/Charge/Parameters',
      'SCHEMA_VALIDATION_FAILED /States/Charge/Parameters',
      'SCHEMA_VALIDATION_FAILED /States/Charge/Resource',
      'SCHEMA_VALIDATION_FAILED /States/Charge/Retry/0/BackoffRate',
      'SCHEMA_VALIDATION_FAILED /States/Charge/Retry/0/ErrorEquals',
      'SCHEMA_VALIDATION_FAILED /States/Charge/TimeoutSeconds',
      'SCHEMA_VALIDATION_FAILED /States/Decide/Choices/0/NumericEquals',
      'SCHEMA_VALIDATION_FAILED /States/Odd',
      'SCHEMA_VALIDATION_FAILED /States/Unknown',
      'SCHEMA_VALIDATION_FAILED /States/Unknown/Type',
    ].sort(),
  );
});

test('a definition without complaints compiles', () => {
  const definition: JsonObject = {
    Comment: 'all kinds of states',
    Version: '1.0',
    TimeoutSeconds: 60,
    StartAt: 'P',
    States: {
      P: { Type: 'Pass', Comment: 'first', Next: 'T' },
      T: {
        Type: 'Task',
        Resource: 'arn:aws:lambda:us-east-1:000000000000:function:charge:$LATEST',
        Retry: [{ ErrorEquals: ['States.ALL'], MaxAttempts: 0, JitterStrategy: 'FULL', MaxDelaySeconds: 9 }],
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'F' }],
        Next: 'C',
      },
      C: { Type: 'Choice', Choices: [{ Not: { Variable: '$.a', IsNull: true }, Next: 'W' }], Default: 'L' },
      W: { Type: 'Wait', SecondsPath: '$.s', Next: 'M' },
      M: {
        Type: 'Map',
        MaxConcurrency: 2,
        ItemProcessor: {
          ProcessorConfig: { Mode: 'INLINE' },
          StartAt: 'I',
          States: {
            I: {
              Type: 'Task',
              Resource: 'arn:aws:states:::lambda:invoke',
              Parameters: { FunctionName: 'f' },
              End: true,
            },
          },
        },
        End: true,
      },
      L: { Type: 'Parallel', Branches: [{ StartAt: 'B', States: { B: { Type: 'Succeed' } } }], End: true },
      F: { Type: 'Fail', ErrorPath: '$.Error', Cause: 'caught' },
    },
  };
  expect(validateDefinition(definition)).toEqual([]);
  const machine = compileMachine(definition);
  expect([...machine.states.values()].map(({ type }) => type)).toEqual([
    'Pass',
    'Task',
    'Choice',
    'Wait',
    'Map',
    'Parallel',
    'Fail',
  ]);
  expect(machine.states.get('T')).toMatchObject({
    integration: { kind: 'function', functionName: 'charge' },
  });
});

describe('what AWS refuses, in its words', () => {
  test.each<[string, JsonObject, string, string]>([
    ['no States', { StartAt: 'A' }, '', 'These fields are required: [States]'],
    ['no StartAt', { States: { A: { Type: 'Succeed' } } }, '', 'These fields are required: [StartAt]'],
    [
      'an unknown Type',
      { StartAt: 'A', States: { A: { Type: 'task' } } },
      '/States/A/Type',
      "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]",
    ],
    [
      'credentials without a role',
      { StartAt: 'A', States: { A: { Type: 'Task', Resource: 'f', Credentials: {}, End: true } } },
      '/States/A/Credentials',
      "The field 'RoleArn' is required but was missing",
    ],
    [
      'no branches',
      { StartAt: 'A', States: { A: { Type: 'Parallel', Branches: [], End: true } } },
      '/States/A/Branches',
      'Value cannot be empty',
    ],
    [
      'a bad timestamp',
      { StartAt: 'A', States: { A: { Type: 'Wait', Timestamp: '2016-12-05 21:29:29Z', End: true } } },
      '/States/A/Timestamp',
      'String does not match RFC3339 timestamp',
    ],
    [
      'a bad function call',
      {
        StartAt: 'A',
        States: { A: { Type: 'Pass', Parameters: { 'p.$': "States.StringToJson('\\\"')" }, End: true } },
      },
      '/States/A/Parameters',
      "The value for the field 'p.$' must be a valid JSONPath or a valid intrinsic function call",
    ],
  ])('%s', (_what, definition, pointer, message) => {
    expect(validateDefinition(definition)).toContainEqual({
      severity: 'ERROR',
      code: 'SCHEMA_VALIDATION_FAILED',
      pointer,
      message,
    });
  });

  test.each([
    [
      'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
      "Express state machine does not support '.waitForTaskToken' service integration ",
    ],
    [
      'arn:aws:states:::states:startExecution.sync',
      "Express state machine does not support '.sync' service integration",
    ],
    [
      'arn:aws:states:::states:startExecution.sync:2',
      "Express state machine does not support '.sync' service integration",
    ],
    [
      'arn:aws:states:::lambda:invoke.waitForTaskToken',
      "Express state machine does not support '.waitForTaskToken' service integration ",
    ],
    [
      'arn:aws:states:us-east-1:000000000000:activity:a',
      'Express state machine does not support Activity ARN',
    ],
  ])('%s in an Express machine', (resource, message) => {
    const task = { Type: 'Task', Resource: resource, Parameters: { StateMachineArn: 'm' }, End: true };
    const definition = { StartAt: 'A', States: { A: task } };
    expect(validateDefinition(definition, { type: 'EXPRESS' })).toMatchObject([
      { pointer: '/States/A/Resource', message },
    ]);
    expect(validateDefinition(definition)).not.toContainEqual(expect.objectContaining({ message }));
  });
});

describe('ways that lead nowhere are told as AWS tells them', () => {
  const target = (pointer: string): object => ({ pointer, message: "Missing 'Next' target: Nowhere" });

  test('a missing target is a Next, whatever field names it', () => {
    const definition = {
      StartAt: 'Nowhere',
      States: {
        C: { Type: 'Choice', Choices: [{ Variable: '$.a', IsNull: true, Next: 'T' }], Default: 'Nowhere' },
        T: {
          Type: 'Task',
          Resource: 'f',
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Nowhere' }],
          Next: 'Nowhere',
        },
        End: { Type: 'Succeed' },
      },
    };
    expect(validateDefinition(definition)).toMatchObject(
      ['/StartAt', '/States/C/Default', '/States/T/Next', '/States/T/Catch/0/Next'].map(target),
    );
  });

  test('states that go round in circles are one complaint, also when some are out of reach', () => {
    const circle = { S: { Type: 'Pass', Next: 'T' }, T: { Type: 'Pass', Next: 'S' } };
    const endless = [{ code: 'MISSING_END_STATE', pointer: '', message: 'Workflow has no terminal state' }];
    expect(validateDefinition({ StartAt: 'S', States: circle })).toMatchObject(endless);
    const more = { ...circle, U: { Type: 'Pass', Next: 'S' } };
    expect(validateDefinition({ StartAt: 'S', States: more })).toMatchObject(endless);
  });

  test('an end that is out of reach is said to be so', () => {
    const states = { S: { Type: 'Pass', Next: 'S' }, C: { Type: 'Pass', End: true } };
    expect(validateDefinition({ StartAt: 'S', States: states })).toMatchObject([
      { pointer: '/States/C', message: 'State "C" is not reachable.' },
    ]);
  });

  test('a missing target comes before the missing end', () => {
    expect(complaintsAbout({ Type: 'Pass', Next: 'Nowhere' })).toMatchObject([
      target('/States/S/Next'),
      { code: 'MISSING_END_STATE' },
    ]);
  });
});

describe('one complaint for one fault', () => {
  const PASS_GROUP = { StartAt: 'I', States: { I: { Type: 'Pass', End: true } } };
  test.each<[string, JsonObject, string]>([
    ['neither Next nor End', { Type: 'Pass' }, 'SCHEMA_VALIDATION_FAILED /States/S'],
    ['Next and End', { Type: 'Pass', Next: 'Done', End: true }, 'SCHEMA_VALIDATION_FAILED /States/S'],
    [
      'Next on a Choice',
      { Type: 'Choice', Choices: [{ Variable: '$.a', IsNull: true, Next: 'Done' }], Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S',
    ],
    [
      'two pauses',
      { Type: 'Wait', Seconds: 1, SecondsPath: '$.s', Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S',
    ],
    ['no pause', { Type: 'Wait', Next: 'Done' }, 'SCHEMA_VALIDATION_FAILED /States/S'],
    [
      'negative seconds',
      { Type: 'Wait', Seconds: -1, Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S/Seconds',
    ],
    [
      'ErrorPath with Error',
      { Type: 'Fail', Error: 'E', ErrorPath: '$.e' },
      'SCHEMA_VALIDATION_FAILED /States/S',
    ],
    [
      'a function without text',
      { Type: 'Fail', CausePath: 'States.ArrayLength($.e)' },
      'SCHEMA_VALIDATION_FAILED /States/S/CausePath',
    ],
    [
      'two operators',
      { Type: 'Choice', Choices: [{ Variable: '$.a', IsNull: true, IsString: true, Next: 'Done' }] },
      'SCHEMA_VALIDATION_FAILED /States/S/Choices/0',
    ],
    [
      'no operator',
      { Type: 'Choice', Choices: [{ Variable: '$.a', Next: 'Done' }] },
      'SCHEMA_VALIDATION_FAILED /States/S/Choices/0',
    ],
    [
      'no Variable',
      { Type: 'Choice', Choices: [{ IsNull: true, Next: 'Done' }] },
      'SCHEMA_VALIDATION_FAILED /States/S/Choices/0',
    ],
    [
      'Next in a nested rule',
      { Type: 'Choice', Choices: [{ Not: { Variable: '$.a', IsNull: true, Next: 'Done' }, Next: 'Done' }] },
      'SCHEMA_VALIDATION_FAILED /States/S/Choices/0/Not/Next',
    ],
    [
      'a bad pattern',
      { Type: 'Choice', Choices: [{ Variable: '$.a', StringMatches: 'a\\b', Next: 'Done' }] },
      'SCHEMA_VALIDATION_FAILED /States/S/Choices/0/StringMatches',
    ],
    [
      'a timeout in both ways',
      { Type: 'Task', Resource: 'f', TimeoutSeconds: 1, TimeoutSecondsPath: '$.t', Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S',
    ],
    [
      'a heartbeat as long as the timeout',
      { Type: 'Task', Resource: 'f', TimeoutSeconds: 5, HeartbeatSeconds: 5, Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S/HeartbeatSeconds',
    ],
    [
      'no FunctionName',
      { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', Parameters: {}, Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S/Parameters',
    ],
    [
      'an invalid alias',
      { Type: 'Task', Resource: 'arn:aws:lambda:r:1:function:F:$*#', Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S/Resource',
    ],
    [
      'States.ALL before the last',
      {
        Type: 'Task',
        Resource: 'f',
        Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['E'] }],
        Next: 'Done',
      },
      'SCHEMA_VALIDATION_FAILED /States/S/Retry/0/ErrorEquals',
    ],
    [
      'IntervalSeconds of zero',
      { Type: 'Task', Resource: 'f', Retry: [{ ErrorEquals: ['E'], IntervalSeconds: 0 }], Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S/Retry/0/IntervalSeconds',
    ],
    [
      'negative MaxAttempts',
      { Type: 'Task', Resource: 'f', Retry: [{ ErrorEquals: ['E'], MaxAttempts: -1 }], Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S/Retry/0/MaxAttempts',
    ],
    [
      'no such jitter',
      { Type: 'Task', Resource: 'f', Retry: [{ ErrorEquals: ['E'], JitterStrategy: 'SOME' }], Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S/Retry/0/JitterStrategy',
    ],
    [
      'an error that is no name',
      { Type: 'Task', Resource: 'f', Catch: [{ ErrorEquals: [true], Next: 'Done' }], Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S/Catch/0/ErrorEquals/0',
    ],
    [
      'a ResultPath into the context',
      { Type: 'Pass', ResultPath: '$$.a', Next: 'Done' },
      'INVALID_JSON_PATH /States/S/ResultPath',
    ],
    [
      'a ResultPath to many places',
      { Type: 'Pass', ResultPath: '$.a[*]', Next: 'Done' },
      'INVALID_JSON_PATH /States/S/ResultPath',
    ],
    [
      'a template field that is no string',
      { Type: 'Pass', Parameters: { b: [{ 'a.$': 5 }] }, Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S/Parameters/b/0',
    ],
    ['no item processor', { Type: 'Map', Next: 'Done' }, 'SCHEMA_VALIDATION_FAILED /States/S'],
    [
      'a way out of the item processor',
      {
        Type: 'Map',
        ItemProcessor: {
          StartAt: 'I',
          States: {
            I: { Type: 'Choice', Choices: [{ Variable: '$.a', IsNull: true, Next: 'J' }], Default: 'Done' },
            J: { Type: 'Pass', End: true },
          },
        },
        Next: 'Done',
      },
      'MISSING_TRANSITION_TARGET /States/S/ItemProcessor/States/I/Default',
    ],
    [
      'a name used in another group',
      {
        Type: 'Parallel',
        Branches: [{ StartAt: 'Done', States: { Done: { Type: 'Pass', End: true } } }],
        Next: 'Done',
      },
      'DUPLICATE_STATE_NAME /States/Done',
    ],
    [
      'a branch that is no object',
      { Type: 'Parallel', Branches: [PASS_GROUP, []], Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S/Branches/1',
    ],
    [
      'U+0000 in a value',
      { Type: 'Pass', Result: ['a\u0000'], Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S/Result/0',
    ],
    [
      'U+0000 in a key',
      { Type: 'Pass', Result: { 'a\u0000': 1 }, Next: 'Done' },
      'SCHEMA_VALIDATION_FAILED /States/S/Result',
    ],
  ])('%s', (_fault, state, expected) => {
    const reached = JSON.stringify(state).includes('Done') ? DONE : {};
    expect(codes(complaintsAbout(state, reached))).toEqual([expected]);
  });

  test('a name of more than 80 characters', () => {
    const name = 'x'.repeat(81);
    expect(codes(validateDefinition({ StartAt: name, States: { [name]: { Type: 'Succeed' } } }))).toEqual([
      `INVALID_STATE_NAME /States/${name}`,
    ]);
  });

  test('a state that nothing leads to', () => {
    expect(complaintsAbout({ Type: 'Pass', End: true }, DONE)).toMatchObject([
      {
        code: 'MISSING_TRANSITION_TARGET',
        pointer: '/States/Done',
        message: 'State "Done" is not reachable.',
      },
    ]);
  });

  test('states that never end', () => {
    expect(codes(complaintsAbout({ Type: 'Pass', Next: 'S' }))).toEqual(['MISSING_END_STATE ']);
  });

  test('a pointer escapes the slash and the tilde of a name', () => {
    expect(codes(validateDefinition({ StartAt: 'a/b~c', States: { 'a/b~c': { Type: 'Pass' } } }))).toContain(
      'SCHEMA_VALIDATION_FAILED /States/a~1b~0c',
    );
  });

  test('a reserved error name that does not exist is only warned of', () => {
    const diagnostics = complaintsAbout({
      Type: 'Task',
      Resource: 'f',
      Retry: [{ ErrorEquals: ['States.Nope'] }],
      End: true,
    });
    expect(diagnostics).toMatchObject([{ severity: 'WARNING', code: 'UNKNOWN_ERROR_NAME' }]);
  });
});

describe('what is not built yet is refused by name', () => {
  test.each<[string, JsonObject, string]>([
    [
      'sns:publish',
      { Type: 'Task', Resource: 'arn:aws:states:::sns:publish', End: true },
      '/States/S/Resource',
    ],
    [
      'aws-sdk:s3:getObject',
      { Type: 'Task', Resource: 'arn:aws:states:::aws-sdk:s3:getObject', End: true },
      '/States/S/Resource',
    ],
    [
      'sqs:sendMessage.waitForTaskToken',
      { Type: 'Task', Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken', End: true },
      '/States/S/Resource',
    ],
    [
      'aws-sdk:sfn:startExecution.waitForTaskToken',
      { Type: 'Task', Resource: 'arn:aws:states:::aws-sdk:sfn:startExecution.waitForTaskToken', End: true },
      '/States/S/Resource',
    ],
    [
      'ecs:runTask.sync',
      { Type: 'Task', Resource: 'arn:aws:states:::ecs:runTask.sync', End: true },
      '/States/S/Resource',
    ],
  ])('%s', (feature, state, pointer) => {
    const [first, ...rest] = complaintsAbout(state);
    expect(rest).toEqual([]);
    expect(first).toMatchObject({ severity: 'ERROR', code: 'NOT_SUPPORTED_YET', pointer });
    expect(first?.message).toContain(feature);
  });
});

test('every complaint has a code of the list and a message', () => {
  const odd: Json[] = [null, 1, 'x', [], {}, [[]], { Type: 'Task' }];
  for (const field of [
    'StartAt',
    'States',
    'Comment',
    'TimeoutSeconds',
    'QueryLanguage',
    'Version',
    'Other',
  ]) {
    for (const value of odd) {
      for (const { code, message } of validateDefinition({ [field]: value })) {
        expect(Object.keys(DIAGNOSTIC_CODES)).toContain(code);
        expect(message).not.toBe('');
      }
    }
  }
});
