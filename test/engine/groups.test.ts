import { describe, expect, test } from '@jest/globals';
import type { HistoryEvent } from '../../src/engine/index.js';
import { type Played, play } from './driver.js';
import { FAILING, inlineMap, machineOf, parallel, task } from './machines.js';

describe('a Parallel whose branch fails', () => {
  test('cuts the task of another branch, and every event of that points to the failure', async () => {
    const { history, end, cancelled, calls } = await play({
      definition: machineOf({
        P: parallel([FAILING, { Slow: task('slow') }, { Long: { Type: 'Wait', Seconds: 60, End: true } }]),
      }),
      handlers: { slow: () => ({ output: 1, afterMs: 5000 }) },
    });
    expect(end).toEqual({ kind: 'end', status: 'FAILED', error: 'Boom', cause: 'a sibling failed' });
    expect(tailAfter(history, 'FailStateEntered')).toEqual([
      ['TaskStateAborted', 'failure'],
      ['WaitStateAborted', 'failure'],
      ['ParallelStateFailed', 'failure'],
      ['ExecutionFailed', 'before'],
    ]);
    expect(cancelled).toEqual(calls.map(({ key }) => key));
  });

  test('records no abort for a branch that has ended', async () => {
    const { history } = await play({
      definition: machineOf({ P: parallel([FAILING, { Quick: { Type: 'Pass', End: true } }]) }),
    });
    expect(tailAfter(history, 'FailStateEntered')).toEqual([
      ['ParallelStateFailed', 'failure'],
      ['ExecutionFailed', 'before'],
    ]);
  });

  test('aborts the task state that failed, and a Retry of the Parallel starts all branches again', async () => {
    const { history, end } = await play({
      definition: machineOf({
        P: parallel([{ Work: task('work') }], {
          Retry: [{ ErrorEquals: ['Broken'], MaxAttempts: 1 }],
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'After' }],
        }),
        After: { Type: 'Pass', End: true },
      }),
      handlers: { work: () => ({ error: 'Broken', cause: 'why' }) },
    });
    expect(end?.output).toEqual({ Error: 'Broken', Cause: 'why' });
    expect(chain(history)).toEqual([
      '1<0 ExecutionStarted',
      '2<0 ParallelStateEntered',
      '3<2 ParallelStateStarted',
      '4<3 TaskStateEntered',
      '5<4 LambdaFunctionScheduled',
      '6<5 LambdaFunctionStarted',
      '7<6 LambdaFunctionFailed',
      '8<7 TaskStateAborted',
      '9<7 ParallelStateStarted',
      '10<9 TaskStateEntered',
      '11<10 LambdaFunctionScheduled',
      '12<11 LambdaFunctionStarted',
      '13<12 LambdaFunctionFailed',
      '14<13 TaskStateAborted',
      '15<13 ParallelStateFailed',
      '16<15 ParallelStateExited',
      '17<16 PassStateEntered',
      '18<17 PassStateExited',
      '19<18 ExecutionSucceeded',
    ]);
  });

  test('with a runtime error ends everything at once, uncaught, and records nothing of what it cuts', async () => {
    const { history, end, cancelled } = await play({
      definition: machineOf({
        P: parallel(
          [
            {
              Pause: { Type: 'Wait', Seconds: 1, Next: 'Bad' },
              Bad: { Type: 'Pass', InputPath: '$.nothing', End: true },
            },
            { Slow: task('slow') },
          ],
          { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'After' }], Next: 'After' },
        ),
        After: { Type: 'Pass', End: true },
      }),
      handlers: { slow: () => ({ output: 1, afterMs: 5000 }) },
    });
    expect(end).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
    expect(end?.cause).toMatch(
      /^An error occurred while executing the state 'Bad' \(entered at the event id #\d+\)\. /,
    );
    expect(history.at(-2)?.type).toBe('PassStateEntered');
    expect(history.at(-1)).toMatchObject({ type: 'ExecutionFailed', previousEventId: history.length - 1 });
    expect(cancelled).toHaveLength(1);
  });
});

describe('a Map', () => {
  test('over nothing succeeds with an empty array', async () => {
    const { history, end } = await play({
      definition: machineOf({ M: inlineMap({ I: { Type: 'Pass', End: true } }) }),
      input: [],
    });
    expect(end?.output).toEqual([]);
    expect(chain(history).slice(2)).toEqual([
      '3<2 MapStateStarted',
      '4<3 MapStateSucceeded',
      '5<3 MapStateExited',
      '6<5 ExecutionSucceeded',
    ]);
  });

  test('records for each iteration that a failure cuts the abort of it and of its state', async () => {
    const route = {
      Type: 'Choice',
      Choices: [{ Variable: '$', StringEquals: 'fail', Next: 'Pause' }],
      Default: 'Long',
    };
    const { history } = await play({
      definition: machineOf({
        M: inlineMap({ Route: route, Long: { Type: 'Wait', Seconds: 60, End: true }, ...FAILING }),
      }),
      input: ['long', 'fail'],
    });
    expect(tailAfter(history, 'FailStateEntered')).toEqual([
      ['MapIterationAborted', 'failure'],
      ['WaitStateAborted', 'failure'],
      ['MapIterationFailed', 'failure'],
      ['MapStateFailed', 'failure'],
      ['ExecutionFailed', 'before'],
    ]);
    expect(history.find(({ type }) => type === 'MapIterationAborted')?.details).toEqual({
      name: 'M',
      index: 0,
    });
    expect(history.find(({ type }) => type === 'MapIterationFailed')?.details).toEqual({
      name: 'M',
      index: 1,
    });
  });

  test('keeps its outputs in the order of the items, whatever order they end in', async () => {
    const { end } = await play({
      definition: machineOf({ M: inlineMap({ Work: task('work') }) }),
      input: [30, 10, 20],
      handlers: { work: (input) => ({ output: input, afterMs: Number(input) }) },
    });
    expect(end?.output).toEqual([30, 10, 20]);
  });

  test('never runs more than MaxConcurrency at once, and uses every slot', async () => {
    const script = (MaxConcurrency: number): Promise<Played> => {
      return play({
        definition: machineOf({ M: inlineMap({ Work: task('work') }, { MaxConcurrency }) }),
        input: [1, 1, 1, 1, 1, 1, 1],
        handlers: { work: () => ({ output: null, afterMs: 100 }) },
      });
    };
    expect((await script(3)).elapsedMs).toBe(300);
    expect((await script(1)).elapsedMs).toBe(700);
    expect((await script(0)).elapsedMs).toBe(100);
  });

  test('gives nested iterations the item of the nearest Map', async () => {
    const { end } = await play({
      definition: machineOf({
        Outer: inlineMap({
          Inner: inlineMap(
            {
              P: parallel([
                {
                  Show: {
                    Type: 'Pass',
                    Parameters: { 'i.$': '$$.Map.Item.Index', 'v.$': '$$.Map.Item.Value' },
                    End: true,
                  },
                },
              ]),
            },
            { Next: 'Own' },
          ),
          Own: { Type: 'Pass', Parameters: { 'inner.$': '$', 'v.$': '$$.Map.Item.Value' }, End: true },
        }),
      }),
      input: [['a', 'b']],
    });
    expect(end?.output).toEqual([{ inner: [[{ i: 0, v: 'a' }], [{ i: 1, v: 'b' }]], v: ['a', 'b'] }]);
  });

  test('of 10,000 items costs in proportion to the items, in checkpoints of bounded size', async () => {
    const items = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
    const script = (count: number): Promise<Played> =>
      play({
        definition: machineOf({
          M: inlineMap({ Work: task('work') }, { ResultPath: null, MaxConcurrency: 50 }),
        }),
        input: items(count),
        handlers: { work: (input) => ({ output: input, afterMs: 1 + (Number(input) % 7) }) },
      });
    const { end, calls, largest } = await script(10_000);
    expect(end?.status).toBe('SUCCEEDED');
    expect(calls).toHaveLength(10_000);
    expect(largest.events).toBeLessThanOrEqual(5000);
    // Ten times the items may take ten times as long; a quadratic engine would take a hundred times.
    const small = await timeOf(() => script(1000));
    const large = await timeOf(() => script(10_000));
    expect(large / small).toBeLessThan(35);
  });
});

function chain(history: readonly HistoryEvent[]): string[] {
  return history.map(({ id, previousEventId, type }) => `${String(id)}<${String(previousEventId)} ${type}`);
}

/** The events after the last of a type: their types, and whether they point to it or to the event before them. */
function tailAfter(history: readonly HistoryEvent[], type: string): string[][] {
  const failure = history.findLast((event) => event.type === type);
  return history
    .filter(({ id }) => id > (failure?.id ?? 0))
    .map((event) => {
      if (event.previousEventId === failure?.id) return [event.type, 'failure'];
      return [event.type, event.previousEventId === event.id - 1 ? 'before' : String(event.previousEventId)];
    });
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}
