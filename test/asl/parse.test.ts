import { describe, expect, test } from '@jest/globals';
import { type ParseResult, parseDefinition } from '../../src/asl/index.js';
import type { Json } from '../../src/std/json.js';

function complaints(result: ParseResult): string[] {
  return result.ok ? [] : result.diagnostics.map(({ code, pointer }) => `${code} ${pointer}`);
}

describe('JSON and YAML say the same', () => {
  const expected = { StartAt: 'A', States: { A: { Type: 'Wait', Seconds: 5, End: true } } };

  test('as JSON', () => {
    expect(parseDefinition(JSON.stringify(expected))).toEqual({ ok: true, definition: expected });
  });

  test('as YAML', () => {
    const yaml = 'StartAt: A\nStates:\n  A:\n    Type: Wait   # a pause\n    Seconds: 5\n    End: true\n';
    expect(parseDefinition(yaml)).toEqual({ ok: true, definition: expected });
  });

  test('as an object', () => {
    expect(parseDefinition(expected)).toEqual({ ok: true, definition: expected });
  });

  test('YAML dates and yes and no are plain strings', () => {
    expect(parseDefinition('a: 2024-01-01\nb: yes\nc: 1_000\n')).toEqual({
      ok: true,
      definition: { a: '2024-01-01', b: 'yes', c: '1_000' },
    });
  });
});

describe('what is no definition', () => {
  test.each<[string, string, string[]]>([
    ['blank text', ' ', ['SCHEMA_VALIDATION_FAILED ']],
    ['a plain sentence', 'not a definition', ['INVALID_JSON_DESCRIPTION ']],
    ['a list', '[1]', ['SCHEMA_VALIDATION_FAILED ']],
    ['broken JSON', '{"a": 1,, }', ['INVALID_JSON_DESCRIPTION ']],
    ['broken YAML', 'a: [1\nb: 2', ['INVALID_JSON_DESCRIPTION ']],
    ['a number that JSON cannot hold', '{"a": 1e999}', ['SCHEMA_VALIDATION_FAILED /a']],
    ['a YAML number that JSON cannot hold', 'a:\n  b: .nan\n', ['SCHEMA_VALIDATION_FAILED /a/b']],
    ['an unknown YAML tag', 'a: !Sub x\n', ['INVALID_JSON_DESCRIPTION ']],
  ])('%s', (_what, text, expected) => {
    expect([...new Set(complaints(parseDefinition(text)))]).toEqual(expected);
  });

  test('a sentence tells where JSON breaks', () => {
    const result = parseDefinition('{"a": 1,, }');
    expect(result).toMatchObject({ diagnostics: [{ message: expect.stringContaining('not valid JSON') }] });
  });
});

describe('keys given twice', () => {
  test('in JSON, each with its place and line', () => {
    const text =
      '{"States": {"A": {"Type": "Pass",\n "x": [{}, {"k": 1, "k": 2}]},\n "A": {}, "\\u0041": 1}}';
    expect(parseDefinition(text)).toMatchObject({
      ok: false,
      diagnostics: [
        { code: 'DUPLICATE_KEY', pointer: '/States/A/x/1/k', message: expect.stringContaining('line 2') },
        { code: 'DUPLICATE_KEY', pointer: '/States/A', message: expect.stringContaining('line 3') },
        { code: 'DUPLICATE_KEY', pointer: '/States/A' },
      ],
    });
  });

  test('in YAML', () => {
    expect(parseDefinition('a: 1\nb: 2\na: 3\n')).toMatchObject({
      diagnostics: [{ code: 'DUPLICATE_KEY', pointer: '/a', message: expect.stringContaining('line 3') }],
    });
    const nested = 'States:\n  A/B:\n    x: [1, {k: 1, k: 2}]\n  A/B: 2\n7: 1\n7: 2\n';
    expect(parseDefinition(nested)).toMatchObject({
      diagnostics: [
        { code: 'DUPLICATE_KEY', pointer: '/States/A~1B/x/1/k', message: expect.stringContaining('line 3') },
        { code: 'DUPLICATE_KEY', pointer: '/States/A~1B', message: expect.stringContaining('line 4') },
        { code: 'DUPLICATE_KEY', pointer: '/7', message: expect.stringContaining('line 6') },
      ],
    });
  });

  test('strings with the same text as a key are none', () => {
    expect(parseDefinition('{"a": "a", "b": ["a", "a", "{", ","]}').ok).toBe(true);
  });
});

describe('too much', () => {
  test('more than 1 MiB', () => {
    expect(complaints(parseDefinition(JSON.stringify({ a: 'x'.repeat(1024 * 1024) })))).toEqual([
      'DEFINITION_TOO_LARGE ',
    ]);
    expect(complaints(parseDefinition({ a: 'x'.repeat(1024 * 1024 + 1) }))).toEqual([
      'DEFINITION_TOO_LARGE ',
    ]);
  });

  test('a nesting of 10,000, in any notation', () => {
    const json = `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    expect(complaints(parseDefinition(json))).toEqual(['DEFINITION_TOO_LARGE ']);
    let object: Json = {};
    for (let level = 0; level < 10_000; level++) object = { a: object };
    expect(complaints(parseDefinition(object))).toEqual(['DEFINITION_TOO_LARGE ']);
    expect(parseDefinition(`${'- '.repeat(10_000)}x`).ok).toBe(false);
    expect(parseDefinition('{a: '.repeat(10_000)).ok).toBe(false);
  });

  test('a YAML document that grows by its aliases', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let n = 1; n < 10; n++)
      lines.push(
        `a${n}: &a${n} [${Array(10)
          .fill(`*a${n - 1}`)
          .join(', ')}]`,
      );
    expect(parseDefinition(lines.join('\n')).ok).toBe(false);
  });
});
