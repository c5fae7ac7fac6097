import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { evaluateExpression, parseExpression } from '../../src/asl/expression.js';
import { compileMachine, parseDefinition, StatesError, validateDefinition } from '../../src/asl/index.js';
import { INTRINSICS } from '../../src/asl/intrinsics/index.js';
import { evaluatePath, PathSyntaxError, parsePath } from '../../src/asl/jsonpath/index.js';
import { type Json, type JsonObject, setField } from '../../src/std/json.js';

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
  'ProcessorConfig',
  'Mode',
  'DISTRIBUTED',
  'ExecutionType',
  'STANDARD',
  'ItemReader',
  'ItemBatcher',
  'ResultWriter',
  'Label',
  'Message',
  'CorrelationKey',
  'TimeoutPath',
  'Credentials',
  'RoleArn',
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
    Type: fc.constantFrom('Pass', 'Task', 'Choice', 'Wait', 'Map', 'Parallel', 'Fail', 'Succeed', 'Message'),
    Next: fc.constantFrom('A', 'B'),
    End: fc.constant(true),
    Resource: fc.constantFrom(
      'f',
      'arn:aws:states:::lambda:invoke.waitForTaskToken',
      'arn:aws:states:::states:startExecution.sync',
      'arn:aws:states:::aws-sdk:sfn:sendTaskSuccess',
      'arn:aws:states:us-east-1:000000000000:activity:a',
    ),
    Credentials: value,
    CorrelationKey: value,
    CorrelationValuePath: value,
    MessagePath: value,
    TimeoutPath: value,
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

/** Distributed Maps that are nearly valid. */
const distributed = fc
  .record(
    {
      Type: fc.constant('Map'),
      End: fc.constant(true),
      QueryLanguage: fc.constantFrom('JSONPath', 'JSONata'),
      Label: fc.oneof(fc.constantFrom('l', 'a b', '__proto__'), value),
      ItemReader: fc.oneof(
        fc.record(
          {
            Resource: fc.constantFrom('arn:aws:states:::s3:getObject', 'arn:aws:states:::s3:listObjectsV2'),
            Parameters: fc.constantFrom({ Bucket: 'b', Key: 'k' }, { 'Bucket.$': '$.b', 'Key.$': '$x' }),
            Arguments: fc.oneof(fc.constantFrom({ Bucket: 'b', Key: '{% $k %}' }, '{% $x %}'), value),
            ReaderConfig: fc.oneof(
              fc.constantFrom({ InputType: 'JSON', MaxItems: 1 }, { InputType: '{% $t %}' }, {}),
              value,
            ),
          },
          { requiredKeys: ['Resource'] },
        ),
        value,
      ),
      ItemBatcher: fc.oneof(
        fc.constantFrom({ MaxItemsPerBatch: 1 }, { MaxInputBytesPerBatchPath: '$.a' }),
        fc.record({ MaxItemsPerBatch: value, BatchInput: value }),
      ),
      ResultWriter: fc.oneof(fc.constantFrom({ WriterConfig: { Transformation: 'NONE' } }), value),
      ItemProcessor: fc.constant({
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' },
        StartAt: 'I',
        States: { I: { Type: 'Succeed' } },
      }),
    },
    { requiredKeys: ['Type', 'End', 'ItemProcessor'] },
  )
  .map((map) => ({ StartAt: 'A', States: { A: map } })) as unknown as fc.Arbitrary<JsonObject>;

const machine = fc.record({
  StartAt: fc.constantFrom('A', 'B'),
  States: fc.dictionary(fc.constantFrom('A', 'B'), fc.oneof(state, value), { minKeys: 1 }),
}) as unknown as fc.Arbitrary<JsonObject>;

test('no JSON value makes parse, validate or compile throw; what has no ERROR compiles', () => {
  let compiled = 0;
  fc.assert(
    fc.property(fc.oneof(simple, distributed, machine, value), (source) => {
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

/** Arguments that are of a kind, if the input is kind; those in the input may be of any. */
const ARGUMENTS: Record<string, readonly string[]> = {
  array: ['$.list', '$.list[*].a', '$..a', "States.StringSplit('a,b', ',')", 'States.Array(1, $, 1)'],
  number: ['1', '-1', '0', '3', '1.5', '1e308', '9007199254740993', '$.n', '$.list[0]'],
  string: ["'{}'", "'a,b'", "'SHA-256'", "'[1,{}]'", "'YQ=='", "'\\{\\}'", "''", '$.text', 'States.UUID()'],
  boolean: ['true', 'false', '$.b'],
  object: ['$', '$.o', "States.StringToJson('{}')"],
  any: ['$', '$.missing', '$$.x', '$v', 'null', '2', "'x'"],
};

/** Calls of all 18 functions, nested: mostly with as many arguments as they take and of their kinds. */
const { call } = fc.letrec<{ call: string }>((tie) => {
  const anything = fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(...Object.values(ARGUMENTS).flat()),
    fc.string({ maxLength: 5 }).map((text) => `'${text.replace(/['\\]/g, '')}'`),
    tie('call'),
  );
  const argument = (kind: string): fc.Arbitrary<string> =>
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...(ARGUMENTS[kind] ?? [])) },
      { weight: 1, arbitrary: anything },
    );
  return {
    call: fc
      .constantFrom(...INTRINSICS)
      .chain(([name, { takes }]) =>
        fc
          .oneof(
            { weight: 9, arbitrary: fc.tuple(...takes.map(argument)) },
            { weight: 1, arbitrary: fc.array(anything, { maxLength: 4 }) },
          )
          .map((args) => `${name}(${args.join(', ')})`),
      ),
  };
});

const extreme = fc.oneof(
  value,
  fc.constantFrom<Json>(1e308, -1e308, 5e-324, -0, 2 ** 53, '\ud800', '\u0000', 'x'.repeat(20_000)),
  fc.string().map((text): Json => ({ a: text, list: [text, 1, null], text, n: 2, b: false, o: { a: text } })),
  fc
    .array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 6 })
    .map((list): Json => ({ list, a: list[0] ?? 0 })),
);

test('a call of an intrinsic function gives JSON, or is refused as the language refuses', () => {
  const done = new Set<string>();
  const refused = { asText: 0, asCall: 0 };
  fc.assert(
    fc.property(call, extreme, (text, input) => {
      const entropy = { random: () => 0.25, uuid: () => 'u' };
      const scope = { input, context: { x: 1 }, variables: { v: input }, nowMs: 0, entropy };
      try {
        const expression = parseExpression(text);
        const found = evaluateExpression(expression, scope, input, { field: 'x.$' });
        expect(JSON.stringify(JSON.parse(JSON.stringify(found)))).toBe(JSON.stringify(found));
        done.add(text.slice(0, text.indexOf('(')));
      } catch (error) {
        if (error instanceof PathSyntaxError) refused.asText++;
        else if (
          error instanceof StatesError &&
          !['States.IntrinsicFailure', 'States.Runtime'].includes(error.error)
        )
          throw error;
        else if (error instanceof StatesError) refused.asCall++;
        else throw error;
      }
    }),
    { numRuns: 10_000 },
  );
  expect([...done].sort()).toEqual([...INTRINSICS.keys()].sort());
  expect(refused.asText).toBeGreaterThan(1000);
  expect(refused.asCall).toBeGreaterThan(100);
});

/** The whole language in one definition, to be damaged. */
const WHOLE: JsonObject = {
  StartAt: 'Pass',
  TimeoutSeconds: 60,
  States: {
    Pass: {
      Type: 'Pass',
      InputPath: '$.a',
      Parameters: { 'x.$': "States.Format('{}', $.b)", c: [{ 'd.$': '$$.State.Name' }] },
      ResultPath: '$.r',
      Assign: { 'v.$': '$.x' },
      Next: 'Task',
    },
    Task: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Parameters: { FunctionName: 'f', 'Payload.$': '$' },
      ResultSelector: { 'p.$': '$.Payload' },
      TimeoutSecondsPath: '$.t',
      Retry: [
        { ErrorEquals: ['A'], IntervalSeconds: 1, MaxAttempts: 2, BackoffRate: 1.5, MaxDelaySeconds: 9 },
      ],
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.e', Next: 'Choice' }],
      Next: 'Choice',
    },
    Choice: {
      Type: 'Choice',
      Choices: [
        {
          And: [{ Variable: '$.n', NumericEquals: 1 }, { Not: { Variable: '$.s', StringMatches: 'a*' } }],
          Next: 'Map',
        },
        { Variable: '$.n', NumericLessThanPath: '$.m', Next: 'Parallel' },
      ],
      Default: 'Wait',
    },
    Map: {
      Type: 'Map',
      ItemsPath: '$.items',
      ItemSelector: { 'i.$': '$$.Map.Item.Index' },
      MaxConcurrency: 3,
      ItemProcessor: { StartAt: 'InMap', States: { InMap: { Type: 'Pass', End: true } } },
      Next: 'Wait',
    },
    Parallel: {
      Type: 'Parallel',
      Branches: [{ StartAt: 'InBranch', States: { InBranch: { Type: 'Succeed' } } }],
      Next: 'Wait',
    },
    Wait: { Type: 'Wait', SecondsPath: '$.seconds', Next: 'Jsonata' },
    Jsonata: {
      Type: 'Task',
      QueryLanguage: 'JSONata',
      Resource: 'f',
      Arguments: { a: '{% $states.input %}' },
      Output: '{% $states.result %}',
      Assign: { w: '{% $v %}' },
      TimeoutSeconds: '{% 1 + 1 %}',
      Next: 'Fail',
    },
    Fail: { Type: 'Fail', ErrorPath: '$.e', CausePath: "States.Format('{}', $.c)" },
  },
};

/** Every place in a value, as the keys that lead to it. */
function placesIn(root: Json, at: readonly string[] = []): (readonly string[])[] {
  if (typeof root !== 'object' || root === null) return [at];
  return [at, ...Object.entries(root).flatMap(([key, child]) => placesIn(child, [...at, key]))];
}

type Damage = { kind: 'replace' | 'add' | 'remove'; place: readonly string[]; key: string; value: Json };

/** The value with one place changed; a copy. */
function damaged(root: Json, { kind, place, key, value }: Damage): Json {
  const copy = JSON.parse(JSON.stringify(root)) as Json;
  const [last] = place.slice(-1);
  let node: Json = copy;
  for (const step of place.slice(0, -1)) {
    if (typeof node !== 'object' || node === null) return copy;
    node = (node as JsonObject)[step] ?? null;
  }
  if (typeof node !== 'object' || node === null || last === undefined) return copy;
  const parent = node as JsonObject;
  if (kind === 'remove') delete parent[last];
  else if (kind === 'replace') setField(parent, last, value);
  else {
    const child = parent[last];
    if (Array.isArray(child)) child.push(value);
    else if (typeof child === 'object' && child !== null) setField(child, key, value);
  }
  return copy;
}

test('a definition damaged in a few places is refused, or compiles', () => {
  const places = placesIn(WHOLE).slice(1);
  const damage = fc.record({
    kind: fc.constantFrom<Damage['kind']>('replace', 'add', 'remove'),
    place: fc.constantFrom(...places),
    key: word,
    value,
  });
  const count = { compiled: 0, refused: 0 };
  const whole = validateDefinition(WHOLE).filter(({ severity }) => severity === 'ERROR');
  expect(whole).toEqual([]);
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (damages) => {
      const parsed = parseDefinition(damages.reduce<Json>(damaged, WHOLE));
      if (!parsed.ok) return;
      if (validateDefinition(parsed.definition).some(({ severity }) => severity === 'ERROR')) count.refused++;
      else {
        compileMachine(parsed.definition);
        count.compiled++;
      }
    }),
    { numRuns: 4000 },
  );
  expect(count.compiled).toBeGreaterThan(50);
  expect(count.refused).toBeGreaterThan(1000);
});
