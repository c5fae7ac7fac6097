import { describe, expect, test } from '@jest/globals';
import { applyTransformer, compileTransformer, MAX_PAYLOAD_BYTES } from '../../src/asl/index.js';
import type { Json } from '../../src/std/json.js';

const source = { id: 'e-1', name: 'order-4711', stateMachineId: 'orders', status: 'SUCCEEDED' };
const entropy = { random: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' };

async function transformed(text: string, output: Json, nowMs = 0) {
  const parsed = compileTransformer(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return applyTransformer(parsed.transformer, { output, source, nowMs, entropy });
}

const gives = async (text: string, output: Json = {}) => {
  const made = await transformed(text, output);
  if (!made.ok) throw new Error(made.cause);
  expect(JSON.parse(made.text)).toEqual(made.value);
  return made.value;
};
const causeOf = async (text: string, output: Json = {}) => {
  const made = await transformed(text, output);
  if (made.ok) throw new Error(`it gave ${made.text}`);
  return made.cause;
};

describe('a transformer', () => {
  test('looks into the output by bare names, $ and $states.input, with or without brackets', async () => {
    const output = {
      order: {
        id: 7,
        lines: [
          { price: 2, quantity: 3 },
          { price: 5, quantity: 1 },
        ],
      },
    };
    expect(await gives('{ "id": order.id, "total": $sum(order.lines.(price * quantity)) }', output)).toEqual({
      id: 7,
      total: 11,
    });
    expect(await gives('{% $.order.id %}', output)).toBe(7);
    expect(await gives(' {% $states.input.order.id %} ', output)).toBe(7);
    expect(await gives('$', [1, [2]])).toEqual([1, [2]]);
    expect(await gives('$', null)).toBe(null);
    expect(await gives('$[0]', ['a', 'b'])).toBe('a');
  });

  test('knows whose output it is, and the time and chance that it is given', async () => {
    expect(await gives('$source')).toEqual(source);
    expect(await gives('$source.name & "/" & $source.status')).toBe('order-4711/SUCCEEDED');
    expect(await transformed('$millis()', {}, 1234)).toMatchObject({ value: 1234 });
    expect(await gives('$random()')).toBe(0.5);
    expect(await gives('$uuid()')).toBe(entropy.uuid());
  });

  test('leaves the output as it was, whatever marks and changes it makes', async () => {
    const output = { a: [{ b: 1 }, { b: 2 }] };
    const before = structuredClone(output);
    expect(await gives('$ ~> | a | { "b": b * 10 } |', output)).toEqual({ a: [{ b: 10 }, { b: 20 }] });
    expect(await gives('a[]{ $string(b): b }', output)).toEqual({ '1': 1, '2': 2 });
    expect(output).toEqual(before);
  });

  test('that gives nothing, a function, or too much, says so', async () => {
    expect(await causeOf('missing.field')).toBe('The transformer gave nothing (undefined).');
    expect(await causeOf('$sum')).toBe('The transformer gave a function, which is not JSON.');
    const long = 'x'.repeat(MAX_PAYLOAD_BYTES - 2);
    expect(await gives('$', long)).toBe(long);
    expect(await causeOf('$ & "y"', long)).toContain(`more than the ${MAX_PAYLOAD_BYTES} bytes`);
    expect(await causeOf('$map([1..50], function($n) { $states.input })', long)).toMatch(
      /more than|memory limit/,
    );
  });

  test('that fails says why, in text that can be stored', async () => {
    expect(await causeOf('"a" + 1')).toMatch(/^The transformer failed: T2001: /);
    expect(await causeOf('$error("no \\u0000 and \\ud800")')).toBe(
      'The transformer failed: D3137: no \uFFFD and \uFFFD',
    );
    expect((await causeOf('$error($)', 'x'.repeat(100_000))).length).toBeLessThan(2_100);
    expect(await causeOf('"\\u0000"')).toContain('\\u0000');
    expect(await causeOf('{"k": "\\ud800"}')).toContain('surrogate');
    // A backslash before the u, and not its escape.
    expect(await gives('"\\\\u0000"')).toBe('\\u0000');
  });

  test('is held to the limits of an expression', async () => {
    expect(await causeOf('($f := function($n) { $f($n + 1) + 1 }; $f(0))')).toMatch(
      /^The transformer failed: /,
    );
    expect(await causeOf('($f := function() { $f() }; $f())')).toMatch(/^The transformer failed: /);
  });

  test.each([
    ['{ "a": ', /.+/],
    ['a +', /.+/],
    ['{% a + %}', /.+/],
    ['', /.+/],
    [`${'('.repeat(5_000)}1${')'.repeat(5_000)}`, /nests too deep/],
  ])('%j is none', (text, message) => {
    const parsed = compileTransformer(text);
    expect(parsed).toMatchObject({ ok: false, message: expect.stringMatching(message) });
  });

  test('that is none says behind how many characters', () => {
    expect(compileTransformer('abc + * ]')).toMatchObject({ ok: false, position: 9 });
    expect(compileTransformer('{% abc ) %}')).toMatchObject({ ok: false, position: 5 });
  });
});
