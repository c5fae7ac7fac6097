import { describe, expect, test } from '@jest/globals';
import type { HistoryEvent } from '../../src/engine/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';
import { type Handler, type Played, play, type Script } from './driver.js';
import { machineOf, parallel, task } from './machines.js';

const ACTIVITY = 'arn:aws:states:us-east-1:000000000000:activity:pack';

function types(history: readonly HistoryEvent[]): string[] {
  return history.map(({ type }) => type);
}

function eventOf({ history }: Played, type: string): HistoryEvent | undefined {
  return history.find((event) => event.type === type);
}

describe('a task that waits for its token', () => {
  const callback = (handler: Handler, more: JsonObject = {}, script: Partial<Script> = {}): Promise<Played> =>
    play({
      definition: machineOf({
        Ask: task('arn:aws:states:::lambda:invoke.waitForTaskToken', {
          Parameters: { FunctionName: 'ask', Payload: { 'token.$': '$$.Task.Token' } },
          ...more,
        }),
      }),
      handlers: { ask: handler },
      ...script,
    });

  test('ends with what comes back with it, not with what the function answers', async () => {
    const played = await callback(() => ({
      output: 'asked',
      callback: { output: { yes: 1 }, afterMs: 60_000 },
    }));
    expect(played.end).toMatchObject({ status: 'SUCCEEDED', output: { yes: 1 } });
    expect(types(played.history).slice(2, 7)).toEqual([
      'TaskScheduled',
      'TaskStarted',
      'TaskSubmitted',
      'TaskSucceeded',
      'TaskStateExited',
    ]);
    expect(eventOf(played, 'TaskSubmitted')?.details).toMatchObject({
      resource: 'invoke.waitForTaskToken',
      resourceType: 'lambda',
      output: { Payload: 'asked', StatusCode: 200 },
    });
    expect(played.elapsedMs).toBe(60_000);
  });

  test('hands out a token that is in its parameters', async () => {
    const { calls } = await callback(() => ({ output: null, callback: { output: null } }));
    const [call] = calls;
    if (call?.call.kind !== 'function') throw new Error('no call');
    expect(call.call.token).toMatch(/^[\da-f]{64}$/);
    expect(call.call.input).toEqual({ token: call.call.token });
  });

  test('takes a callback that is quicker than the function, after the function has answered', async () => {
    const played = await callback(() => ({ output: 'late', afterMs: 5_000, callback: { output: 'quick' } }));
    expect(played.end?.output).toBe('quick');
    expect(types(played.history).slice(3, 6)).toEqual(['TaskStarted', 'TaskSubmitted', 'TaskSucceeded']);
    expect(played.elapsedMs).toBe(5_000);
  });

  test('does not time out when the callback has come in time, though the function has not answered', async () => {
    const quick = { output: 'late', afterMs: 60_000, callback: { output: 'quick' } };
    const played = await callback(() => quick, { TimeoutSeconds: 9 });
    expect(played.end?.output).toBe('quick');
    expect(types(played.history).slice(3, 5)).toEqual(['TaskStarted', 'TaskSucceeded']);
    expect(played.elapsedMs).toBe(9_000);
  });

  test('fails as the callback says', async () => {
    const caught = await play({
      definition: machineOf({
        Ask: task('arn:aws:states:::lambda:invoke.waitForTaskToken', {
          Parameters: { FunctionName: 'ask', Payload: { 'token.$': '$$.Task.Token' } },
          Catch: [{ ErrorEquals: ['Refused'], Next: 'Caught' }],
        }),
        Caught: { Type: 'Pass', End: true },
      }),
      handlers: { ask: () => ({ output: null, callback: { error: 'Refused', cause: 'by the boss' } }) },
    });
    expect(caught.end?.output).toEqual({ Error: 'Refused', Cause: 'by the boss' });
  });

  test('times out when nothing comes back, and gives up its token', async () => {
    const played = await callback(() => ({ output: null }), { TimeoutSeconds: 9 });
    expect(played.end).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(played.elapsedMs).toBe(9_000);
    expect(eventOf(played, 'TaskTimedOut')).toBeDefined();
    expect(played.released.map(({ awaited }) => awaited.kind)).toEqual(['token']);
  });

  test('gives up its token when the function fails', async () => {
    const played = await callback(() => ({ error: 'Broken', cause: 'at once' }));
    expect(played.end?.error).toBe('Broken');
    expect(played.released.map(({ awaited }) => awaited.kind)).toEqual(['token']);
  });

  test('gets another token for every attempt', async () => {
    let asked = 0;
    const uuids = (): string => {
      asked += 1;
      return `00000000-0000-4000-8000-${String(asked).padStart(12, '0')}`;
    };
    const tokens = new Set<Json>();
    const played = await callback(
      (input) => {
        tokens.add((input as JsonObject)['token'] ?? null);
        return { output: null, callback: tokens.size < 3 ? { error: 'Again' } : { output: 'done' } };
      },
      { Retry: [{ ErrorEquals: ['Again'] }] },
      { uuid: uuids },
    );
    expect(played.end?.output).toBe('done');
    expect(tokens.size).toBe(3);
  });
});

describe('an activity', () => {
  const work = (script: Pick<Script, 'activities'>, more: JsonObject = {}): Promise<Played> =>
    play({ definition: machineOf({ Work: task(ACTIVITY, more) }), input: { a: 1 }, ...script });

  test('that is not there fails the execution, without being scheduled', async () => {
    const played = await work({});
    expect(types(played.history)).toEqual(['ExecutionStarted', 'TaskStateEntered', 'ExecutionFailed']);
    expect(played.end?.cause).toBe(
      `An error occurred while executing the state 'Work' (entered at the event id #2). The activity ${ACTIVITY} does not exist.`,
    );
  });

  test('takes its time from the moment in which a worker has it', async () => {
    const nobody = await work({ activities: { [ACTIVITY]: 'nobody' } }, { TimeoutSeconds: 5 });
    expect(nobody.end).toBeUndefined();
    const slow = await work(
      { activities: { [ACTIVITY]: { steps: () => [{ do: 'wait', ms: 60_000 }] } } },
      { TimeoutSeconds: 5 },
    );
    expect(slow.end).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(slow.elapsedMs).toBe(5_000);
  });

  test('that sends no heartbeat in time times out', async () => {
    const silent = await work(
      {
        activities: {
          [ACTIVITY]: {
            steps: () => [
              { do: 'wait', ms: 9_000 },
              { do: 'succeed', output: 1 },
            ],
          },
        },
      },
      { TimeoutSeconds: 60, HeartbeatSeconds: 5 },
    );
    expect(silent.end).toMatchObject({ status: 'FAILED', error: 'States.HeartbeatTimeout' });
  });
});

describe('a task that starts an execution', () => {
  const CHILD = machineOf({
    W: { Type: 'Wait', Seconds: 5, Next: 'P' },
    P: { Type: 'Pass', Result: 7, End: true },
  });
  const start = (pattern: string, more: JsonObject = {}): Promise<Played> =>
    play({
      definition: machineOf({
        Start: task(`arn:aws:states:::states:startExecution${pattern}`, {
          Parameters: { StateMachineArn: 'child', Name: 'one', Input: { b: 2 } },
          ...more,
        }),
      }),
      machines: { child: CHILD },
    });

  test('goes on at once, or waits for the end and tells it as text or as a value', async () => {
    const at = async (pattern: string): Promise<[number, Json | undefined]> => {
      const { elapsedMs, end } = await start(pattern);
      return [elapsedMs, end?.output];
    };
    expect(await at('')).toMatchObject([
      0,
      { ExecutionArn: 'arn:aws:states:us-east-1:000000000000:execution:child:one' },
    ]);
    expect(await at('.sync')).toMatchObject([5_000, { Output: '7', Input: '{"b":2}', Status: 'SUCCEEDED' }]);
    expect(await at('.sync:2')).toMatchObject([5_000, { Output: 7, Input: { b: 2 }, Status: 'SUCCEEDED' }]);
  });

  test('gives up the child when its time is over', async () => {
    const { end, released } = await start('.sync', { TimeoutSeconds: 2 });
    expect(end?.error).toBe('States.Timeout');
    expect(released.map(({ awaited }) => awaited.kind)).toEqual(['child']);
  });

  test('gives up the child when a branch beside it fails', async () => {
    const { released } = await play({
      definition: machineOf({
        Both: parallel([
          { Pause: { Type: 'Wait', Seconds: 1, Next: 'Boom' }, Boom: { Type: 'Fail', Error: 'Boom' } },
          {
            Start: task('arn:aws:states:::states:startExecution.sync', {
              Parameters: { StateMachineArn: 'child' },
            }),
          },
        ]),
      }),
      machines: { child: CHILD },
    });
    expect(released.map(({ awaited }) => awaited.kind)).toEqual(['child']);
  });
});

test('credentials are told to the handler and in the history', async () => {
  const played = await play({
    definition: machineOf({
      Work: task('work', { Credentials: { 'RoleArn.$': '$.role' } }),
    }),
    input: { role: 'arn:aws:iam::000000000000:role/other' },
    handlers: {
      work: (_, { call }) => ({ output: call.kind === 'function' ? (call.credentials ?? null) : null }),
    },
  });
  expect(played.end?.output).toEqual({ RoleArn: 'arn:aws:iam::000000000000:role/other' });
  expect(eventOf(played, 'LambdaFunctionScheduled')?.details?.['taskCredentials']).toEqual({
    roleArn: 'arn:aws:iam::000000000000:role/other',
  });
});
