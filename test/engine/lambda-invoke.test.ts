import { describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../../src/std/json.js';
import { type Played, play } from './driver.js';
import { machineOf } from './machines.js';

function invoke(Parameters: JsonObject): Promise<Played> {
  return play({
    definition: machineOf({
      W: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Parameters,
        Catch: [{ ErrorEquals: ['States.TaskFailed'], Next: 'Caught' }],
        End: true,
      },
      Caught: { Type: 'Pass', Parameters: { 'caught.$': '$.Error' }, End: true },
    }),
    handlers: { work: (input) => ({ output: { got: input } }) },
  });
}

function inputOf({ calls: [first] }: Played): Json | undefined {
  return first?.call.kind === 'function' ? first.call.input : undefined;
}

describe('lambda:invoke', () => {
  test.each([
    'work',
    'work:7',
    'arn:aws:lambda:us-east-1:000000000000:function:work',
    'arn:aws:lambda:us-east-1:000000000000:function:work:$LATEST',
    '000000000000:function:work',
    'function:work:alias',
  ])('finds the function in %s', async (FunctionName) => {
    const { end } = await invoke({ FunctionName, Payload: { a: 1 } });
    expect(end?.output).toMatchObject({
      Payload: { got: { a: 1 } },
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
    });
  });

  test('calls with {} when there is no payload, or null', async () => {
    expect(inputOf(await invoke({ FunctionName: 'work' }))).toEqual({});
    expect(inputOf(await invoke({ FunctionName: 'work', Payload: null }))).toEqual({});
  });

  test('takes a payload that is text for JSON, and fails where it is none', async () => {
    expect(inputOf(await invoke({ FunctionName: 'work', Payload: '[1, "two"]' }))).toEqual([1, 'two']);
    const { end, calls, history } = await invoke({ FunctionName: 'work', Payload: 'plain' });
    expect(end?.output).toEqual({ caught: 'Lambda.InvalidRequestContentException' });
    expect(calls).toEqual([]);
    expect(history.map(({ type }) => type).slice(2, 5)).toEqual([
      'TaskScheduled',
      'TaskStarted',
      'TaskFailed',
    ]);
  });

  test('never waits for a function that an expression asked not to wait for: it fails by name', async () => {
    const { end, calls } = await play({
      definition: machineOf({
        W: {
          Type: 'Task',
          QueryLanguage: 'JSONata',
          Resource: 'arn:aws:states:::lambda:invoke',
          Arguments: "{% {'FunctionName': 'work', 'InvocationType': 'Event'} %}",
          End: true,
        },
      }),
      handlers: { work: () => ({ output: 1 }) },
    });
    expect(calls).toEqual([]);
    expect(end).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: expect.stringContaining('the InvocationType "Event" of lambda:invoke'),
    });
  });

  test('answers for a function that does not exist, and calls no other', async () => {
    const { end, history } = await invoke({ FunctionName: 'nobody' });
    expect(end?.output).toEqual({ caught: 'Lambda.ResourceNotFoundException' });
    expect(history.find(({ type }) => type === 'TaskFailed')?.details).toMatchObject({
      resource: 'invoke',
      resourceType: 'lambda',
    });
  });
});
