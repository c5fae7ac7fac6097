import { describe, expect, test } from '@jest/globals';
import { MAX_DEPTH, parseJson } from '../../src/api/json.js';

const parse = (text: string) => parseJson(Buffer.from(text), 'The body');

describe('parseJson', () => {
  test('gives what JSON.parse gives', () => {
    const text =
      '{"a":[1,2.5,-0,1e300,"é😀",null,true,{}],"b":{"constructor":{"prototype":1}},"":12345678901234567890}';
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  test.each([
    ['{"a":}', /^The body is not JSON: a value is expected at column 6\.$/],
    ['{"a":1,\n  b:2}', /a word that JSON does not have stands at line 2, column 3\.$/],
    ['{"a":1', /^The body is not JSON: '}' is expected at column 7\.$/],
    ['["a', /a text is not closed/],
    ['[01]', /is not JSON: .* at column \d+\.$/],
    ['"\\x"', /an escape that JSON does not have/],
    ['', /is not JSON/],
    ['{"a":1} x', /is not JSON/],
    ['{"a":1,}', /is not JSON/],
    ['// no\n1', /is not JSON/],
    ["{'a':1}", /is not JSON/],
    ['NaN', /is not JSON/],
  ])('refuses %j and says where', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'INVALID_JSON' }));
    expect(() => parse(text)).toThrow(message);
  });

  test('refuses what is not UTF-8', () => {
    expect(() => parseJson(Buffer.from([0x22, 0xff, 0x22]), 'The body')).toThrow(/not UTF-8/);
  });

  test('takes the deepest nesting that is allowed and refuses one level more', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(JSON.stringify(parse(nested(MAX_DEPTH)))).toBe(nested(MAX_DEPTH));
    expect(() => parse(nested(MAX_DEPTH + 1))).toThrow(/nested deeper than 500/);
    expect(() => parse(nested(1_000_000))).toThrow(/nested deeper/);
    expect(() => parse('{"a":'.repeat(100_000))).toThrow(/nested deeper/);
  });

  test('does not count brackets inside of texts', () => {
    const text = JSON.stringify({ a: '['.repeat(1000), 'b"\\': '{'.repeat(1000) });
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  test.each([
    ['{"a":{"b":["x","y\\u0000"]}}', '/a/b/1', 'the character \\u0000'],
    ['{"a/b":{"~":"\\ud800"}}', '/a~1b/~0', 'half a surrogate pair'],
    ['{"\\u0000":1}', '', 'a member whose name has the character \\u0000'],
    ['{"a":[1e400]}', '/a/0', 'a number beyond the range of a double'],
    [`[${'9'.repeat(400)}]`, '/0', 'a number beyond the range of a double'],
    ['{"a":{"__proto__":{"admin":true}}}', '/a', "a member named '__proto__'"],
    ['{"\\u005f_proto__":1}', '', "a member named '__proto__'"],
    ['"\\ud83d"', '', 'half a surrogate pair'],
  ])('refuses what could not be kept: %s', (text, pointer, what) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringContaining(what),
        details: [expect.objectContaining({ pointer })],
      }),
    );
  });

  test('takes an escaped backslash before u0000 for what it is', () => {
    expect(parse('"\\\\u0000"')).toBe('\\u0000');
  });

  test('leaves the prototype of all objects alone', () => {
    expect(() => parse('{"__proto__":{"polluted":1}}')).toThrow();
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});
