import { describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../../../src/std/json.js';
import { heldBy, nested, only, runToEnd } from './hostile.js';

/** That each of these ends at all is half of what is shown: without a bound it would not, for hours. */

const LIST = Array.from({ length: 100_000 }, (_, n) => n % 10);
const PAIRS = Array.from({ length: 35_000 }, (_, n) => [n]);
const KEYS = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${String(n)}`, n]));
const TEXT = 'x'.repeat(200_000);

function deepObject(levels: number): Json {
  let value: Json = 1;
  for (let level = 0; level < levels; level++) value = { a: value };
  return value;
}

/** A Pass whose Parameters have the expression. */
function filled(expression: string): JsonObject {
  return only({ Type: 'Pass', Parameters: { 'x.$': expression } });
}

/** So many fields with the whole input each. */
function copies(count: number): JsonObject {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${String(n)}.$`, '$']));
}

const PROCESSOR = { StartAt: 'B', States: { B: { Type: 'Pass', End: true } } };

describe('data and paths that multiply end in an error of the workflow', () => {
  test.each<[string, JsonObject, Json, string]>([
    ['descents of descents', filled('$..*..*..*'), deepObject(900), 'States.Runtime'],
    ['descents by name', filled('$..a..a..a..a'), deepObject(900), 'States.Runtime'],
    [
      'a filter that looks through a list for every item',
      filled('$.l[?(@ in $.m)]'),
      { l: LIST.map((n) => n + 100), m: LIST },
      'States.Runtime',
    ],
    [
      'a filter that looks through everything for everything',
      filled('$..[?(@ in $..*)]'),
      { l: LIST },
      'States.Runtime',
    ],
    [
      'a filter that compares large values again and again',
      filled(`$.l[?(@ == $.m${' || @ == $.m'.repeat(2000)})]`),
      { l: [[...PAIRS, 0]], m: [...PAIRS, 1] },
      'States.Runtime',
    ],
    [
      'a format of a large text, thousands of times',
      filled(`States.Format('${'{}'.repeat(3000)}'${', $.t'.repeat(3000)})`),
      { t: TEXT },
      'States.IntrinsicFailure',
    ],
    [
      'a list of the input, thousands of times, as text',
      filled(`States.JsonToString(States.Array($${', $'.repeat(3000)}))`),
      { t: TEXT },
      'States.IntrinsicFailure',
    ],
    [
      'a hash of it',
      filled(`States.Hash(States.Array($${', $'.repeat(3000)}), 'MD5')`),
      { t: TEXT },
      'States.IntrinsicFailure',
    ],
    [
      'merges of large objects',
      filled(`States.Array(${Array(3000).fill('States.JsonMerge($,$,false)').join(',')})`),
      KEYS,
      'States.Runtime',
    ],
    [
      'a template of the input, thousands of times',
      only({ Type: 'Pass', Parameters: copies(20_000) }),
      { t: TEXT },
      'States.DataLimitExceeded',
    ],
    [
      'parameters of a task',
      only({ Type: 'Task', Resource: 'f', Parameters: copies(20_000) }),
      { t: TEXT },
      'States.DataLimitExceeded',
    ],
    [
      'an InputPath of a task that finds its parts over and over',
      only({ Type: 'Task', Resource: 'f', InputPath: '$..*' }),
      { a: { b: { c: { d: Array(30).fill(deepObject(800)) } } } },
      'States.DataLimitExceeded',
    ],
    [
      'an ItemSelector',
      only({ Type: 'Map', ItemSelector: copies(20_000), ItemProcessor: PROCESSOR }),
      [{ t: TEXT }],
      'States.DataLimitExceeded',
    ],
    [
      'branches',
      only({ Type: 'Parallel', Parameters: copies(20_000), Branches: [PROCESSOR] }),
      { t: TEXT },
      'States.DataLimitExceeded',
    ],
    ['variables', only({ Type: 'Pass', Assign: copies(20_000) }), { t: TEXT }, 'States.DataLimitExceeded'],
    [
      'text that parses to what nests too deep',
      filled('States.StringToJson($.t)'),
      { t: '['.repeat(5000) + ']'.repeat(5000) },
      'States.IntrinsicFailure',
    ],
    ['a range without end', filled('States.ArrayRange(0, 1e300, 1)'), {}, 'States.IntrinsicFailure'],
    ['a chunk of nothing', filled('States.ArrayPartition($, 0)'), [1], 'States.IntrinsicFailure'],
    ['input that nests deeper than any output may', filled('$'), nested(2000), 'States.DataLimitExceeded'],
    [
      'a Map of a hundred thousand items whose history is full',
      only({ Type: 'Map', ItemsPath: '$.l', ItemProcessor: PROCESSOR }),
      { l: LIST },
      'States.Runtime',
    ],
  ])('%s', async (_what, definition, input, error) => {
    const heldMegabytes = await heldBy(async () => {
      expect(await runToEnd(definition, input)).toMatchObject({ status: 'FAILED', error });
    });
    expect(heldMegabytes).toBeLessThan(400);
  });
});

describe('much data that is not too much is worked on', () => {
  test.each<[string, JsonObject, Json, Json]>([
    [
      'a list of small lists, each once',
      filled('States.ArrayLength(States.ArrayUnique($))'),
      [...PAIRS.slice(0, 25_000), ...PAIRS.slice(0, 9000)],
      { x: 25_000 },
    ],
    ['a list of a hundred thousand', filled('States.ArrayLength($)'), LIST, { x: 100_000 }],
    ['what is in it', filled('States.ArrayContains($, 11)'), LIST, { x: false }],
    ['a filter of it', filled('$[?(@ > 8)].length()'), LIST, { x: 10_000 }],
    ['an object of twenty thousand keys', filled('$.length()'), KEYS, { x: 20_000 }],
  ])('%s', async (_what, definition, input, output) => {
    expect(await runToEnd(definition, input)).toMatchObject({ status: 'SUCCEEDED', output });
  });

  test('a Map of a hundred thousand items ends where no history fills', async () => {
    const definition = only({
      Type: 'Map',
      ItemsPath: '$.l',
      ResultPath: null,
      ItemProcessor: PROCESSOR,
      OutputPath: '$.n',
    });
    const ending = await runToEnd(definition, { l: LIST, n: 1 }, Number.MAX_SAFE_INTEGER);
    expect(ending).toMatchObject({ status: 'SUCCEEDED', output: 1, events: 400_006 });
  });

  test('a million keys are looked at in time', async () => {
    const million = Object.fromEntries(Array.from({ length: 1_000_000 }, (_, n) => [`k${String(n)}`, n]));
    expect(await runToEnd(filled('$.k999999'), million)).toMatchObject({
      status: 'SUCCEEDED',
      output: { x: 999_999 },
    });
    expect(await runToEnd(filled('$'), million)).toMatchObject({ error: 'States.DataLimitExceeded' });
    expect(await runToEnd(filled('$..*..*'), million)).toMatchObject({ output: { x: [] } });
  });

  test('a pattern of a thousand stars is matched without backtracking', async () => {
    const choice = { Variable: '$', StringMatches: `${'*a'.repeat(1000)}*b`, Next: 'B' };
    const definition = {
      StartAt: 'A',
      States: { A: { Type: 'Choice', Choices: [choice], Default: 'B' }, B: { Type: 'Succeed' } },
    };
    await heldBy(() => runToEnd(definition, 'a'.repeat(100_000)));
  });
});

describe('keys that JavaScript gives a meaning are keys', () => {
  const INPUT = JSON.parse(
    '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 2}}, "a": 3}',
  ) as JsonObject;

  test.each<[string, JsonObject, string]>([
    ['looked up', filled("$['__proto__'].polluted"), '{"x":1}'],
    [
      'not looked up where they are not',
      only({ Type: 'Pass', Parameters: { 'x.$': '$..toString' } }),
      '{"x":[]}',
    ],
    [
      'as the place of a result',
      only({ Type: 'Pass', Result: 9, ResultPath: '$.__proto__.polluted' }),
      '{"__proto__":{"polluted":9},"constructor":{"prototype":{"polluted":2}},"a":3}',
    ],
    [
      'as the place of a new result',
      only({ Type: 'Pass', InputPath: '$.a', Result: 9, ResultPath: '$.constructor.prototype.more' }),
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2,"more":9}},"a":3}',
    ],
    [
      'merged',
      filled('States.JsonMerge($, States.StringToJson(\'{"__proto__": 5}\'), false)'),
      '{"x":{"__proto__":5,"constructor":{"prototype":{"polluted":2}},"a":3}}',
    ],
    [
      'in JSONata',
      only({ Type: 'Pass', QueryLanguage: 'JSONata', Output: '{% $keys($states.input) %}' }),
      '["__proto__","constructor","a"]',
    ],
  ])('%s', async (_what, definition, output) => {
    const ending = await runToEnd(definition, INPUT);
    expect(JSON.stringify(ending.output)).toBe(output);
    expect('polluted' in {}).toBe(false);
  });

  test('in a template', async () => {
    const definition = JSON.parse(
      '{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"__proto__":{"b.$":"$.a"},"__proto__x.$":"$.a","c":1},"End":true}}}',
    ) as JsonObject;
    const ending = await runToEnd(definition, INPUT);
    expect(JSON.stringify(ending.output)).toBe('{"__proto__":{"b":3},"__proto__x":3,"c":1}');
  });

  test('in an expression of a template', async () => {
    const definition =
      '{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"__proto__.$":"$.a","z":1},"End":true}}}';
    expect(JSON.stringify((await runToEnd(definition, INPUT)).output)).toBe('{"__proto__":3,"z":1}');
  });

  test.each(['constructor', 'toString', '__proto__', 'valueOf'])(
    'a variable %s is one that was assigned, or none',
    async (name) => {
      const assigns = JSON.parse(`{"StartAt":"A","States":{
      "A":{"Type":"Pass","Assign":{"${name}":7},"Next":"B"},
      "B":{"Type":"Pass","Parameters":{"x.$":"$${name}"},"End":true}}}`) as JsonObject;
      expect(await runToEnd(assigns)).toMatchObject({ status: 'SUCCEEDED', output: { x: 7 } });
      const definition = only({
        Type: 'Pass',
        QueryLanguage: 'JSONata',
        Output: `{% $exists($states.input.${name}) %}`,
      });
      expect(await runToEnd(definition, {})).toMatchObject({ output: false });
    },
  );
});

describe('numbers and texts at the edge', () => {
  test.each<[string, JsonObject, Json, string]>([
    ['minus zero', filled('States.MathAdd($, 0)'), -0, '0'],
    ['a number that is no integer any more', filled('States.MathAdd($, 1)'), 2 ** 53, '9007199254740992'],
    ['a lone surrogate', filled("States.Format('{}', $)"), '\ud800', '"\\ud800"'],
    [
      'a lone surrogate split off',
      filled("States.StringSplit($, 'a')"),
      '\ud83da\ude00',
      '["\\ud83d","\\ude00"]',
    ],
    ['a NUL character', filled('States.StringToJson($)'), '"\\u0000"', '"\\u0000"'],
  ])('%s', async (_what, definition, input, output) => {
    const ending = await runToEnd(definition, input);
    expect(JSON.stringify((ending.output as JsonObject)['x'])).toBe(output);
  });

  test.each<[string, JsonObject, Json, string]>([
    ['a sum', filled('States.MathAdd($, $)'), 1.7e308, 'States.IntrinsicFailure'],
    [
      'a number from too large a range',
      filled('States.MathRandom(-1e308, $)'),
      1.7e308,
      'States.IntrinsicFailure',
    ],
    ['a text that is parsed', filled('States.StringToJson($)'), '[1e400]', 'States.IntrinsicFailure'],
    ['a text of 400 digits', filled('States.StringToJson($)'), '9'.repeat(400), 'States.IntrinsicFailure'],
    ['a sum of a path', filled('$.sum()'), [1.7e308, 1.7e308], 'States.Runtime'],
  ])('%s beyond all numbers is refused, not null', async (_what, definition, input, error) => {
    expect(await runToEnd(definition, input)).toMatchObject({ status: 'FAILED', error });
  });

  test.each([1e308, 1e18, 2 ** 53])('a Wait of %d seconds is refused, not waited for', async (seconds) => {
    const ending = await runToEnd(only({ Type: 'Wait', SecondsPath: '$' }), seconds);
    expect(ending).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });
});
