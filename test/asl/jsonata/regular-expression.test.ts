import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compilePattern, PatternUnsupported } from '../../../src/asl/jsonata/pattern.js';
import { runPattern } from '../../../src/asl/jsonata/pattern-machine.js';
import { SteppedRegExp, TooManySteps } from '../../../src/asl/jsonata/regular-expression.js';

/** All matches, each with its position and groups. */
function matches(exec: (text: string, from: number) => RegExpExecArray | null, text: string): unknown[] {
  const found: unknown[] = [];
  for (let from = 0; from <= text.length; ) {
    const match = exec(text, from);
    if (match === null) break;
    found.push([match.index, ...match]);
    from = Math.max(match.index + match[0].length, from + 1, match.index + 1);
  }
  return found;
}

function native(pattern: RegExp): (text: string, from: number) => RegExpExecArray | null {
  return (text, from) => {
    pattern.lastIndex = from;
    return pattern.exec(text);
  };
}

function ours(pattern: RegExp): (text: string, from: number) => RegExpExecArray | null {
  const program = compilePattern(pattern);
  return (text, from) => {
    const found = runPattern(program, text, from, { left: 1_000_000 });
    if (found === 'exhausted') throw new Error('out of steps');
    return found;
  };
}

const atom = fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '\\w', '\\d', '\\.', '^', '$', '\\b', '\\B');
const { pattern: patterns } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    atom,
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => a + b),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
    tie('pattern').map((a) => `(${a})`),
    fc
      .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{1,}?'))
      .map(([a, times]) => `(?:${a})${times}`),
    tie('pattern').map((a) => `(?=${a})`),
    tie('pattern').map((a) => `(?!${a})`),
    tie('pattern').map((a) => `(${a})\\1`),
  ),
}));

describe('our machine for regular expressions', () => {
  test('finds what RegExp finds', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '.', ' ', '1', '\n'), maxLength: 12 });
    const flags = fc.constantFrom('g', 'gi', 'gm');
    fc.assert(
      fc.property(patterns, flags, texts, (source, flag, text) => {
        const pattern = new RegExp(source, flag);
        expect(matches(ours(pattern), text)).toEqual(matches(native(pattern), text));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    [
      '/^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,}$/',
      /^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$/g,
      'ann.x+1@mail.example.com',
    ],
    ['escapes', /\x41\u0042\t[\]\\-]+(?<named>x)/g, 'AB\t]\\-x'],
    ['case', /(STRASSE|k)+/gi, 'strasseK'],
    ['lines', /^\d+$/gm, '1\n22\n3x\n44'],
  ])('knows %s', (_name, pattern, text) => {
    expect(matches(ours(pattern), text)).toEqual(matches(native(pattern), text));
    expect(matches(ours(pattern), text).length).toBeGreaterThan(0);
  });

  test('refuses what it does not know', () => {
    expect(() => compilePattern(/(?<=a)b/)).toThrow(PatternUnsupported);
  });
});

describe('a regular expression that backtracks badly', () => {
  test.each([
    ['nested', /(a+)+$/g, `${'a'.repeat(60)}!`],
    ['alternatives', /^(a|a)*$/g, `${'a'.repeat(60)}!`],
    [
      'many choices',
      /^a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a{28}$/g,
      `${'a'.repeat(27)}!`,
    ],
    ['a long text', /\s+\s+$/g, `${' '.repeat(50_000)}x`],
    ['looking behind', /(?<=a)(b+)+$/g, `a${'b'.repeat(60)}!`],
  ])('ends in an error: %s', (_name, pattern, text) => {
    expect(() => new SteppedRegExp(pattern).exec(text)).toThrow(TooManySteps);
  });

  test('is found in a long text when it does not', () => {
    const found = new SteppedRegExp(/(\w+);(\w+)$/g).exec(`${'ab;'.repeat(20_000)}end`);
    expect(found?.[2]).toBe('end');
  });
});
