import { describe, expect, test } from '@jest/globals';
import { parseDefinition } from '../../src/asl/index.js';

const TOO_DEEP = { ok: false, diagnostics: [{ code: 'DEFINITION_TOO_LARGE', pointer: '' }] };

/** Often enough for V8 to compile the library's regular expressions anew, which is what ended the process. */
const TIMES = 200;

describe('text that nests without end is refused before anything recurses over it', () => {
  test.each<[string, string]>([
    ['lists', '['.repeat(10_000)],
    ['block lists', '- '.repeat(10_000)],
    ['block lists with a value', `${'- '.repeat(10_000)}x`],
    ['objects', '{"a":'.repeat(10_000)],
    ['objects without quotes', '{a: '.repeat(10_000)],
    ['keys that are lists', '- ? '.repeat(600)],
    ['keys that are keys', '? '.repeat(10_000)],
    ['keys in braces', '{? '.repeat(10_000)],
    ['lists beside values', "['a', ".repeat(10_000)],
    ['tagged lists', '!!x ['.repeat(10_000)],
    ['lists that are closed', `a: ${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['lists in a definition', `StartAt: A\nStates:\n  ${'['.repeat(10_000)}`],
    ['indentation', Array.from({ length: 400 }, (_, level) => `${' '.repeat(level)}a:\n`).join('')],
  ])('%s, many times in a row', (_what, text) => {
    for (let time = 0; time < TIMES; time++) expect(parseDefinition(text)).toMatchObject(TOO_DEEP);
  });

  test.each<[string, (levels: number) => string]>([
    ['lists', (levels) => `a: ${'['.repeat(levels)}x${']'.repeat(levels)}`],
    ['block lists', (levels) => `a:\n  ${'- '.repeat(levels)}x`],
    ['objects', (levels) => `a: ${'{a: '.repeat(levels)}x${'}'.repeat(levels)}`],
  ])('%s as deep as a definition may nest are read, one level more is not', (_what, nested) => {
    // The outer object is a level.
    expect(parseDefinition(nested(299)).ok).toBe(true);
    for (const levels of [300, 301, 305, 310, 320]) {
      expect(parseDefinition(nested(levels))).toMatchObject(TOO_DEEP);
    }
  });

  test('brackets in a text nest nothing', () => {
    expect(parseDefinition(`Comment: "${'['.repeat(5_000)}"`).ok).toBe(true);
  });
});
