import { expect, jest, test } from '@jest/globals';
import type { Json } from '../../src/std/json.js';

/** How often anything has been parsed. */
const parsed = { paths: 0, expressions: 0, patterns: 0 };

const { default: actual } = await import('jsonata');
jest.unstable_mockModule('jsonata', () => ({
  default: (...args: Parameters<typeof actual>) => {
    parsed.expressions++;
    return actual(...args);
  },
}));
const patterns = await import('../../src/asl/jsonata/pattern.js');
jest.unstable_mockModule('../../src/asl/jsonata/pattern.js', () => ({
  ...patterns,
  compilePattern: (pattern: RegExp) => {
    parsed.patterns++;
    return patterns.compilePattern(pattern);
  },
}));
const { Reader } = await import('../../src/asl/jsonpath/reader.js');
const { compileMachine, parseDefinition, validateDefinition } = await import('../../src/asl/index.js');
const { applyDelta, isEnded, newRun, step } = await import('../../src/engine/index.js');

const take = Reader.prototype.take;
jest.spyOn(Reader.prototype, 'take').mockImplementation(function (this: InstanceType<typeof Reader>, token) {
  parsed.paths++;
  return take.call(this, token);
});

/** Every place where a path or an expression may stand in states that do not call the world. */
const DEFINITION = {
  StartAt: 'Shape',
  States: {
    Shape: {
      Type: 'Pass',
      InputPath: '$.order',
      Parameters: { 'total.$': "States.Format('{}', $.items[*].cents)", 'at.$': '$$.State.EnteredTime' },
      ResultPath: '$.shaped',
      OutputPath: '$',
      Assign: { 'order.$': '$.at' },
      Next: 'Which',
    },
    Which: {
      Type: 'Choice',
      Choices: [{ And: [{ Variable: '$.shaped.total', StringMatches: '*4*' }], Next: 'Each' }],
    },
    Each: {
      Type: 'Map',
      ItemsPath: '$.order.items',
      ItemSelector: { 'item.$': '$$.Map.Item.Value', 'order.$': '$order' },
      ItemProcessor: {
        StartAt: 'Ask',
        States: {
          Ask: {
            Type: 'Choice',
            QueryLanguage: 'JSONata',
            Choices: [{ Condition: '{% $states.input.item.cents > 9 %}', Next: 'Tell' }],
          },
          Tell: {
            Type: 'Pass',
            QueryLanguage: 'JSONata',
            Assign: { sku: "{% $replace($states.input.item.sku, /(a+)+$/, '') %}" },
            Output: { text: '{% $states.input.item.sku & $order %}' },
            End: true,
          },
        },
      },
      End: true,
    },
  },
};

const INPUT: Json = {
  order: { items: [40, 41, 42].map((cents) => ({ cents, sku: `sku-${String(cents)}a` })) },
};

test('paths, expressions and patterns are parsed when a machine is compiled, never when it runs', async () => {
  const source = parseDefinition(DEFINITION);
  if (!source.ok) throw new Error(JSON.stringify(source.diagnostics));
  expect(validateDefinition(source.definition)).toEqual([]);
  const machine = compileMachine(source.definition);
  expect(parsed.paths).toBeGreaterThan(10);
  expect(parsed.expressions).toBeGreaterThanOrEqual(3);

  Object.assign(parsed, { paths: 0, expressions: 0, patterns: 0 });
  for (let execution = 0; execution < 5; execution++) {
    const about = {
      executionId: 'execution-1',
      executionName: 'execution',
      stateMachineId: 'machine-1',
      stateMachineName: 'machine',
      input: INPUT,
      startTimeMs: 0,
    };
    const run = newRun(about, machine, { random: () => 0.5, uuid: () => 'u' });
    const { delta, effects } = await step(run, { kind: 'start' }, 0);
    applyDelta(run, delta);
    expect(isEnded(run)).toBe(true);
    expect(effects).toMatchObject([{ kind: 'end', status: 'SUCCEEDED' }]);
  }
  // A pattern that may backtrack is made ready when it is first matched, and kept.
  expect(parsed).toEqual({ paths: 0, expressions: 0, patterns: 1 });
});
