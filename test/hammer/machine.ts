/** What the hammer runs: every way to leave a worker and to come back, and a result at every step. */
import type { JsonObject } from '../../src/std/json.js';

export const MACHINE_ID = 'hammered';
/** Under which an execution waits for its message. */
export const CORRELATION_KEY = 'hammer';
/**
 * Many plain tasks: a commit that parks nothing holds no execution's row, so that nothing but the fence keeps a successor from
 * coming before it.
 */
export const ITEMS = Array.from({ length: 15 }, (_, index) => index);

const step = (next: string | undefined, more: JsonObject = {}): JsonObject => ({
  Type: 'Task',
  Resource: 'step',
  ...(next === undefined ? { End: true } : { Next: next }),
  ...more,
});

export const DEFINITION: JsonObject = {
  StartAt: 'First',
  States: {
    First: step('Both', { ResultPath: '$.first' }),
    Both: {
      Type: 'Parallel',
      Branches: [
        {
          StartAt: 'Flaky',
          States: {
            Flaky: step(undefined, {
              Resource: 'flaky',
              Retry: [{ ErrorEquals: ['Flaky'], IntervalSeconds: 1, MaxAttempts: 1_000, BackoffRate: 1 }],
            }),
          },
        },
        {
          StartAt: 'Rest',
          States: { Rest: { Type: 'Wait', Seconds: 1, Next: 'Rested' }, Rested: step(undefined) },
        },
      ],
      ResultPath: '$.both',
      Next: 'Told',
    },
    Told: {
      Type: 'Message',
      CorrelationKey: CORRELATION_KEY,
      CorrelationValuePath: '$$.Execution.Name',
      ResultPath: '$.told',
      Next: 'Asked',
    },
    Asked: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Parameters: { FunctionName: 'ask', Payload: { 'token.$': '$$.Task.Token' } },
      ResultPath: '$.asked',
      Next: 'Risky',
    },
    Risky: step('Many', { Resource: 'risky', ResultPath: '$.risky' }),
    Many: {
      Type: 'Map',
      ItemsPath: '$.items',
      MaxConcurrency: 3,
      ItemProcessor: { StartAt: 'Each', States: { Each: step(undefined) } },
      ResultPath: '$.many',
      Next: 'Last',
    },
    Last: step(undefined, { ResultPath: '$.last' }),
  },
};

/** How often each state succeeds in an execution that succeeds. */
export const SUCCESSES: Readonly<Record<string, number>> = {
  First: 1,
  Flaky: 1,
  Rested: 1,
  Risky: 1,
  Each: ITEMS.length,
  Last: 1,
};
