import jsonata from 'jsonata';
import { compileJsonataTemplate, fillJsonata } from '../../src/asl/jsonata/template.js';
import type { Duel } from './duel.js';
import { ENTROPY } from './interpreter.js';
import { CONTEXT, INPUT, PLAIN_FIELDS } from './order.js';

/** The 30 expressions, by field. */
const EXPRESSIONS: readonly (readonly [name: string, text: string])[] = [
  ...PLAIN_FIELDS.map(([name, path]) => [name, `$states.input.${path}`] as const),
  ['skus', '$states.input.items.sku'],
  ['dear', '$states.input.items[cents > 300]'],
  ['execution', '$states.context.Execution.Name'],
];

/** An Output of 30 expressions, against the library's evaluation of the same, parsed beforehand, without limits. */
export function jsonataTemplate(): Duel {
  const template = compileJsonataTemplate(
    Object.fromEntries(EXPRESSIONS.map(([name, text]) => [name, `{% ${text} %}`])),
    'Output',
  );
  const scope = {
    input: INPUT,
    context: CONTEXT,
    variables: {},
    nowMs: 0,
    entropy: ENTROPY,
  };
  const compiled = EXPRESSIONS.map(([name, text]) => [name, jsonata(text)] as const);
  return {
    name: 'JSONata template of 30 fields',
    against: "the library's evaluate() of the 30 expressions",
    units: 1,
    target: 1 / 3,
    ours: async () => fillJsonata(template, scope, {}),
    theirs: async () => {
      const bindings = { states: { input: INPUT, context: CONTEXT } };
      const filled: Record<string, unknown> = {};
      for (const [name, expression] of compiled)
        filled[name] = await expression.evaluate(undefined, bindings);
      return filled;
    },
  };
}
