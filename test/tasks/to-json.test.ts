import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { copyJson, toJson } from '../../src/tasks/to-json.js';

const CYCLE: Record<string, unknown> = { list: [] };
CYCLE['list'] = [CYCLE];

/** Nested so deeply that JSON.stringify has no stack for it. */
function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { value };
  return value;
}

function throwing(): never {
  throw new Error('not for you');
}

class Celsius {
  readonly degrees = 20;
  toJSON(key: string): unknown {
    return { key, fahrenheit: this.degrees * 1.8 + 32 };
  }
}

describe('the JSON of a result', () => {
  test.each<[string, unknown]>([
    ['numbers', [1, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY]],
    ['what is left out', { a: undefined, f: () => 1, s: Symbol('s'), [Symbol('k')]: 1, n: null }],
    ['what is null in a list', [undefined, () => 1, Symbol('s')]],
    ['a list with holes', new Array(3)],
    ['dates', [new Date(0), new Date(Number.NaN)]],
    ['boxed values', [Object(1), Object('x'), Object(true), new (class extends String {})('y')]],
    ['a Map, a Set, an expression, an error', [new Map([[1, 2]]), new Set([1]), /x/, new Error('e')]],
    [
      'bytes',
      [Buffer.from('abc'), new Uint8Array([1, 2]), new ArrayBuffer(4), new DataView(new ArrayBuffer(2))],
    ],
    ['toJSON', { temperature: new Celsius(), list: [new Celsius()] }],
    [
      'a class',
      new (class {
        x = 1;
        #y = 2;
        get z() {
          return this.#y;
        }
      })(),
    ],
    ['what is inherited', Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } })],
    ['keys with a meaning', JSON.parse('{"__proto__": {"a": 1}, "constructor": 2, "toString": 3}')],
    ['text of all kinds', ['\u0000', '\ud800', '"\\', '😀', 'é']],
    ['a proxy', new Proxy({ a: [1] }, {})],
    [
      'the same object twice',
      (() => {
        const x = { a: 1 };
        return [x, x];
      })(),
    ],
  ])('is what JSON.stringify makes of it: %s', (_, value) => {
    expect(toJson(value)).toStrictEqual({ ok: true, json: JSON.parse(JSON.stringify(value)) });
  });

  test('is what JSON.stringify makes of anything', () => {
    const anything = fc.anything({
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        const text = JSON.stringify(value);
        expect(toJson(value)).toStrictEqual({ ok: true, json: text === undefined ? null : JSON.parse(text) });
      }),
    );
  });

  test('has the limit of the text, to the byte', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // Of ASCII, in which a character is a byte; escapes and long numbers only add to it.
        const { length } = Buffer.from(JSON.stringify(value));
        expect(toJson(value, length)).toMatchObject({ ok: true });
      }),
    );
    const list = (length: number): unknown => Array.from({ length }, () => [1]);
    expect(toJson(list(100), 401)).toMatchObject({ ok: true });
    expect(toJson(list(100), 400)).toEqual({ ok: false, tooLarge: true });
    expect(toJson({ a: 'xy', b: 1 }, 16)).toMatchObject({ ok: true });
    expect(toJson({ a: 'xy', b: 1 }, 15)).toEqual({ ok: false, tooLarge: true });
  });

  test.each<[string, () => unknown]>([
    ['a Buffer of a gigabyte', () => Buffer.alloc(2 ** 30)],
    ['bytes without a toJSON', () => new Uint8Array(2 ** 30)],
    ['half a gigabyte of text', () => 'x'.repeat(2 ** 29 - 24)],
    ['a long list of holes', () => new Array(2 ** 32 - 1)],
    ['nesting without an end that a proxy makes', () => endless()],
    ['a million levels', () => deep(1_000_000)],
    ['a list that shares its parts', () => shared()],
  ])('is refused as too large without being made: %s', (_, make) => {
    expect(toJson(make())).toEqual({ ok: false, tooLarge: true });
  });

  test.each<[string, unknown, string]>([
    ['a cycle', CYCLE, 'refers to itself'],
    ['a cycle with much in it', [{ text: 'x'.repeat(10_000), CYCLE }, CYCLE], 'refers to itself'],
    ['a BigInt', { n: [1n] }, 'BigInt'],
    ['a function', throwing, 'function'],
    ['a symbol', Symbol('s'), 'symbol'],
    [
      'a getter that throws',
      {
        get x() {
          return throwing();
        },
      },
      'not for you',
    ],
    ['a toJSON that throws', { toJSON: throwing }, 'not for you'],
    ['a proxy that throws', new Proxy({}, { ownKeys: throwing }), 'not for you'],
    [
      'what throws what cannot be looked at',
      {
        toJSON: () => {
          throw new Proxy(new Error(), { get: throwing, getPrototypeOf: throwing });
        },
      },
      'throws',
    ],
    [
      'a proxy that was revoked',
      (() => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      })(),
      'revoked',
    ],
  ])('does not exist, and why is said: %s', (_, value, reason) => {
    expect(toJson(value)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });

  test('of nothing is null', () => {
    expect(toJson(undefined)).toEqual({ ok: true, json: null });
  });
});

test('a copy of JSON is the same, and shares nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = JSON.parse(JSON.stringify(value));
      expect(copyJson(json)).toStrictEqual(json);
    }),
  );
  const input = JSON.parse('{"a": [{"b": 1}], "__proto__": {"c": 2}}');
  const copy = copyJson(input);
  copy.a[0].b = 2;
  copy.a.push(3);
  expect(JSON.stringify(input)).toBe('{"a":[{"b":1}],"__proto__":{"c":2}}');
});

function endless(): unknown {
  return new Proxy({ next: 0 }, { get: (_, key) => (key === 'next' ? endless() : undefined) });
}

/** Few objects, and as text more than any memory. */
function shared(): unknown {
  let value: unknown = ['x'];
  for (let level = 0; level < 100; level++) value = [value, value];
  return value;
}
