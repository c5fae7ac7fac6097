import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deriveStateRecords, type HistoryEvent } from '../../src/engine/index.js';
import type { JsonObject } from '../../src/std/json.js';
import { type Crash, type Handler, type Played, play, type Script } from './driver.js';
import { distributedMap, FAILING, inlineMap, machineOf, parallel, task } from './machines.js';

const ACTIVITY = 'arn:aws:states:us-east-1:000000000000:activity:pack';
const CALLBACK = { FunctionName: 'later', Payload: { 'token.$': '$$.Task.Token' } };
const QUICK = { FunctionName: 'quick', Payload: { 'token.$': '$$.Task.Token' } };

/** Everything that a crash could interrupt: calls, waits, pauses, timeouts, branches, items, failures. */
const MACHINES: Record<string, JsonObject> = {
  'tasks, waits and retries': machineOf({
    First: task('echo', { ResultPath: '$.first', Next: 'Rest' }),
    Rest: { Type: 'Wait', Seconds: 3, Next: 'Flaky' },
    Flaky: task('flaky', {
      ResultPath: '$.flaky',
      Retry: [{ ErrorEquals: ['Flaky'], IntervalSeconds: 1 }],
      Next: 'Broken',
    }),
    Broken: task('broken', {
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.caught', Next: 'Last' }],
      Next: 'Last',
    }),
    Last: { Type: 'Pass', End: true },
  }),
  'branches and items': machineOf({
    Both: parallel([
      {
        Items: inlineMap(
          { Each: task('slow', { Next: 'Then' }), Then: { Type: 'Wait', Seconds: 1, End: true } },
          { ItemsPath: '$.items', MaxConcurrency: 2 },
        ),
      },
      { Alone: task('flaky', { Retry: [{ ErrorEquals: ['Flaky'], IntervalSeconds: 2 }] }) },
      { Quick: { Type: 'Pass', Result: 'quick', End: true } },
    ]),
  }),
  'a failure that cuts, and starts again': machineOf({
    Cut: parallel(
      [
        FAILING,
        { Slow: task('endless') },
        { Nested: inlineMap({ W: { Type: 'Wait', Seconds: 9, End: true } }, { ItemsPath: '$.items' }) },
      ],
      {
        Retry: [{ ErrorEquals: ['Boom'], IntervalSeconds: 1, MaxAttempts: 2 }],
        Catch: [{ ErrorEquals: ['Boom'], Next: 'After' }],
      },
    ),
    After: task('echo'),
  }),
  'everything that waits for somebody': machineOf({
    Asks: parallel([
      { Callback: task('arn:aws:states:::lambda:invoke.waitForTaskToken', { Parameters: CALLBACK }) },
      { Quick: task('arn:aws:states:::lambda:invoke.waitForTaskToken', { Parameters: QUICK }) },
      { Worked: task(ACTIVITY, { TimeoutSeconds: 60, HeartbeatSeconds: 4 }) },
      {
        Child: task('arn:aws:states:::states:startExecution.sync:2', {
          Parameters: { StateMachineArn: 'child', Name: 'one', 'Input.$': '$' },
        }),
      },
      { Told: { Type: 'Message', CorrelationKey: 'order', CorrelationValuePath: '$.items[0]', End: true } },
      { Many: distributedMap({ Each: task('slow') }, { ItemsPath: '$.items' }) },
    ]),
  }),
};

const HANDLERS: Record<string, Handler> = {
  endless: () => ({ output: 'never', afterMs: 3_600_000 }),
  echo: (input) => ({ output: input, afterMs: 100 }),
  slow: (_, { key }) => ({ output: 'slow', afterMs: 500 + (key.length % 3) * 400 }),
  flaky: (_, { attempt }) =>
    attempt < 2 ? { error: 'Flaky', cause: String(attempt), afterMs: 50 } : { output: 'fine' },
  broken: () => ({ error: 'Broken', cause: 'always' }),
  later: () => ({ output: null, callback: { output: 'called back', afterMs: 2_000 } }),
  quick: () => ({ output: null, afterMs: 500, callback: { output: 'at once' } }),
};

/** Who answers what waits. */
const WORLD: Pick<Script, 'machines' | 'activities' | 'messages'> = {
  machines: { child: machineOf({ W: { Type: 'Wait', Seconds: 2, End: true } }) },
  activities: {
    [ACTIVITY]: {
      name: 'packer',
      steps: (input) => [
        { do: 'wait', ms: 3_000 },
        { do: 'heartbeat' },
        { do: 'wait', ms: 3_000 },
        { do: 'succeed', output: { packed: input } },
      ],
    },
  },
  messages: [{ atMs: 1_500, key: 'order', value: 'a', data: { paid: true } }],
};

const INPUT = { items: ['a', 'b', 'c', 'd', 'e'] };

describe.each(Object.entries(MACHINES))('an execution of %s', (_, definition) => {
  const script = (crash?: (commit: number) => Crash, snapshotEvery?: number): Promise<Played> =>
    play({
      definition,
      input: INPUT,
      handlers: HANDLERS,
      ...WORLD,
      ...(crash !== undefined && { crash }),
      ...(snapshotEvery !== undefined && { snapshotEvery }),
    });

  test('ends the same after a crash at any one commit', async () => {
    const whole = await script();
    for (let at = 0; at < whole.commits; at += 1) {
      for (const crash of ['beforeCommit', 'afterCommit'] as const) {
        expectSame(await script((commit) => (commit === at ? crash : undefined)), whole);
      }
    }
  });

  test('ends the same after crashes at random commits, with and without snapshots', async () => {
    const whole = await script();
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
      { numRuns: 60 },
    );
  });
});

test('a call that a crash interrupted is made again under the same key, one that completed is not', async () => {
  const crashed = await play({
    definition: machineOf({ A: task('echo', { Next: 'B' }), B: task('echo') }),
    handlers: HANDLERS,
    // The first call's answer is lost with the second checkpoint.
    crash: (commit) => (commit === 1 ? 'beforeCommit' : undefined),
  });
  expect(crashed.calls.map(({ stateName, key }) => `${stateName} ${key}`)).toEqual([
    'A execution-1/3',
    'A execution-1/3',
    'B execution-1/8',
  ]);
});

/** The order of concurrent branches is up to the clock, which a crash changes; nothing else is. */
function expectSame(crashed: Played, whole: Played): void {
  expect(crashed.end).toEqual(whole.end);
  expect(crashed.history.map(({ id }) => id)).toEqual(crashed.history.map((_, at) => at + 1));
  expectChained(crashed.history);
  expect(summary(crashed)).toEqual(summary(whole));
}

function expectChained(history: readonly HistoryEvent[]): void {
  for (const { id, previousEventId } of history) expect(previousEventId).toBeLessThan(id);
}

function summary({ history }: Played): string[] {
  return deriveStateRecords(history)
    .map(({ stateName, status, input, output, retryCount, error }) =>
      JSON.stringify([stateName, status, input, output, retryCount, error]),
    )
    .sort();
}
