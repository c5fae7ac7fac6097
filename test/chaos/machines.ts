/** What the town runs: each kind of waiting and of fanning out, all of which succeed if nothing is lost. */
import { readFile } from 'node:fs/promises';

export interface TownMachine {
  id: string;
  definition: unknown;
  /** How many of ten starts are of this one. */
  share: number;
}

export async function readMachines(): Promise<TownMachine[]> {
  const orders = new URL('../../examples/order-processing/definition.json', import.meta.url);
  return [
    { id: 'orders', share: 3, definition: JSON.parse(await readFile(orders, 'utf8')) as unknown },
    ...OTHERS,
  ];
}

const step = { Type: 'Task', Resource: 'step' };

const OTHERS: readonly TownMachine[] = [
  {
    id: 'retries',
    share: 1,
    definition: {
      StartAt: 'Try',
      States: {
        Try: {
          Type: 'Task',
          Resource: 'flaky',
          Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 5 }],
          End: true,
        },
      },
    },
  },
  {
    id: 'waits',
    share: 2,
    definition: {
      StartAt: 'Before',
      States: {
        Before: { ...step, Next: 'Wait' },
        Wait: { Type: 'Wait', Seconds: 1, Next: 'After' },
        After: { ...step, End: true },
      },
    },
  },
  {
    id: 'tokens',
    share: 2,
    definition: {
      StartAt: 'Ask',
      States: {
        Ask: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
          Parameters: { FunctionName: 'handOut', Payload: { 'token.$': '$$.Task.Token' } },
          Next: 'Go',
        },
        Go: { ...step, End: true },
      },
    },
  },
  {
    id: 'parents',
    share: 1,
    definition: {
      StartAt: 'Child',
      States: {
        Child: {
          Type: 'Task',
          Resource: 'arn:aws:states:::states:startExecution.sync:2',
          Parameters: {
            StateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:waits',
            Input: {},
          },
          Next: 'Go',
        },
        Go: { ...step, End: true },
      },
    },
  },
  {
    id: 'maps',
    share: 1,
    definition: {
      StartAt: 'Each',
      States: {
        Each: {
          Type: 'Map',
          ItemsPath: '$.items',
          MaxConcurrency: 3,
          ItemProcessor: {
            ProcessorConfig: { Mode: 'INLINE' },
            StartAt: 'Do',
            States: { Do: { ...step, End: true } },
          },
          Next: 'Both',
        },
        Both: {
          Type: 'Parallel',
          Branches: ['Left', 'Right'].map((name) => ({
            StartAt: name,
            States: { [name]: { ...step, End: true } },
          })),
          End: true,
        },
      },
    },
  },
];
