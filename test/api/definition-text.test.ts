import { describe, expect, test } from '@jest/globals';
import { nestingComplaint, refuseDeepDefinition } from '../../src/api/definition-text.js';

describe('nestingComplaint', () => {
  test.each(['[', '{"a":', '- ', '? ', '[a: ', '!!x [', "['a', ", '- ? ', '{? '])(
    'stops %j without end before anything recurses over it',
    (part) => {
      expect(nestingComplaint(part.repeat(10_000))).toMatchObject({ code: 'DEFINITION_TOO_LARGE' });
      expect(nestingComplaint(`StartAt: A\nStates:\n  ${part.repeat(10_000)}`)).toBeDefined();
    },
  );

  test('stops what nests by indentation', () => {
    const deep = Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:\n`).join('');
    expect(nestingComplaint(deep)).toBeDefined();
  });

  test.each([
    ['a definition in YAML', 'StartAt: A\nStates:\n  A:\n    Type: Succeed\n'],
    ['JSON, however deep', '['.repeat(5_000) + ']'.repeat(5_000)],
    ['brackets in texts', `Comment: "${'['.repeat(5_000)}"`],
    ['what is no YAML either', '{"a": ]'],
    ['an object', { StartAt: 'A' }],
  ])('lets %s pass', (_what, definition) => {
    expect(nestingComplaint(definition)).toBeUndefined();
    expect(() => refuseDeepDefinition(definition)).not.toThrow();
  });

  test('refuses with the code of definitions', () => {
    expect(() => refuseDeepDefinition('- '.repeat(1_000))).toThrow(
      expect.objectContaining({ code: 'INVALID_DEFINITION' }),
    );
  });
});
