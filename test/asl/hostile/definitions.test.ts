import { describe, expect, test } from '@jest/globals';
import { compileMachine, parseDefinition } from '../../../src/asl/index.js';
import type { Json, JsonObject } from '../../../src/std/json.js';
import { heldBy, nested, only, refusals, runToEnd } from './hostile.js';

const PASS: JsonObject = { Type: 'Pass', End: true };

describe('a definition that is too much is refused, and quickly', () => {
  const wide = Object.fromEntries(Array.from({ length: 1_000_000 }, (_, n) => [`k${String(n)}`, n]));
  test.each<[string, () => string | Json, string]>([
    ['lists a hundred thousand deep', () => '['.repeat(100_000), 'DEFINITION_TOO_LARGE'],
    ['closed ones', () => `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'DEFINITION_TOO_LARGE'],
    ['objects', () => `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, 'DEFINITION_TOO_LARGE'],
    [
      'data that nests in a Result',
      () => only({ Type: 'Pass', Result: nested(400) }),
      'DEFINITION_TOO_LARGE',
    ],
    ['a million keys, as text', () => JSON.stringify(wide), 'DEFINITION_TOO_LARGE'],
    ['a million keys, as an object', () => only({ Type: 'Pass', Result: wide }), 'DEFINITION_TOO_LARGE'],
    ['a hundred thousand keys that are no fields', () => small(wide, 100_000), 'SCHEMA_VALIDATION_FAILED'],
    ['a thousand Parallel states in each other', () => parallels(1000), 'DEFINITION_TOO_LARGE'],
    ['a thousand Map states in each other', () => maps(1000), 'DEFINITION_TOO_LARGE'],
    ['a state name of a hundred thousand characters', () => named('n'.repeat(100_000)), 'INVALID_STATE_NAME'],
    [
      'a path of ten thousand steps',
      () => only({ Type: 'Pass', InputPath: `$${'.a'.repeat(10_000)}` }),
      'INVALID_JSON_PATH',
    ],
    [
      'a filter of ten thousand parentheses',
      () => only({ Type: 'Pass', InputPath: `$[?(${'('.repeat(10_000)}@.a${')'.repeat(10_000)})]` }),
      'INVALID_JSON_PATH',
    ],
    [
      'a filter of ten thousand negations',
      () => only({ Type: 'Pass', InputPath: `$[?(${'!'.repeat(10_000)}@.a)]` }),
      'INVALID_JSON_PATH',
    ],
    [
      'a filter with a regular expression',
      () => only({ Type: 'Pass', InputPath: '$[?(@.a =~ /(a+)+$/)]' }),
      'INVALID_JSON_PATH',
    ],
    [
      'calls a thousand deep',
      () =>
        only({ Type: 'Pass', Parameters: { 'x.$': `${'States.Array('.repeat(1000)}${')'.repeat(1000)}` } }),
      'SCHEMA_VALIDATION_FAILED',
    ],
    [
      'a number beyond all numbers',
      () => '{"StartAt":"A","TimeoutSeconds":1e400,"States":{"A":{"Type":"Pass","End":true}}}',
      'SCHEMA_VALIDATION_FAILED',
    ],
    [
      'a number of 400 digits',
      () => `{"StartAt":"A","TimeoutSeconds":${'9'.repeat(400)},"States":{"A":{"Type":"Pass","End":true}}}`,
      'SCHEMA_VALIDATION_FAILED',
    ],
    ['a NUL character in a name', () => named('a\u0000b'), 'SCHEMA_VALIDATION_FAILED'],
    [
      'a NUL character in a value',
      () => only({ Type: 'Pass', Result: ['\u0000'] }),
      'SCHEMA_VALIDATION_FAILED',
    ],
  ])('%s', async (_what, make, code) => {
    const source = make();
    expect(refusals(source)[0]?.code).toBe(code);
  });
});

describe('YAML that grows', () => {
  test.each<[string, string]>([
    ['a bomb of aliases', bomb(9, 9)],
    ['a bomb that doubles', bomb(30, 2)],
    ['a bomb of maps', bomb(9, 9).replaceAll('[', '{a: [').replaceAll(']', ']}')],
    ['an anchor within itself', 'StartAt: A\nStates: &s\n  A: *s\n'],
    ['a merge of itself', 'a: &a\n  <<: *a\n  b: 1\n'],
  ])('%s is refused', async (_what, text) => {
    const heldMegabytes = await heldBy(() => {
      expect(refusals(text).length).toBeGreaterThan(0);
    });
    expect(heldMegabytes).toBeLessThan(200);
  });

  test('a few aliases are only a way to write', () => {
    const text =
      'StartAt: A\nStates:\n  A: {Type: Pass, Result: &r [1, 2], Next: B}\n  B: {Type: Pass, Result: *r, End: true}\n';
    expect(refusals(text)).toEqual([]);
  });
});

describe('names that JavaScript gives a meaning', () => {
  const SPECIAL = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'valueOf'];

  test.each(SPECIAL)('a state may be called %s', async (name) => {
    const text = JSON.stringify({ StartAt: 'A', States: { A: { Type: 'Pass', Next: 'NAME' }, NAME: PASS } });
    const ending = await runToEnd(text.replaceAll('NAME', name), { a: 1 });
    expect(ending).toMatchObject({ status: 'SUCCEEDED', output: { a: 1 } });
  });

  test.each(SPECIAL)('nothing leads to a state %s that is not there', (name) => {
    expect(refusals({ StartAt: 'A', States: { A: { Type: 'Pass', Next: name } } })).not.toEqual([]);
    expect(refusals({ StartAt: name, States: { A: PASS } })).not.toEqual([]);
  });

  test.each(SPECIAL)('%s is no field and no type', (name) => {
    const field = JSON.parse(
      `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true,"${name}":{"Type":"Pass"}}}}`,
    ) as Json;
    expect(refusals(field)).not.toEqual([]);
    expect(refusals(only({ Type: name }))).not.toEqual([]);
    expect(
      refusals(JSON.parse(`{"StartAt":"A","${name}":{},"States":{"A":{"Type":"Pass","End":true}}}`) as Json),
    ).not.toEqual([]);
  });

  test('in YAML they pollute nothing', () => {
    refusals('__proto__: {polluted: true}\nconstructor: {prototype: {polluted: true}}\n');
    expect('polluted' in {}).toBe(false);
  });
});

describe('a definition that is much, but not too much', () => {
  test('ten thousand states in a row run', async () => {
    const states = Array.from({ length: 10_000 }, (_, n): [string, Json] => [
      `S${String(n)}`,
      n === 9999 ? PASS : { Type: 'Pass', Next: `S${String(n + 1)}` },
    ]);
    const ending = await runToEnd({ StartAt: 'S0', States: Object.fromEntries(states) }, 7);
    expect(ending).toMatchObject({ status: 'SUCCEEDED', output: 7, events: 20_002 });
  });

  test.each([
    ['Parallel', parallels(60)],
    ['Map', maps(60)],
  ])('sixty %s states in each other run', async (_type, definition) => {
    const ending = await runToEnd(definition, nested(60));
    expect(ending).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('a lone surrogate in a text stays what it is', async () => {
    const ending = await runToEnd(
      '{"StartAt":"A","States":{"A":{"Type":"Pass","Result":"\\ud800","End":true}}}',
    );
    expect(ending).toMatchObject({ status: 'SUCCEEDED', output: '\ud800' });
  });

  test('a machine of ten thousand choices and patterns compiles quickly', async () => {
    const choices = Array.from({ length: 8000 }, (_, n) => ({
      Variable: `$.a${String(n)}`,
      StringMatches: '*a*b*',
      Next: 'B',
    }));
    const parsed = parseDefinition({
      StartAt: 'A',
      States: { A: { Type: 'Choice', Choices: choices, Default: 'B' }, B: PASS },
    });
    expect(compileMachine((parsed as { definition: JsonObject }).definition).startAt).toBe('A');
  });
});

function parallels(levels: number): Json {
  let group: JsonObject = { StartAt: 'L', States: { L: PASS } };
  for (let level = 0; level < levels; level++) {
    group = {
      StartAt: `P${String(level)}`,
      States: { [`P${String(level)}`]: { Type: 'Parallel', Branches: [group], End: true } },
    };
  }
  return group;
}

function maps(levels: number): Json {
  let group: JsonObject = { StartAt: 'L', States: { L: PASS } };
  for (let level = 0; level < levels; level++) {
    group = {
      StartAt: `M${String(level)}`,
      States: { [`M${String(level)}`]: { Type: 'Map', ItemProcessor: group, End: true } },
    };
  }
  return group;
}

function named(name: string): Json {
  return { StartAt: name, States: { [name]: PASS } };
}

function small(wide: JsonObject, keys: number): Json {
  return {
    StartAt: 'A',
    States: { A: { ...PASS, ...Object.fromEntries(Object.entries(wide).slice(0, keys)) } },
  };
}

/** Each list holds the one before it so many times. */
function bomb(levels: number, times: number): string {
  const lines = ['a0: &a0 [lol]'];
  for (let level = 1; level <= levels; level++) {
    const before = `*a${String(level - 1)}`;
    lines.push(`a${String(level)}: &a${String(level)} [${Array(times).fill(before).join(', ')}]`);
  }
  return lines.join('\n');
}
