import { describe, expect, test } from '@jest/globals';
import { choose, compileMachine, type Scope } from '../../src/asl/index.js';
import type { Json } from '../../src/std/json.js';

/** Whether `operator: expected` holds for a value; a `…Path` operator finds `expected` in the input. */
function holds(operator: string, value: Json, expected: Json): boolean {
  const operand = operator.endsWith('Path') ? '$.expected' : expected;
  const machine = compileMachine({
    StartAt: 'C',
    States: {
      C: {
        Type: 'Choice',
        Choices: [{ Variable: '$.value', [operator]: operand, Next: 'Yes' }],
        Default: 'No',
      },
      Yes: { Type: 'Succeed' },
      No: { Type: 'Succeed' },
    },
  });
  const state = machine.states.get('C');
  if (state?.type !== 'Choice') throw new Error('C is a Choice');
  const input = { value, expected };
  const scope: Scope = {
    input,
    context: {},
    variables: {},
    nowMs: 0,
    entropy: { random: () => 0, uuid: () => '' },
  };
  const chosen = choose(state, scope, input);
  if (chosen instanceof Promise) throw new Error('JSONPath needs no promise');
  return chosen.next === 'Yes';
}

/** Least, middle, greatest of each ordered type. */
const ORDERED: Record<string, readonly [Json, Json, Json]> = {
  String: ['A', 'AB', 'B'],
  Numeric: [-1.5, 0, 3],
  Timestamp: ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.5Z', '2024-01-01T00:00:00-01:00'],
};

const RELATIONS: Record<string, readonly [less: boolean, same: boolean, greater: boolean]> = {
  Equals: [false, true, false],
  LessThan: [true, false, false],
  LessThanEquals: [true, true, false],
  GreaterThan: [false, false, true],
  GreaterThanEquals: [false, true, true],
};

describe('every ordered operator and its Path twin', () => {
  for (const [type, [least, middle, greatest]] of Object.entries(ORDERED)) {
    for (const [relation, expected] of Object.entries(RELATIONS)) {
      for (const twin of ['', 'Path']) {
        test(`${type}${relation}${twin}`, () => {
          const operator = `${type}${relation}${twin}`;
          expect([least, middle, greatest].map((value) => holds(operator, value, middle))).toEqual(expected);
          // Of another type nothing holds, whichever way it is compared.
          for (const other of [null, true, {}, [], type === 'Numeric' ? '0' : 0]) {
            expect(holds(operator, other, middle)).toBe(false);
          }
        });
      }
    }
  }
});

test.each(['BooleanEquals', 'BooleanEqualsPath'])('%s', (operator) => {
  expect(holds(operator, true, true)).toBe(true);
  expect(holds(operator, false, true)).toBe(false);
  expect(holds(operator, 'true', true)).toBe(false);
});

const SAMPLES: Record<string, Json> = {
  IsNull: null,
  IsNumeric: 1,
  IsString: 'x',
  IsBoolean: false,
  IsTimestamp: '2024-01-01T00:00:00Z',
};

describe('type tests', () => {
  for (const operator of Object.keys(SAMPLES)) {
    test(`${operator} true and false are opposites`, () => {
      for (const [type, value] of Object.entries(SAMPLES)) {
        const expected = type === operator || (operator === 'IsString' && type === 'IsTimestamp');
        expect(holds(operator, value, true)).toBe(expected);
        expect(holds(operator, value, false)).toBe(!expected);
      }
    });
  }

  test('null is present', () => {
    expect(holds('IsPresent', null, true)).toBe(true);
    expect(holds('IsPresent', null, false)).toBe(false);
  });
});

describe('StringMatches', () => {
  test.each<[string, string, boolean]>([
    ['*', '', true],
    ['a*c', 'abc', true],
    ['a*c', 'ac', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'acb', false],
    ['ab*bc', 'abc', false],
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['\\\\*', '\\anything', true],
    ['a.c', 'abc', false],
    ['', '', true],
  ])('%j and %j: %p', (pattern, text, expected) => {
    expect(holds('StringMatches', text, pattern)).toBe(expected);
  });

  test('a hostile pattern is answered at once', () => {
    const started = process.hrtime.bigint();
    expect(holds('StringMatches', 'a'.repeat(50_000), `${'*a'.repeat(5_000)}*b`)).toBe(false);
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(1000);
  });
});
