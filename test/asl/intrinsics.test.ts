import { describe, expect, test } from '@jest/globals';
import { evaluateExpression, parseExpression } from '../../src/asl/expression.js';
import { StatesError } from '../../src/asl/index.js';
import { PathSyntaxError } from '../../src/asl/jsonpath/index.js';
import type { Scope } from '../../src/asl/scope.js';
import type { Json } from '../../src/std/json.js';

const UUID = '4f2d1a3e-0c5b-4e8a-9b1d-2f3c4d5e6f70';

function evaluate(text: string, input: Json = {}): Json {
  const scope: Scope = {
    input,
    context: { Machine: 'm' },
    variables: {},
    nowMs: 0,
    entropy: { random: () => 0.999, uuid: () => UUID },
  };
  return evaluateExpression(parseExpression(text), scope, input, { field: 'x.$' });
}

function failureOf(text: string, input: Json = {}): StatesError {
  try {
    evaluate(text, input);
  } catch (error) {
    if (error instanceof StatesError) return error;
    throw error;
  }
  throw new Error(`${text} did not fail`);
}

describe('each function', () => {
  test.each<[string, Json, Json]>([
    ["States.Format('{} and {}', $.a, 2)", { a: 'x' }, 'x and 2'],
    [
      "States.Format('{}', $.o)",
      { o: { a: 1, b: [], c: { d: [null, 'e', true] } } },
      '{a=1, b=[], c={d=[null, e, true]}}',
    ],
    ["States.Format('\\{{}\\} \\'{}\\' \\\\', 1, 2)", {}, "{1} '2' \\"],
    ["States.Format('plain')", {}, 'plain'],
    ['States.Format($.t, 1)', { t: 'n={}' }, 'n=1'],
    ['States.StringToJson(\'[1, {"a": null}]\')', {}, [1, { a: null }]],
    ["States.StringToJson('  ')", {}, null],
    ['States.JsonToString($)', { a: [1, 'x'] }, '{"a":[1,"x"]}'],
    [
      "States.Array(1, 'two', null, true, $.a, $$.Machine)",
      { a: { b: 3 } },
      [1, 'two', null, true, { b: 3 }, 'm'],
    ],
    ['States.Array()', {}, []],
    ['States.ArrayPartition($, 2)', [1, 2, 3], [[1, 2], [3]]],
    ['States.ArrayContains($, $[0])', [{ a: 1, b: 2 }], true],
    ["States.ArrayContains($, '1')", [1], false],
    ['States.ArrayRange(1, 9, 2)', {}, [1, 3, 5, 7, 9]],
    ['States.ArrayRange(1, 9, 9)', {}, [1]],
    ['States.ArrayRange(5, 1, -2)', {}, [5, 3, 1]],
    ['States.ArrayRange(5, 1, 1)', {}, []],
    ['States.ArrayGetItem($, 1)', ['a', 'b'], 'b'],
    ['States.ArrayLength($)', [1, 2], 2],
    ['States.ArrayUnique($)', [1, '1', 1, { a: 1 }, { a: 1 }, null, null], [1, '1', { a: 1 }, null]],
    ["States.Base64Encode('größe')", {}, 'Z3LDtsOfZQ=='],
    ["States.Base64Decode('Z3LDtsOfZQ==')", {}, 'größe'],
    ["States.Hash('input data', 'SHA-1')", {}, 'aaff4a450a104cd177d28d18d74485e8cae074b7'],
    [
      'States.JsonMerge($.a, $.b, false)',
      { a: { x: { y: 1 }, z: 1 }, b: { x: { w: 2 } } },
      { x: { w: 2 }, z: 1 },
    ],
    ['States.MathRandom(1, 10)', {}, 9],
    ['States.MathAdd(1.5, -1.5)', {}, 1],
    ['States.MathAdd($.n, -1)', { n: 111 }, 110],
    ["States.StringSplit('This.is+a,test=string', '.+,=')", {}, ['This', 'is', 'a', 'test', 'string']],
    ["States.StringSplit(',,a,,', ',')", {}, ['a']],
    ['States.UUID()', {}, UUID],
  ])('%s', (text, input, expected) => {
    expect(evaluate(text, input)).toEqual(expected);
  });

  test('a seed makes MathRandom the same every time, and within its bounds', () => {
    const first = evaluate('States.MathRandom(1, 1000, 42)');
    expect(evaluate('States.MathRandom(1, 1000, 42)')).toBe(first);
    expect(evaluate('States.MathRandom(1, 1000, 43)')).not.toBe(first);
    expect(first).toBeGreaterThanOrEqual(1);
    expect(first).toBeLessThan(1000);
  });

  test('calls nest', () => {
    const text =
      "States.ArrayGetItem(States.StringSplit($.n, '-'), States.MathAdd(States.ArrayLength(States.StringSplit($.n, '-')), -1))";
    expect(evaluate(text, { n: 'a-b-c' })).toBe('c');
  });
});

describe('arguments that the data makes wrong', () => {
  test.each<[string, Json]>([
    ['States.ArrayGetItem($, 2)', [1, 2]],
    ['States.ArrayGetItem($, -1)', [1, 2]],
    ['States.ArrayPartition($, 0)', [1]],
    ['States.ArrayRange(0, 1000, 1)', {}],
    ['States.ArrayRange(0, 1, 0)', {}],
    ['States.ArrayLength($)', 'text'],
    ['States.MathAdd($, 1)', '1'],
    ['States.StringToJson($)', '{a'],
    ['States.Base64Decode($)', 'not base64!'],
    ["States.Hash('x', $)", 'CRC32'],
    ['States.JsonMerge($, $, $.deep)', { deep: true }],
    ['States.MathRandom(5, 5)', {}],
    ['States.Format($, 1)', 'no places'],
    ['States.Base64Encode($)', 'x'.repeat(10_001)],
  ])('%s with %j is States.IntrinsicFailure and names the call', (text, input) => {
    const failure = failureOf(text, input);
    expect(failure.error).toBe('States.IntrinsicFailure');
    expect(failure.cause).toContain(`The function '${text}' had the following error:`);
  });

  test('JSON text that nests without end is refused, not followed', () => {
    expect(failureOf('States.StringToJson($)', '['.repeat(5000) + ']'.repeat(5000)).error).toBe(
      'States.IntrinsicFailure',
    );
  });

  test('a path argument that finds nothing is States.Runtime', () => {
    expect(failureOf('States.ArrayLength($.a)', { b: 1 })).toMatchObject({
      error: 'States.Runtime',
      cause: "The JsonPath argument for the field '$.a' could not be found in the input '{\"b\":1}'",
    });
  });
});

describe('what is no call', () => {
  test.each([
    'States.Nope()',
    'States.UUID',
    'States.UUID(1)',
    'States.UUID() ',
    "States.MathAdd(1,'-1')",
    'States.MathAdd(1)',
    'States.ArrayLength()',
    "States.Format('{}')",
    "States.Format('{}', 1, 2)",
    'States.Format({}, 1)',
    'States.Format("{}", 1)',
    "States.StringToJson('a \\\" b')",
    "States.StringSplit('a, ',')",
    'States.Array(1 2)',
    'States.Array(1,)',
    'States.Array(undefined)',
  ])('%j is refused', (text) => {
    expect(() => parseExpression(text)).toThrow(PathSyntaxError);
  });

  test('calls nest ten deep and no deeper', () => {
    const nested = (depth: number): string => `${'States.Array('.repeat(depth)}1${')'.repeat(depth)}`;
    expect(() => parseExpression(nested(10))).not.toThrow();
    expect(() => parseExpression(nested(11))).toThrow(PathSyntaxError);
    expect(() => parseExpression(nested(100_000))).toThrow(PathSyntaxError);
  });
});
