import { describe, expect, test } from '@jest/globals';
import {
  evaluatePath,
  PathSyntaxError,
  parsePath,
  parseReferencePath,
} from '../../src/asl/jsonpath/index.js';
import type { Json } from '../../src/std/json.js';

const store: Json = {
  book: [
    { title: 'A', price: 8, tags: ['x', 'y'] },
    { title: 'B', price: 12 },
    { title: 'C', price: 22, isbn: null },
  ],
  bicycle: { color: 'red', price: 19 },
  'a.b': 1,
  '@type': 4,
  'xml:id': 5,
  'with space': 2,
  größe: 3,
};

function look(path: string, root: Json = store): Json | undefined {
  return evaluatePath(parsePath(path), root);
}

describe('definite paths', () => {
  test.each<[string, Json]>([
    ['$', store],
    ['$.bicycle.color', 'red'],
    ["$['bicycle']['color']", 'red'],
    ['$["bicycle"].color', 'red'],
    ['$.book[0].title', 'A'],
    ['$.book[-1].title', 'C'],
    ['$.book[(@.length-1)].title', 'C'],
    ["$['a.b']", 1],
    ['$.a\\.b', 1],
    ["$['with space']", 2],
    ['$.größe', 3],
    ['$.@type', 4],
    ['$.xml:id', 5],
    ["$.bicycle['color','price']", { color: 'red', price: 19 }],
    ['$.book[2].isbn', null],
  ])('%s means one value', (path, expected) => {
    expect(look(path)).toEqual(expected);
  });

  test.each([
    '$.nope',
    '$.book[3]',
    '$.book[-4]',
    '$.bicycle[0]',
    '$.book.title',
    '$.toString',
    '$.__proto__',
  ])('%s finds nothing', (path) => {
    expect(look(path)).toBeUndefined();
  });
});

describe('indefinite paths', () => {
  test.each<[string, Json]>([
    ['$.book[*].title', ['A', 'B', 'C']],
    ['$.book[0,2].title', ['A', 'C']],
    ['$.book[1:].title', ['B', 'C']],
    ['$.book[:1].title', ['A']],
    ['$.book[-2:].title', ['B', 'C']],
    ['$.book[0:3:2].title', ['A', 'C']],
    ['$..price', [8, 12, 22, 19]],
    ['$..book[0].title', ['A']],
    ["$..['color']", ['red']],
    ['$.bicycle.*', ['red', 19]],
    [
      "$.book[*]['title','price']",
      [
        { title: 'A', price: 8 },
        { title: 'B', price: 12 },
        { title: 'C', price: 22 },
      ],
    ],
    ['$.nope[*]', []],
    ['$.nope.deep[1:].x', []],
    ['$.book[*].nope', []],
  ])('%s means a list', (path, expected) => {
    expect(look(path)).toEqual(expected);
  });
});

describe('filters', () => {
  test.each<[string, string[]]>([
    ['@.price > 10', ['B', 'C']],
    ['@.price >= 12 && @.price < 20', ['B']],
    ["@.title == 'A' || @.price == 22", ['A', 'C']],
    ["!(@.title == 'A')", ['B', 'C']],
    ["@.title != 'A'", ['B', 'C']],
    ['@.tags', ['A']],
    ['!@.tags', ['B', 'C']],
    ['@.isbn == null', ['C']],
    ["@.title in ['A', 'C']", ['A', 'C']],
    ["@.title nin ['A', 'C']", ['B']],
    ["@.tags contains 'x'", ['A']],
    ['@.tags size 2', ['A']],
    ["@.tags anyof ['y', 'z']", ['A']],
    ["@.tags subsetof ['x', 'y', 'z']", ['A']],
    ['@.price < $.bicycle.price', ['A', 'B']],
    ["@.price > '10'", []],
    ['@.tags.length() == 2', ['A']],
  ])('[?(%s)] passes %j', (condition, titles) => {
    expect(look(`$.book[?(${condition})].title`)).toEqual(titles);
  });

  test('a filter on an object asks the object itself', () => {
    expect(look('$.bicycle[?(@.price == 19)].color')).toEqual(['red']);
  });
});

describe('functions', () => {
  test.each<[string, Json]>([
    ['$.book.length()', 3],
    ['$.book[*].price.sum()', 42],
    ['$.book[*].price.max()', 22],
    ['$..price.min()', 8],
    ['$.bicycle.keys()', ['color', 'price']],
  ])('%s', (path, expected) => {
    expect(look(path)).toEqual(expected);
  });
});

describe('what is no path', () => {
  test.each([
    '',
    'a',
    '.a',
    '$.',
    '$..',
    '$...',
    '$1a',
    '$.a.',
    '$.a..',
    '$[',
    '$[]',
    '$[a]',
    "$['a]",
    '$.a b',
    '$.a[1',
    '$.a[::0]',
    '$[?(@.a ==)]',
    '$[?(@.a = 1)]',
    '$[?@.a]',
    '$[?(@.a == b)]',
    '$[?(@.a =~ /x/)]',
    '$[?(@[?(@.b)])]',
    '$.nope()',
    '()',
  ])('%j is refused', (text) => {
    expect(() => parsePath(text)).toThrow(PathSyntaxError);
  });

  test('a hostile nesting of parentheses is refused, not followed', () => {
    expect(() => parsePath(`$[?(${'('.repeat(100_000)}@.a)]`)).toThrow(PathSyntaxError);
    expect(() => parsePath(`$[?(${'!'.repeat(100_000)}@.a)]`)).toThrow(PathSyntaxError);
  });

  test('a path of a million steps is refused', () => {
    expect(() => parsePath(`$${'.a'.repeat(1_000_000)}`)).toThrow(PathSyntaxError);
  });
});

describe('Reference Paths', () => {
  test.each(['$', '$.a.b[0]', "$['a b']", '$$.Map.Item.Value', '$.a[-1]'])('%s is one', (text) => {
    expect(parseReferencePath(text).text).toBe(text);
  });

  test.each(['$.a[*]', '$..a', '$.a[0:1]', '$.a[0,1]', "$['a','b']", '$.a[?(@.b)]', '$.a.length()'])(
    '%s is none',
    (text) => {
      expect(() => parseReferencePath(text)).toThrow(PathSyntaxError);
    },
  );
});

test('recursive descent goes down data of any depth', () => {
  let deep: Json = { found: 1 };
  for (let level = 0; level < 50_000; level++) deep = { down: deep };
  expect(look('$..found', deep)).toEqual([1]);
});
