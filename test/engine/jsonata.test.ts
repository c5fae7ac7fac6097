import { describe, expect, test } from '@jest/globals';
import { deriveStateRecords, type HistoryEvent } from '../../src/engine/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';
import { play } from './driver.js';
import { inlineMap, machineOf, parallel, task } from './machines.js';

const JSONATA = { QueryLanguage: 'JSONata' };

/** Ids, previous ids and types, and nothing else. */
function shape(history: readonly HistoryEvent[]): string[] {
  return history.map(({ id, previousEventId, type }) => `${String(id)}<-${String(previousEventId)} ${type}`);
}

function pass(more: JsonObject): JsonObject {
  return { Type: 'Pass', ...(more['Next'] === undefined && { End: true }), ...more };
}

describe('an evaluation that fails', () => {
  test('at entry points before the entry, and can be caught', async () => {
    const caught: Json = [
      {
        ErrorEquals: ['States.QueryEvaluationError'],
        Output: '{% $states.errorOutput.Error %}',
        Next: 'After',
      },
    ];
    const definition = machineOf(
      { T: task('f', { Arguments: '{% $nothing %}', Catch: caught, End: true }), After: pass({}) },
      JSONATA,
    );
    const { history, end, calls } = await play({ definition });
    expect(calls).toEqual([]);
    expect(end).toMatchObject({ status: 'SUCCEEDED', output: 'States.QueryEvaluationError' });
    expect(shape(history).slice(1, 4)).toEqual([
      '2<-0 TaskStateEntered',
      '3<-0 EvaluationFailed',
      '4<-3 TaskStateExited',
    ]);
    expect(deriveStateRecords(history).map(({ stateName, status }) => [stateName, status])).toEqual([
      ['T', 'CAUGHT'],
      ['After', 'SUCCEEDED'],
    ]);
  });

  test('shows a large value in part', async () => {
    const definition = machineOf(
      { M: inlineMap({ I: pass({}) }, { Items: "{% $pad('x', 100000) %}" }) },
      JSONATA,
    );
    const { end, history } = await play({ definition });
    expect(end?.cause).toHaveLength(32_768);
    expect(history[2]?.details?.['cause']).toBe(end?.cause);
  });

  test('after the task points to its success', async () => {
    const definition = machineOf({ T: task('f', { Output: '{% $states.result.missing %}' }) }, JSONATA);
    const { history, end } = await play({ definition, handlers: { f: () => ({ output: {} }) } });
    expect(end).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
    expect(shape(history).slice(4)).toEqual([
      '5<-4 LambdaFunctionSucceeded',
      '6<-5 EvaluationFailed',
      '7<-6 ExecutionFailed',
    ]);
    expect(deriveStateRecords(history)).toMatchObject([
      { stateName: 'T', status: 'FAILED', error: 'States.QueryEvaluationError' },
    ]);
  });

  test('is tried again by a Retrier, each time with its own event', async () => {
    const retry: Json = [{ ErrorEquals: ['States.QueryEvaluationError'], MaxAttempts: 2 }];
    const definition = machineOf({ T: task('f', { Arguments: '{% $nothing %}', Retry: retry }) }, JSONATA);
    const { history } = await play({ definition });
    expect(shape(history).slice(2)).toEqual([
      '3<-0 EvaluationFailed',
      '4<-3 EvaluationFailed',
      '5<-4 EvaluationFailed',
      '6<-5 ExecutionFailed',
    ]);
  });

  test('in the output of a Map fails the Map, from the last iteration on', async () => {
    const definition = machineOf(
      { M: inlineMap({ I: pass({}) }, { Items: [1], Output: '{% $nothing %}' }) },
      JSONATA,
    );
    const { history } = await play({ definition });
    expect(shape(history).slice(5)).toEqual([
      '6<-5 PassStateExited',
      '7<-6 MapIterationSucceeded',
      '8<-7 MapStateSucceeded',
      '9<-7 EvaluationFailed',
      '10<-9 MapStateFailed',
      '11<-10 ExecutionFailed',
    ]);
  });

  test('in the output of a Map over nothing follows the start of the Map, not what came before it', async () => {
    const definition = machineOf(
      { M: inlineMap({ I: pass({}) }, { Items: [], Output: '{% $nothing %}' }) },
      JSONATA,
    );
    const { history } = await play({ definition });
    expect(shape(history).slice(1)).toEqual([
      '2<-0 MapStateEntered',
      '3<-2 MapStateStarted',
      '4<-3 MapStateSucceeded',
      '5<-3 EvaluationFailed',
      '6<-5 MapStateFailed',
      '7<-6 ExecutionFailed',
    ]);
  });

  test('of one item’s selector ends those that run, and a Catcher takes it', async () => {
    const definition = machineOf(
      {
        M: inlineMap(
          { I: task('slow') },
          {
            ItemSelector: '{% $states.context.Map.Item.Value = 2 ? $nothing : 1 %}',
            Catch: [{ ErrorEquals: ['States.ALL'], Next: 'After' }],
            Next: 'After',
          },
        ),
        After: pass({ Output: 'caught' }),
      },
      JSONATA,
    );
    const handlers = { slow: () => ({ output: 1, afterMs: 1000 }) };
    const { end, elapsedMs } = await play({ definition, input: [1, 2], handlers });
    expect(end).toMatchObject({ status: 'SUCCEEDED', output: 'caught' });
    expect(elapsedMs).toBe(0);
  });
});

describe('variables', () => {
  const scoped = machineOf({
    Set: pass({ Assign: { x: 1, list: [10, 20] }, Next: 'Fork' }),
    Fork: parallel(
      [
        { A: pass({ Assign: { 'own.$': '$x' }, Next: 'A2' }), A2: pass({ Parameters: { 'got.$': '$own' } }) },
        {
          B: inlineMap(
            {
              I: pass({ Assign: { 'item.$': '$' }, Next: 'I2' }),
              I2: pass({ Parameters: { 'sum.$': 'States.MathAdd($item, $x)' } }),
            },
            { ItemsPath: '$list' },
          ),
        },
      ],
      { Next: 'After' },
    ),
    After: pass({ Parameters: { 'x.$': '$x', 'result.$': '$' } }),
  });
  const output = { x: 1, result: [{ got: 1 }, [{ sum: 11 }, { sum: 21 }]] };

  test('are read from the scopes around, and end with their own', async () => {
    expect((await play({ definition: scoped })).end).toMatchObject({ status: 'SUCCEEDED', output });
    const after = machineOf({
      Fork: parallel([{ A: pass({ Assign: { own: 1 } }) }], { Next: 'After' }),
      After: pass({ InputPath: '$own' }),
    });
    expect((await play({ definition: after })).end).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
    });
  });

  test('survive a crash at any commit', async () => {
    const definition = machineOf(
      {
        Set: pass({ Assign: { n: '{% 20 %}' }, Next: 'T' }),
        T: task('f', { Arguments: '{% $n + 1 %}', Assign: { n: '{% $states.result * 2 %}' }, Next: 'W' }),
        W: { Type: 'Wait', Seconds: '{% $n %}', Output: '{% $n %}', End: true },
      },
      JSONATA,
    );
    const handlers = { f: (input: Json) => ({ output: input }) };
    const whole = await play({ definition, handlers });
    expect(whole.end).toMatchObject({ status: 'SUCCEEDED', output: 42 });
    for (let at = 0; at < whole.commits; at += 1) {
      for (const how of ['beforeCommit', 'afterCommit'] as const) {
        const crash = (commit: number) => (commit === at ? how : undefined);
        const { end, history } = await play({ definition, handlers, crash, snapshotEvery: 2 });
        expect(end).toEqual(whole.end);
        expect(shape(history)).toEqual(shape(whole.history));
      }
    }
  });

  test('of one Assign take at most 256 KiB, names not counted', async () => {
    const sized = (bytes: number): JsonObject =>
      machineOf({ S: pass({ Assign: { ['n'.repeat(80)]: 'x'.repeat(bytes - 2) } }) });
    expect((await play({ definition: sized(256 * 1024) })).end).toMatchObject({ status: 'SUCCEEDED' });
    expect((await play({ definition: sized(256 * 1024 + 1) })).end).toMatchObject({
      status: 'FAILED',
      error: 'States.DataLimitExceeded',
    });
  });

  test('of an execution take at most 10 MiB at once; what is replaced or gone does not count', async () => {
    const grow = (name: string): JsonObject =>
      machineOf(
        {
          Count: pass({ Assign: { i: 0 }, Next: 'Grow' }),
          Grow: {
            Type: 'Pass',
            Assign: { [name]: "{% $pad('x', 250000) %}", i: '{% $i + 1 %}' },
            Next: 'More',
          },
          More: { Type: 'Choice', Choices: [{ Condition: '{% $i < 60 %}', Next: 'Grow' }], Default: 'Done' },
          Done: { Type: 'Succeed', Output: '{% $i %}' },
        },
        JSONATA,
      );
    expect((await play({ definition: grow('same') })).end).toMatchObject({ status: 'SUCCEEDED', output: 60 });
    const many: JsonObject = {};
    for (let n = 0; n < 45; n += 1) {
      many[`S${String(n)}`] = pass({
        Assign: { [`v${String(n)}`]: "{% $pad('x', 250000) %}" },
        ...(n < 44 && { Next: `S${String(n + 1)}` }),
      });
    }
    const { end } = await play({ definition: machineOf(many, JSONATA) });
    expect(end).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
    const gone = inlineMap(
      { I: pass({ Assign: { v: "{% $pad('x', 250000) %}" } }) },
      { MaxConcurrency: 1, Next: 'N' },
    );
    const twice = machineOf(
      {
        M: gone,
        N: {
          ...gone,
          ItemProcessor: machineOf({ J: pass({ Assign: { v: "{% $pad('x', 250000) %}" } }) }),
          Next: 'Z',
        },
        Z: pass({ Output: 1 }),
      },
      JSONATA,
    );
    const items = Array.from({ length: 30 }, (_, n) => n);
    expect((await play({ definition: twice, input: items })).end).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('are shown in the exit event, each as JSON text', async () => {
    const { history } = await play({
      definition: machineOf({ S: pass({ Assign: { a: { b: 1 }, c: 'x' } }) }),
    });
    expect(history[2]?.details).toMatchObject({ assignedVariables: { a: { b: 1 }, c: 'x' } });
  });
});

test('a step over expressions changes nothing that it is given', async () => {
  const definition = machineOf(
    { S: pass({ Output: '{% $states.input.list{a: b} %}', Assign: { x: '{% $states.input.list[] %}' } }) },
    JSONATA,
  );
  const input = { list: [{ a: 'k', b: 1 }] };
  const before = structuredClone(input);
  await play({ definition, input });
  expect(input).toStrictEqual(before);
});
