import { describe, expect, test } from '@jest/globals';
import { deriveStateRecords, outputOfState, toAwsEvent } from '../../src/engine/index.js';
import { play, START_MS } from './driver.js';
import { FAILING, inlineMap, machineOf, parallel, task } from './machines.js';

describe('an event as AWS shows it', () => {
  test('has values as JSON text, under the name of its type', async () => {
    const { history } = await play({
      definition: machineOf({ W: task('work') }),
      input: { a: 1 },
      about: { roleArn: 'role' },
      handlers: { work: () => ({ output: 'done' }) },
    });
    expect(history.map(toAwsEvent).slice(0, 5)).toEqual([
      {
        id: 1,
        previousEventId: 0,
        type: 'ExecutionStarted',
        timestamp: START_MS,
        executionStartedEventDetails: {
          input: '{"a":1}',
          inputDetails: { truncated: false },
          roleArn: 'role',
        },
      },
      {
        id: 2,
        previousEventId: 0,
        type: 'TaskStateEntered',
        timestamp: START_MS,
        stateEnteredEventDetails: { name: 'W', input: '{"a":1}', inputDetails: { truncated: false } },
      },
      {
        id: 3,
        previousEventId: 2,
        type: 'LambdaFunctionScheduled',
        timestamp: START_MS,
        lambdaFunctionScheduledEventDetails: {
          input: '{"a":1}',
          inputDetails: { truncated: false },
          resource: 'work',
        },
      },
      { id: 4, previousEventId: 3, type: 'LambdaFunctionStarted', timestamp: START_MS },
      {
        id: 5,
        previousEventId: 4,
        type: 'LambdaFunctionSucceeded',
        timestamp: START_MS,
        lambdaFunctionSucceededEventDetails: { output: '"done"', outputDetails: { truncated: false } },
      },
    ]);
  });
});

describe('the records of states', () => {
  test('say for each entry how it went, when, and how often it was retried', async () => {
    const { history } = await play({
      definition: machineOf({
        Flaky: task('flaky', {
          Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 2 }],
          Next: 'Broken',
        }),
        Broken: task('broken', { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'End' }], Next: 'End' }),
        End: { Type: 'Fail', Error: 'Over', Cause: 'at the end' },
      }),
      handlers: {
        flaky: (_, { attempt }) => (attempt === 0 ? { error: 'Flaky', cause: 'once' } : { output: 1 }),
        broken: () => ({ error: 'Broken', cause: 'always' }),
      },
    });
    const at = START_MS + 2000;
    expect(deriveStateRecords(history)).toEqual([
      {
        stateName: 'Flaky',
        stateType: 'Task',
        status: 'SUCCEEDED',
        input: {},
        output: 1,
        startTimeMs: START_MS,
        endTimeMs: at,
        retryCount: 1,
        sequenceNumber: 1,
      },
      {
        stateName: 'Broken',
        stateType: 'Task',
        status: 'CAUGHT',
        input: 1,
        output: { Error: 'Broken', Cause: 'always' },
        error: 'Broken',
        cause: 'always',
        startTimeMs: at,
        endTimeMs: at,
        retryCount: 0,
        sequenceNumber: 2,
      },
      {
        stateName: 'End',
        stateType: 'Fail',
        status: 'FAILED',
        input: { Error: 'Broken', Cause: 'always' },
        error: 'Over',
        cause: 'at the end',
        startTimeMs: at,
        endTimeMs: at,
        retryCount: 0,
        sequenceNumber: 3,
      },
    ]);
  });

  test('tell iterations of the same state apart, though their events lie between each other', async () => {
    const { history } = await play({
      definition: machineOf({
        M: inlineMap({ A: task('work', { Next: 'B' }), B: { Type: 'Pass', End: true } }, { Next: 'Z' }),
        Z: { Type: 'Succeed' },
      }),
      input: [3, 1, 2],
      handlers: { work: (input) => ({ output: `did ${String(input)}`, afterMs: Number(input) * 100 }) },
    });
    const records = deriveStateRecords(history);
    expect(records.every(({ status }) => status === 'SUCCEEDED')).toBe(true);
    expect(
      records
        .filter(({ stateName }) => stateName === 'A')
        .map((one) => [one.input, one.output, (one.endTimeMs ?? 0) - one.startTimeMs]),
    ).toEqual([
      [3, 'did 3', 300],
      [1, 'did 1', 100],
      [2, 'did 2', 200],
    ]);
    expect(records.find(({ stateName }) => stateName === 'M')?.output).toEqual(['did 3', 'did 1', 'did 2']);
    expect(records.map(({ stateName }) => stateName).at(-1)).toBe('Z');
  });

  test('say what failed, what was cut, and what started again', async () => {
    const { history } = await play({
      definition: machineOf({
        P: parallel(
          [
            FAILING,
            { Slow: task('slow') },
            { M: inlineMap({ W: { Type: 'Wait', Seconds: 60, End: true } }, { ItemsPath: '$.items' }) },
          ],
          {
            Retry: [{ ErrorEquals: ['Boom'], MaxAttempts: 1 }],
            Catch: [{ ErrorEquals: ['Boom'], Next: 'Z' }],
            Next: 'Z',
          },
        ),
        Z: { Type: 'Succeed' },
      }),
      input: { items: [1, 2] },
      handlers: { slow: () => ({ output: 1, afterMs: 60_000 }) },
    });
    const statuses = deriveStateRecords(history).map(({ stateName, status, retryCount }) => [
      stateName,
      status,
      retryCount,
    ]);
    const attempt = [
      ['Pause', 'SUCCEEDED', 0],
      ['Slow', 'ABORTED', 0],
      ['M', 'ABORTED', 0],
      ['W', 'ABORTED', 0],
      ['W', 'ABORTED', 0],
      ['Boom', 'FAILED', 0],
    ];
    expect(statuses).toEqual([['P', 'CAUGHT', 1], ...attempt, ...attempt, ['Z', 'SUCCEEDED', 0]]);
  });

  test('name the error of a caught Parallel or Map, and of the state inside that failed', async () => {
    const handling = {
      Retry: [{ ErrorEquals: ['Boom'], MaxAttempts: 1 }],
      // The error is nowhere in what the state hands on.
      Catch: [{ ErrorEquals: ['Boom'], ResultPath: null, Next: 'Z' }],
      Next: 'Z',
    };
    for (const group of [parallel([FAILING], handling), inlineMap(FAILING, handling)]) {
      const { history } = await play({
        definition: machineOf({ G: group, Z: { Type: 'Succeed' } }),
        input: [1],
      });
      const boom = { error: 'Boom', cause: 'a sibling failed' };
      expect(deriveStateRecords(history)).toMatchObject([
        { stateName: 'G', status: 'CAUGHT', retryCount: 1, ...boom },
        { stateName: 'Pause', status: 'SUCCEEDED' },
        { stateName: 'Boom', status: 'FAILED', ...boom },
        { stateName: 'Pause', status: 'SUCCEEDED' },
        { stateName: 'Boom', status: 'FAILED', ...boom },
        { stateName: 'Z', status: 'SUCCEEDED' },
      ]);
      // AWS's history has no details there, so what is shown has none either.
      const shown = history.map(toAwsEvent).filter(({ type }) => /^(Parallel|Map)StateFailed$/.test(type));
      expect(shown.map((event) => Object.keys(event))).toEqual([
        ['id', 'previousEventId', 'type', 'timestamp'],
      ]);
    }
  });

  test('a group that succeeds when it is tried again has no error', async () => {
    let calls = 0;
    const { history } = await play({
      definition: machineOf({
        P: parallel([{ T: task('flaky') }], { Retry: [{ ErrorEquals: ['States.ALL'] }] }),
      }),
      handlers: { flaky: () => (calls++ === 0 ? { error: 'Flaky', cause: 'once' } : { output: 1 }) },
    });
    const [group, ...tasks] = deriveStateRecords(history);
    expect(group).toMatchObject({ status: 'SUCCEEDED', retryCount: 1 });
    expect(group).not.toHaveProperty('error');
    expect(tasks).toMatchObject([{ status: 'FAILED', error: 'Flaky' }, { status: 'SUCCEEDED' }]);
  });

  test('a state that fails after its task has answered is caught with that error', async () => {
    const { history } = await play({
      definition: machineOf({
        T: task('work', {
          ResultSelector: { 'a.$': 'States.StringToJson($.text)' },
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Z' }],
          Next: 'Z',
        }),
        Z: { Type: 'Succeed' },
      }),
      handlers: { work: () => ({ output: { text: '{' } }) },
    });
    expect(deriveStateRecords(history)[0]).toMatchObject({
      status: 'CAUGHT',
      error: 'States.IntrinsicFailure',
    });
  });

  test('of a running execution say what runs', async () => {
    const { history } = await play({
      definition: machineOf({ A: { Type: 'Pass', Next: 'P' }, P: parallel([{ W: task('work') }]) }),
      handlers: { work: () => ({ output: 1 }) },
    });
    const soFar = history.slice(
      0,
      history.findIndex(({ type }) => type === 'LambdaFunctionStarted'),
    );
    expect(deriveStateRecords(soFar).map(({ stateName, status }) => [stateName, status])).toEqual([
      ['A', 'SUCCEEDED'],
      ['P', 'RUNNING'],
      ['W', 'RUNNING'],
    ]);
  });

  test('of a stopped or timed out execution leave nothing running', async () => {
    const definition = machineOf(
      { P: parallel([{ W: { Type: 'Wait', Seconds: 60, End: true } }]) },
      { TimeoutSeconds: 5 },
    );
    const timedOut = await play({ definition });
    expect(deriveStateRecords(timedOut.history)).toMatchObject([
      { status: 'TIMED_OUT', error: 'States.Timeout' },
      { status: 'TIMED_OUT', error: 'States.Timeout' },
    ]);
    const stopped = await play({ definition, signals: [{ atMs: 1, happening: { kind: 'stop' } }] });
    expect(deriveStateRecords(stopped.history).map(({ status }) => status)).toEqual(['ABORTED', 'ABORTED']);
  });

  test('name the error of a task that times out, and fail what is around an uncaught failure', async () => {
    const { history } = await play({
      definition: machineOf({ M: inlineMap({ W: task('work', { TimeoutSeconds: 1 }) }) }),
      input: [1],
      handlers: { work: () => ({ output: 1, afterMs: 5000 }) },
    });
    expect(deriveStateRecords(history)).toMatchObject([
      { stateName: 'M', status: 'FAILED', error: 'States.Timeout' },
      { stateName: 'W', status: 'FAILED', error: 'States.Timeout' },
    ]);
  });
});

test('the output of a state is the last one that it left', async () => {
  const { history } = await play({
    definition: machineOf({
      Add: { Type: 'Pass', Parameters: { 'n.$': 'States.MathAdd($.n, 1)' }, Next: 'Enough' },
      Enough: {
        Type: 'Choice',
        Choices: [{ Variable: '$.n', NumericLessThan: 3, Next: 'Add' }],
        Default: 'Done',
      },
      Done: { Type: 'Succeed' },
    }),
    input: { n: 0 },
  });
  expect(outputOfState(history, 'Add')).toEqual({ n: 3 });
  expect(outputOfState(history, 'Nowhere')).toBeUndefined();
});
