import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deriveStateRecords, type HistoryEvent } from '../../src/engine/index.js';
import type { JsonObject } from '../../src/std/json.js';
import { type Crash, type Handler, type Played, play, type Script } from './driver.js';
import { inlineMap, machineOf, parallel, task } from './machines.js';

const typesOf = (history: readonly HistoryEvent[]): string[] => history.map(({ type }) => type);

/** The events since the last redrive. */
function sinceRedrive({ history }: Played): HistoryEvent[] {
  return history.slice(history.findLastIndex(({ type }) => type === 'ExecutionRedriven'));
}

const callsOf = ({ calls }: Played, name: string): number =>
  calls.filter(({ stateName }) => stateName === name).length;

/** Fails so often, then answers its input. */
function failing(times: number, error = 'Down'): Handler {
  let left = times;
  return (input) => (left-- > 0 ? { error, afterMs: 10 } : { output: input, afterMs: 10 });
}

describe('a redrive', () => {
  test('attempts the state that failed again, without entering it anew, and then goes on', async () => {
    const played = await play({
      definition: machineOf({
        First: task('echo', { Next: 'Second' }),
        Second: task('down', { ResultPath: '$.second', Next: 'Last' }),
        Last: { Type: 'Pass', End: true },
      }),
      input: { a: 1 },
      handlers: { echo: (input) => ({ output: input }), down: failing(1) },
      redrives: 1,
    });
    expect(played.end).toMatchObject({ status: 'SUCCEEDED', output: { a: 1, second: { a: 1 } } });
    expect(callsOf(played, 'First')).toBe(1);
    expect(callsOf(played, 'Second')).toBe(2);
    expect(typesOf(sinceRedrive(played))).toEqual([
      'ExecutionRedriven',
      'LambdaFunctionScheduled',
      'LambdaFunctionStarted',
      'LambdaFunctionSucceeded',
      'TaskStateExited',
      'PassStateEntered',
      'PassStateExited',
      'ExecutionSucceeded',
    ]);
    const [redriven] = sinceRedrive(played);
    expect(redriven).toMatchObject({
      details: { redriveCount: 1 },
      previousEventId: (redriven?.id ?? 0) - 1,
    });
    expect(played.history.map(({ id }) => id)).toEqual(played.history.map((_, at) => at + 1));
    expect(new Set(played.calls.map(({ key }) => key)).size).toBe(3);
    expect(deriveStateRecords(played.history)).toMatchObject([
      { stateName: 'First', status: 'SUCCEEDED' },
      { stateName: 'Second', status: 'SUCCEEDED', retryCount: 0 },
      { stateName: 'Last', status: 'SUCCEEDED' },
    ]);
    expect(deriveStateRecords(played.history)[1]?.error).toBeUndefined();
  });

  test('counts retries anew, and tells the context object how often it has been', async () => {
    const played = await play({
      definition: machineOf({
        Ask: task('down', {
          Parameters: { 'count.$': '$$.Execution.RedriveCount', 'retry.$': '$$.State.RetryCount' },
          Retry: [{ ErrorEquals: ['Down'], MaxAttempts: 1 }],
        }),
      }),
      handlers: { down: failing(4) },
      redrives: 2,
    });
    expect(played.calls.map(({ call }) => (call.kind === 'function' ? call.input : undefined))).toEqual([
      { count: 0, retry: 0 },
      { count: 0, retry: 1 },
      { count: 1, retry: 0 },
      { count: 1, retry: 1 },
      { count: 2, retry: 0 },
    ]);
    expect(played.end).toMatchObject({ status: 'SUCCEEDED', output: { count: 2, retry: 0 } });
  });

  test('keeps the branches that were done, and attempts again those that failed or were cut', async () => {
    const played = await play({
      definition: machineOf({
        Both: parallel([
          { Done: task('echo') },
          { Down: task('down') },
          { Before: task('echo', { Next: 'Cut' }), Cut: task('slow') },
          { Inner: parallel([{ InnerDone: task('echo') }, { InnerCut: task('slow') }]) },
        ]),
      }),
      input: 'in',
      handlers: {
        echo: (input) => ({ output: input, afterMs: 1 }),
        slow: (input) => ({ output: input, afterMs: 1_000 }),
        down: failing(1),
      },
      redrives: 1,
    });
    expect(played.end).toMatchObject({ status: 'SUCCEEDED', output: ['in', 'in', 'in', ['in', 'in']] });
    const counts = ['Done', 'Before', 'InnerDone', 'Down', 'Cut', 'InnerCut'].map((name) =>
      callsOf(played, name),
    );
    expect(counts).toEqual([1, 1, 1, 2, 2, 2]);
    expect(typesOf(sinceRedrive(played))).not.toContain('ParallelStateStarted');
    expect(deriveStateRecords(played.history).map(({ status }) => status)).toEqual(
      Array(8).fill('SUCCEEDED'),
    );
  });

  test('keeps the items that were done, and starts those that were not begun', async () => {
    let broken = true;
    const played = await play({
      definition: machineOf({
        Items: inlineMap({ Each: task('each') }, { ItemsPath: '$.items', MaxConcurrency: 2 }),
      }),
      input: { items: [0, 1, 2, 3, 4, 5] },
      handlers: {
        each: (input) => {
          if (input === 3 && broken) {
            broken = false;
            return { error: 'Down', afterMs: 5 };
          }
          return { output: { done: input }, afterMs: 5 };
        },
      },
      redrives: 1,
    });
    expect(played.end).toMatchObject({
      status: 'SUCCEEDED',
      output: [0, 1, 2, 3, 4, 5].map((done) => ({ done })),
    });
    const inputs = played.calls.map(({ call }) => (call.kind === 'function' ? call.input : undefined));
    expect(inputs.filter((input) => input === 0 || input === 1)).toEqual([0, 1]);
    expect(inputs.filter((input) => input === 3)).toHaveLength(2);
    expect(inputs.filter((input) => input === 5)).toHaveLength(1);
    expect(typesOf(sinceRedrive(played))).not.toContain('MapStateStarted');
  });

  test('runs a Parallel whose joined output was refused from its beginning', async () => {
    let calls = 0;
    const played = await play({
      definition: machineOf({ Both: parallel([{ A: task('large') }, { B: task('large') }]) }),
      handlers: { large: () => ({ output: 'x'.repeat(++calls > 2 ? 1 : 200_000), afterMs: 1 }) },
      redrives: 1,
    });
    expect(played.end).toMatchObject({ status: 'SUCCEEDED', output: ['x', 'x'] });
    expect(played.calls).toHaveLength(4);
    expect(typesOf(sinceRedrive(played))).toContain('ParallelStateStarted');
  });

  test('takes up what was stopped or timed out where it stood, and gives it its time again', async () => {
    const timedOut = await play({
      definition: machineOf(
        { Wait: { Type: 'Wait', Seconds: 5, Next: 'Call' }, Call: task('slow') },
        { TimeoutSeconds: 8 },
      ),
      handlers: { slow: (_, { key }) => ({ output: key, afterMs: key.endsWith('/6') ? 60_000 : 7_000 }) },
      redrives: 1,
    });
    expect(typesOf(timedOut.history)).toContain('ExecutionTimedOut');
    expect(timedOut.end?.status).toBe('SUCCEEDED');
    const waits = typesOf(timedOut.history).filter((type) => type.startsWith('WaitState'));
    expect(waits).toEqual(['WaitStateEntered', 'WaitStateExited']);

    const stopped = await play({
      definition: machineOf({ Wait: { Type: 'Wait', Seconds: 5, End: true } }),
      signals: [{ atMs: 1_000, happening: { kind: 'stop' } }],
      redrives: 1,
    });
    expect(typesOf(stopped.history)).toEqual([
      'ExecutionStarted',
      'WaitStateEntered',
      'ExecutionAborted',
      'ExecutionRedriven',
      'WaitStateExited',
      'ExecutionSucceeded',
    ]);
    expect(stopped.elapsedMs).toBe(1_000 + 60_000 + 5_000);
  });

  test('lets go once more what the execution waited for when it ended: a crash may have prevented it', async () => {
    const ask = task('arn:aws:states:::lambda:invoke.waitForTaskToken', {
      Parameters: { FunctionName: 'ask', Payload: { 'token.$': '$$.Task.Token' } },
      TimeoutSeconds: 100,
    });
    const { end, released } = await play({
      definition: machineOf({ Both: parallel([{ Ask: ask }, { Other: ask }]) }),
      handlers: { ask: () => ({ output: null }) },
      signals: [{ atMs: 1_000, happening: { kind: 'stop' } }],
      redrives: 1,
    });
    expect(end).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    const [first, second, third, fourth, ...later] = released;
    expect([third, fourth]).toEqual([first, second]);
    expect(first?.key).not.toBe(second?.key);
    for (const { key } of later) expect([first?.key, second?.key]).not.toContain(key);
    expect(later.length).toBeGreaterThan(0);
  });

  test('keeps variables, and nothing of what a Catcher had cut before', async () => {
    const played = await play({
      definition: machineOf({
        Set: { Type: 'Pass', Assign: { 'kept.$': '$.a' }, Next: 'Cut' },
        Cut: parallel([{ Boom: { Type: 'Fail', Error: 'Boom' } }, { Slow: task('slow') }], {
          Catch: [{ ErrorEquals: ['Boom'], Next: 'Down' }],
          Next: 'Down',
        }),
        Down: task('down', { Parameters: { 'kept.$': '$kept' } }),
      }),
      input: { a: 'b' },
      handlers: { slow: () => ({ output: 1, afterMs: 10_000 }), down: failing(1) },
      redrives: 1,
    });
    expect(played.end).toMatchObject({ status: 'SUCCEEDED', output: { kept: 'b' } });
    expect(callsOf(played, 'Slow')).toBeLessThanOrEqual(1);
    expect(sinceRedrive(played)[0]?.resumed).toHaveLength(1);
  });

  test('enters what had not been entered, and fails again at a Fail state', async () => {
    const played = await play({
      definition: machineOf({ Last: { Type: 'Fail', Error: 'No' } }),
      redrives: 2,
    });
    expect(played.end).toMatchObject({ status: 'FAILED', error: 'No' });
    expect(typesOf(played.history)).toEqual([
      'ExecutionStarted',
      'FailStateEntered',
      'ExecutionFailed',
      'ExecutionRedriven',
      'ExecutionFailed',
      'ExecutionRedriven',
      'ExecutionFailed',
    ]);
    expect(deriveStateRecords(played.history)).toMatchObject([{ status: 'FAILED', error: 'No' }]);
  });

  test('is impossible after a success, of an Express execution, and with a full history', async () => {
    const pass = machineOf({ Pass: { Type: 'Pass', End: true } });
    const fail = machineOf({ Fail: { Type: 'Fail' } });
    const loop = machineOf({
      A: { Type: 'Choice', Choices: [{ Variable: '$', IsNull: true, Next: 'B' }], Default: 'A' },
      B: { Type: 'Succeed' },
    });
    for (const script of [
      { definition: pass },
      { definition: fail, about: { isExpress: true } },
      { definition: loop, about: { maxEvents: 20 } },
    ]) {
      expect((await play(script)).run.left).toBeUndefined();
    }
    expect((await play({ definition: fail })).run.left).toHaveLength(1);
  });
});

/** Everything that a failure can leave, with redrives until it succeeds. */
const MACHINES: Record<string, JsonObject> = {
  'tasks and retries': machineOf({
    First: task('echo', { Next: 'Flaky' }),
    Flaky: task('thirdTime', { Retry: [{ ErrorEquals: ['Down'], MaxAttempts: 1 }], Next: 'Last' }),
    Last: { Type: 'Wait', Seconds: 1, End: true },
  }),
  'branches, items and what waits': machineOf({
    All: parallel([
      {
        Items: inlineMap(
          { Each: task('each', { Next: 'Then' }), Then: { Type: 'Wait', Seconds: 1, End: true } },
          { ItemsPath: '$.items', MaxConcurrency: 2 },
        ),
      },
      { Flaky: task('thirdTime') },
      { Slow: task('slow') },
      { Told: { Type: 'Pass', Result: 'told', End: true } },
    ]),
  }),
};

/** The outcome is a function of how often it was redriven, so that a crash changes nothing. */
const HANDLERS: Record<string, Handler> = {
  echo: (input) => ({ output: input, afterMs: 5 }),
  slow: () => ({ output: 'slow', afterMs: 2_500 }),
  each: (input) => ({ output: input, afterMs: 300 }),
};

describe.each(Object.entries(MACHINES))('an execution of %s', (_, definition) => {
  test('that is redriven until it succeeds ends the same, whatever crashes between', async () => {
    const script = (crash?: (commit: number) => Crash, every?: number): Promise<Played> => {
      const seen = new Set<string>();
      const input = { items: ['a', 'b', 'c'] };
      const parts: Script = {
        definition,
        input,
        handlers: {
          ...HANDLERS,
          // Fails under its first four keys: a call that a crash repeats has the same one.
          thirdTime: (_input, { key }) => {
            seen.add(key);
            return [...seen].indexOf(key) < 4
              ? { error: 'Down', afterMs: 400 }
              : { output: 'at last', afterMs: 400 };
          },
        },
        redrives: 6,
        ...(crash !== undefined && { crash }),
        ...(every !== undefined && { snapshotEvery: every }),
      };
      return play(parts);
    };
    const whole = await script();
    expect(whole.end?.status).toBe('SUCCEEDED');
    expect(typesOf(whole.history)).toContain('ExecutionRedriven');
    for (let at = 0; at < whole.commits; at += 1) {
      for (const crash of ['beforeCommit', 'afterCommit'] as const)
        expectSame(await script((commit) => (commit === at ? crash : undefined)), whole);
    }
    const crashes = fc.array(fc.constantFrom<Crash>('beforeCommit', 'afterCommit', undefined), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(
        crashes,
        fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
        async (points, every) => {
          expectSame(await script((commit) => points[commit], every), whole);
        },
      ),
      { numRuns: 40 },
    );
  });
});

function expectSame(crashed: Played, whole: Played): void {
  expect(crashed.end).toEqual(whole.end);
  expect(crashed.history.map(({ id }) => id)).toEqual(crashed.history.map((_, at) => at + 1));
  expect(summary(crashed)).toEqual(summary(whole));
}

function summary({ history }: Played): string[] {
  return deriveStateRecords(history)
    .map(({ stateName, status, output, error }) => JSON.stringify([stateName, status, output, error]))
    .sort();
}
