import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseExpression } from '../../src/asl/expression.js';
import { compileMachine, parseDefinition, validateDefinition } from '../../src/asl/index.js';
import { evaluatePath, PathSyntaxError, parsePath } from '../../src/asl/jsonpath/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';

/** Words of the language, so that random values come past the first check. */
const WORDS = [
  'Type',
  'Pass',
  'Task',
  'Choice',
  'Wait',
  'Map',
  'Parallel',
  'Fail',
  'Succeed',
  'StartAt',
  'States',
  'Next',
  'End',
  'Choices',
  'Variable',
  'And',
  'Not',
  'NumericEquals',
  'IsPresent',
  'Retry',
  'Catch',
  'ErrorEquals',
  'States.ALL',
  'Resource',
  'InputPath',
  'ResultPath',
  'Parameters',
  'x.$',
  '$',
  '$.a',
  '$$.b',
  'States.UUID()',
  'Branches',
  'ItemProcessor',
  'Seconds',
  'Timestamp',
  'f',
  'QueryLanguage',
  'JSONPath',
  'JSONata',
  'Output',
  'Assign',
  'Arguments',
  'Condition',
  'Items',
  '{% $states.input %}',
  '{% $x := 1 %}',
  '{% a[ %}',
  '$x',
  '__proto__',
  'toString',
  'constructor',
];

const word = fc.constantFrom(...WORDS);

const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.oneof(
      word,
      fc.string(),
      fc.boolean(),
      fc.constant(null),
      fc.double(),
      fc.integer({ min: -2, max: 9 }),
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof({ weight: 9, arbitrary: word }, fc.string()), tie('value'), { maxKeys: 5 }),
  ) as fc.Arbitrary<Json>,
}));

const state = fc.record(
  {
    Type: fc.constantFrom('Pass', 'Task', 'Choice', 'Wait', 'Map', 'Parallel', 'Fail', 'Succeed'),
    Next: fc.constantFrom('A', 'B'),
    End: fc.constant(true),
    Resource: fc.constantFrom('f', 'arn:aws:states:::lambda:invoke'),
    Choices: value,
    Parameters: value,
    InputPath: value,
    ResultPath: value,
    Retry: value,
    Catch: value,
    Seconds: fc.integer(),
  },
  { requiredKeys: ['Type'] },
) as unknown as fc.Arbitrary<JsonObject>;

/** Nearly valid, so that some of them compile. */
const simple = fc
  .record(
    {
      Type: fc.constant('Pass'),
      End: fc.constant(true),
      InputPath: fc.constantFrom('$', '$.a[0]', '$$.b', null, 'a'),
      Parameters: value,
      Result: value,
      ResultPath: fc.constantFrom('$', '$.a', null, '$[*]'),
    },
    { requiredKeys: ['Type', 'End'] },
  )
  .map((pass) => ({ StartAt: 'A', States: { A: pass } })) as unknown as fc.Arbitrary<JsonObject>;

const machine = fc.record({
  StartAt: fc.constantFrom('A', 'B'),
  States: fc.dictionary(fc.constantFrom('A', 'B'), fc.oneof(state, value), { minKeys: 1 }),
}) as unknown as fc.Arbitrary<JsonObject>;

test('no JSON value makes parse, validate or compile throw; what has no ERROR compiles', () => {
  let compiled = 0;
  fc.assert(
    fc.property(fc.oneof(simple, machine, value), (source) => {
      const parsed = parseDefinition(source);
      if (!parsed.ok) return;
      const diagnostics = validateDefinition(parsed.definition);
      if (diagnostics.some(({ severity }) => severity === 'ERROR')) return;
      compileMachine(parsed.definition);
      compiled++;
    }),
    { numRuns: 3000 },
  );
  expect(compiled).toBeGreaterThan(100);
});

test('no text makes parse throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        value.map((json) => `StartAt: ${JSON.stringify(json)}`),
      ),
      (text) => {
        const parsed = parseDefinition(text);
        if (parsed.ok) validateDefinition(parsed.definition);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a text is a path or a call that evaluates, or is refused with a PathSyntaxError', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '$',
      '$$',
      '.',
      '..',
      '[',
      ']',
      '*',
      '?(',
      '@',
      ')',
      "'a'",
      '0',
      '-1',
      ':',
      ',',
      '==',
      '&&',
      'a',
      'States.Array(',
      '\\',
      ' ',
    ),
    fc.string({ maxLength: 3 }),
  );
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => `$${pieces.join('')}`);
  fc.assert(
    fc.property(text, value, (path, root) => {
      for (const parse of [parsePath, parseExpression]) {
        try {
          parse(path);
        } catch (error) {
          if (!(error instanceof PathSyntaxError)) throw error;
          return;
        }
      }
      evaluatePath(parsePath(path), root);
    }),
    { numRuns: 5000 },
  );
});

test('a nesting of 10,000 is refused, not followed', () => {
  let rule: JsonObject = { Variable: '$.a', IsNull: true };
  for (let level = 0; level < 10_000; level++) rule = { Not: rule };
  const definition = { StartAt: 'C', States: { C: { Type: 'Choice', Choices: [rule] } } };
  expect(validateDefinition(definition)).toMatchObject([{ code: 'DEFINITION_TOO_LARGE', severity: 'ERROR' }]);
});
