import { describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../../../src/std/json.js';
import { heldBy, only, runToEnd } from './hostile.js';

/** An evaluation has a second; that it ends at all is half of what is shown here. */

const LIST = Array.from({ length: 60_000 }, (_, n) => n);
const TEXT = 'x'.repeat(100_000);

function output(value: Json): JsonObject {
  return only({ Type: 'Pass', QueryLanguage: 'JSONata', Output: value });
}

let deep: Json = 1;
for (let level = 0; level < 900; level++) deep = { a: deep };

describe('what the unit of an expression cannot bound is bounded in a state', () => {
  test.each<[string, Json, Json]>([
    [
      'thousands of expressions with the whole input',
      Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`f${String(n)}`, '{% $states.input %}'])),
      LIST,
    ],
    ['products of lists', '{% $states.input.l.($states.input.l) %}', { l: LIST }],
    ['descents of descents', '{% $states.input.**.**.** %}', deep],
    ['a filter that looks through all for each', '{% $states.input.l[$ in $states.input.l] %}', { l: LIST }],
    ['a text for every character', "{% $replace($states.input, 'x', $states.input) %}", TEXT],
    ['a text for every match', '{% $replace($states.input, /x/, $states.input) %}', TEXT],
    ['a text between all characters', "{% $join($split($states.input, ''), $states.input) %}", TEXT],
    [
      'a list that grows item by item',
      '{% $count($reduce($states.input, function($a, $v) { $append($a, $v) }, [])) %}',
      LIST,
    ],
    ['groups of one', '{% $states.input{$string($): $} %}', LIST],
    ['a pattern that backtracks over a long text', '{% $match($states.input, /(x+x+)+y/) %}', TEXT],
    ['a pattern of choices', '{% $match($states.input, /(x|x|xx)+y/) %}', TEXT],
    [
      'a picture that backtracks',
      "{% $toMillis($states.input, '[F][F][F][F][F][F][F][F][F]!') %}",
      'a'.repeat(1000),
    ],
    [
      'a picture that backtracks over a short text',
      "{% $toMillis($states.input, '[F][F][F][F][F][F][F][F][F][F][F][F]!') %}",
      'a'.repeat(60),
    ],
    ['a Roman number of a billion', "{% $formatInteger(1e12, 'I') %}", {}],
  ])('%s', async (_what, template, input) => {
    const heldMegabytes = await heldBy(async () => {
      expect(await runToEnd(output(template), input)).toMatchObject({
        status: 'FAILED',
        error: expect.stringMatching(/^States\.(QueryEvaluationError|DataLimitExceeded)$/),
      });
    });
    expect(heldMegabytes).toBeLessThan(600);
  });

  test.each<[string, string, Json]>([
    ['an ISO timestamp', "{% $toMillis('2018-03-27T12:00:00.000Z') %}", 1_522_152_000_000],
    ['numbers that touch', "{% $toMillis('20180327', '[Y0001][M01][D01]') %}", 1_522_108_800_000],
    ['words', "{% $toMillis('27 March 2018 12:30', '[D] [MNn] [Y] [H]:[m]') %}", 1_522_153_800_000],
    ['parts that touch', "{% $toMillis('27Mar2018', '[D][MNn,3-3][Y]') %}", 1_522_108_800_000],
  ])('$toMillis still reads %s', async (_what, expression, expected) => {
    expect(await runToEnd(output(expression))).toMatchObject({ status: 'SUCCEEDED', output: expected });
  });

  test('a long timestamp that fits its picture without a doubt is read', async () => {
    const picture = `[Y]-[M]-[D]${'!'.repeat(200)}`;
    const text = `2018-03-27${'!'.repeat(200)}`;
    const ending = await runToEnd(output(`{% $toMillis($states.input, "${picture}") %}`), text);
    expect(ending).toMatchObject({ status: 'SUCCEEDED', output: 1_522_108_800_000 });
  });
});
