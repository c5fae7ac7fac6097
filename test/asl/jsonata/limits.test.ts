import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { JsonataSyntaxError } from '../../../src/asl/jsonata/expression.js';
import { compileJsonataTemplate, fillJsonata } from '../../../src/asl/jsonata/template.js';
import { QueryError } from '../../../src/asl/query-error.js';
import type { Scope } from '../../../src/asl/scope.js';
import type { Json, JsonObject } from '../../../src/std/json.js';

function scopeOf(input: Json, more: Partial<Scope> = {}): Scope {
  const entropy = { random: () => 0.5, uuid: () => 'u' };
  return { input, context: {}, variables: {}, nowMs: 0, entropy, ...more };
}

async function evaluate(text: string, scope: Scope = scopeOf({})): Promise<Json> {
  return fillJsonata(compileJsonataTemplate(`{% ${text} %}`, 'Output'), scope, {});
}

describe('a hostile expression ends in an error within its limits', () => {
  test.each([
    ['an endless tail call', '($f := function($x){ $f($x + 1) }; $f(1))', /D1012/],
    ['an endless recursion', '($f := function($x){ 1 + $f($x + 1) }; $f(1))', /D1011/],
    ['a deep sum', Array.from({ length: 900 }, () => '1').join('+'), /D1011|stack/],
    ['a range of a milliard', '[1..1000000000]', /D2014|D2015/],
    ['a range beyond the limit', '$count([1..900000])', /D2015/],
    ['ranges of ranges', '$map([1..1000], function($i){ [[1..800000]] })', /memory|D1012/],
    [
      'a list of itself, twice, sixty times',
      '($d := function($x,$n){ $n = 0 ? $x : $d([[$x],[$x]], $n-1) }; $d(1,60) = $d(1,60))',
      /memory/,
    ],
    [
      'a text doubled sixty times',
      "($d := function($x,$n){ $n = 0 ? $x : $d($x & $x, $n-1) }; $length($d('x',60)))",
      /memory/,
    ],
    ['a text padded to a milliard', "$pad('x', 1000000000)", /memory/],
    ['different ones of a great many', '$count($distinct([1..800000])) = 0', undefined],
    [
      'a regular expression that backtracks',
      "$match('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', /(a+)+$/)",
      /steps/,
    ],
  ])('%s', async (_name, text, why) => {
    const ended = evaluate(text);
    if (why === undefined) await ended;
    else {
      await expect(ended).rejects.toThrow(QueryError);
      await expect(ended).rejects.toThrow(why);
    }
  });

  test('a list written out at great length is no expression, since each item copies it', async () => {
    const list = (length: number): string => `$count([${'1,'.repeat(length - 1)}1])`;
    await expect(evaluate(list(1000))).resolves.toBe(1000);
    expect(() => compileJsonataTemplate(`{% ${list(150_000)} %}`, 'Output')).toThrow(JsonataSyntaxError);
  });

  test('an expression that nests too deep for the parser is no expression', () => {
    const deep = `${'('.repeat(100_000)}1${')'.repeat(100_000)}`;
    expect(() => compileJsonataTemplate(`{% ${deep} %}`, 'Output')).toThrow(JsonataSyntaxError);
  });
});

describe('evaluations leave no traces', () => {
  test('of the data that they are given', async () => {
    const input: JsonObject = { list: [], items: [{ a: 1 }, { a: 2 }], one: [{ a: 1 }] };
    const before = structuredClone(input);
    for (const text of [
      '$states.input.list{a: b}',
      '$states.input.items[]',
      '$states.input.one[]',
      '$states.input.items#$i.{"i": $i}',
      '$states.input ~> |items|{"b": 1}|',
      '$sort($states.input.items, function($l,$r){$l.a < $r.a})',
      '$states.input.items^(>a)',
    ]) {
      await evaluate(text, scopeOf(input)).catch(() => undefined);
      expect(input).toStrictEqual(before);
    }
  });

  test('of plain JSON only: no marks, no prototypes but the usual', async () => {
    const found = await evaluate("$states.input.a.{'k': b}", scopeOf({ a: [{ b: 1 }, { b: 2 }] }));
    expect(found).toStrictEqual([{ k: 1 }, { k: 2 }]);
    expect(Object.keys(found as Json[])).toEqual(['0', '1']);
  });

  test('of a field called __proto__ more than the field', async () => {
    const input = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}') as JsonObject;
    const found = await evaluate("$merge([$states.input, {'__proto__': 2}])", scopeOf(input));
    expect(JSON.stringify(found)).toContain('"__proto__":2');
    expect('polluted' in {}).toBe(false);
    await expect(evaluate('$states.input.toString', scopeOf({}))).rejects.toThrow(/nothing/);
  });

  test('that overlapping ones could see: each has its own names, time and chance', async () => {
    const template = compileJsonataTemplate(
      '{% ($x := $states.input; $map([1..20], function($i){ $x }); [$x, $own, $millis(), $uuid(), $random()]) %}',
      'Output',
    );
    const runs = Array.from({ length: 50 }, async (_, n) => {
      const entropy = { random: () => n / 100, uuid: () => `u${String(n)}` };
      const found = await fillJsonata(template, scopeOf(n, { variables: { own: n }, nowMs: n, entropy }), {});
      expect(found).toEqual([n, n, n, `u${String(n)}`, n / 100]);
    });
    await Promise.all(runs);
  });

  test('of the process: after each that may have taken long it can do something else', async () => {
    let turns = 0;
    const pause = async (): Promise<void> => {
      turns += 1;
    };
    const scope = scopeOf({}, { entropy: { random: () => 0, uuid: () => 'u', pause } });
    await evaluate('$states.input', scope).catch(() => undefined);
    expect(turns).toBe(0);
    await evaluate('($f := function($x){ $f($x) }; $f(1))', scope).catch(() => undefined);
    expect(turns).toBeGreaterThan(0);
  });

  test('of time: one that takes long does not use up the time of those that wait', async () => {
    const slow = evaluate('($f := function($x){ $f($x + 1) }; $f(1))');
    const quick = evaluate('$sum([1..1000])');
    await expect(slow).rejects.toThrow(/D1012/);
    await expect(quick).resolves.toBe(500_500);
  });
});

describe('any text', () => {
  const words = fc.constantFrom(
    '$',
    '$states',
    '.',
    'input',
    '[',
    ']',
    '(',
    ')',
    '{',
    '}',
    ':',
    '1',
    '"a"',
    '+',
    '&',
    '~>',
    '%',
    '**',
    '@$v',
    '#$i',
    '^(',
    'function($x){',
    ':=',
    '$x',
    ';',
    '..',
    '/a*/',
    '|',
    '?',
    ',',
    '$sum',
    '$map',
    '\u0000',
    '`',
  );
  test('is no expression, or has a value, or fails as an evaluation does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(words, { maxLength: 12 }), fc.jsonValue(), async (parts, input) => {
        try {
          const value = await evaluate(parts.join(' '), scopeOf(input as Json));
          expect(JSON.parse(JSON.stringify(value))).toEqual(value);
        } catch (error) {
          if (!(error instanceof JsonataSyntaxError)) expect(error).toBeInstanceOf(QueryError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

test('an evaluation that takes long lets others have a turn', async () => {
  let turns = 0;
  const pause = (): Promise<void> => {
    turns += 1;
    return new Promise((resolve) => setImmediate(resolve));
  };
  const entropy = { random: () => 0.5, uuid: () => 'u', pause };
  await expect(
    evaluate('($f := function($x){ $f($x + 1) }; $f(1))', scopeOf({}, { entropy })),
  ).rejects.toThrow(/D1012/);
  expect(turns).toBeGreaterThan(1);
});
