import { describe, expect, test } from '@jest/globals';
import { compileMachine, parseDefinition } from '../../src/asl/index.js';
import { childInputs, type MapRunRequest, processorMachine } from '../../src/engine/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';
import { play } from './driver.js';
import { distributedMap, machineOf, task } from './machines.js';

const ENV = { nowMs: 0, entropy: { random: () => 0.5, uuid: () => 'uuid' } };

async function inputsOf(more: JsonObject, plan: MapRunRequest['plan'], items: Json[]): Promise<Json[]> {
  const parsed = parseDefinition(
    machineOf({ Each: distributedMap({ P: { Type: 'Pass', End: true } }, more) }),
  );
  if (!parsed.ok) throw new Error('it does not parse');
  const request: MapRunRequest = {
    mapRunId: 'run',
    mapRunArn: 'arn',
    label: 'Each',
    maxConcurrency: 0,
    plan,
    scope: {
      input: { in: 1 },
      effectiveInput: { in: 1 },
      context: { Execution: { Name: 'e' } },
      variables: { v: 'V' },
    },
  };
  const inputs: Json[] = [];
  for await (const input of childInputs(compileMachine(parsed.definition), request, items, ENV))
    inputs.push(input);
  return inputs;
}

describe("the inputs of a map run's children", () => {
  test('are the items, or what ItemSelector makes of each', async () => {
    expect(await inputsOf({}, {}, ['a', 'b'])).toEqual(['a', 'b']);
    const ItemSelector = {
      'item.$': '$$.Map.Item.Value',
      'at.$': '$$.Map.Item.Index',
      'in.$': '$.in',
      'who.$': '$$.Execution.Name',
      'v.$': '$v',
    };
    expect(await inputsOf({ ItemSelector }, {}, ['a', 'b'])).toEqual([
      { item: 'a', at: 0, in: 1, who: 'e', v: 'V' },
      { item: 'b', at: 1, in: 1, who: 'e', v: 'V' },
    ]);
  });

  test('are batches of so many items, or of so many bytes', async () => {
    expect(await inputsOf({}, { batcher: { maxItems: 2, input: { all: true } } }, [1, 2, 3])).toEqual([
      { BatchInput: { all: true }, Items: [1, 2] },
      { BatchInput: { all: true }, Items: [3] },
    ]);
    const word = 'x'.repeat(30);
    const batches = await inputsOf({}, { batcher: { maxBytes: 90 } }, [word, word, word, word, word]);
    expect(batches.map((batch) => (batch as { Items: Json[] }).Items.length)).toEqual([2, 2, 1]);
    for (const batch of batches) expect(JSON.stringify(batch).length).toBeLessThanOrEqual(90);
  });
});

test('a processor is a machine of its own, found by its label wherever the Map is', () => {
  const inner = distributedMap({ Deep: { Type: 'Pass', End: true } }, { Label: 'deep' });
  const parsed = parseDefinition(machineOf({ Outer: distributedMap({ Inner: inner }) }));
  if (!parsed.ok) throw new Error('it does not parse');
  const machine = compileMachine(parsed.definition);
  expect([...(processorMachine(machine, 'deep')?.states.keys() ?? [])]).toEqual(['Deep']);
  expect([...(processorMachine(machine, 'Outer')?.states.keys() ?? [])]).toEqual(['Inner']);
  expect(processorMachine(machine, 'deep')).toBe(processorMachine(machine, 'deep'));
  expect(processorMachine(machine, 'nowhere')).toBeUndefined();
});

describe('a map run that fails', () => {
  const failing = (more: JsonObject): Promise<Awaited<ReturnType<typeof play>>> =>
    play({
      definition: machineOf({
        Each: distributedMap(
          { Work: task('work') },
          { ...more, Catch: [{ ErrorEquals: ['States.ExceedToleratedFailureThreshold'], Next: 'Caught' }] },
        ),
        Caught: { Type: 'Pass', Result: 'caught', End: true },
      }),
      input: [0, 1, 2, 3],
      handlers: { work: (input) => (Number(input) % 2 === 1 ? { error: 'Odd' } : { output: input }) },
    });

  test('fails its Map, whose Catch may take it', async () => {
    const { end, history } = await failing({});
    expect(end?.output).toBe('caught');
    expect(history.map(({ type }) => type).slice(3, 6)).toEqual([
      'MapRunStarted',
      'MapRunFailed',
      'MapStateFailed',
    ]);
  });

  test('is fine as long as no more fail than are tolerated', async () => {
    expect((await failing({ ToleratedFailureCount: 2 })).end).toMatchObject({ status: 'SUCCEEDED' });
    expect((await failing({ ToleratedFailureCount: 1 })).end?.output).toBe('caught');
    expect((await failing({ ToleratedFailurePercentage: 50 })).end?.output).not.toBe('caught');
    expect((await failing({ ToleratedFailurePercentage: 49 })).end?.output).toBe('caught');
  });
});

test('an ItemSelector that fails tells it as that of an inline Map', async () => {
  const run = (more: JsonObject, machine: JsonObject = {}): Promise<Awaited<ReturnType<typeof play>>> =>
    play({
      definition: machineOf({ Each: distributedMap({ P: { Type: 'Pass', End: true } }, more) }, machine),
      input: [1],
    });
  const { end } = await run({ ItemSelector: { 'x.$': '$.nowhere' } });
  expect(end).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  expect(end?.cause).toMatch(
    /^An error occurred while executing the state 'Each' \(entered at the event id #2\)\. /,
  );
  const jsonata = await run({ ItemSelector: '{% $nope() %}' }, { QueryLanguage: 'JSONata' });
  expect(jsonata.end).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
  expect(jsonata.history.map(({ type }) => type)).toContain('EvaluationFailed');
});
