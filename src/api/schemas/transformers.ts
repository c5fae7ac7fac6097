import { type Static, Type } from 'typebox';
import { instant, nullable, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';

/** Of a start and of a batch's filter. */
export const sourceInputTransformer = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 32_768,
    description:
      'Chaining: makes the input from the output. A JSONata expression (`{% … %}`, the brackets may be left out): `$` and bare names look into the output, `$states.input` is all of it, `$source` has `id`, `name`, `stateMachineId`, `status` and `stateName` of the source. Or the name of a stored transformer: a letter and then nothing but letters, digits, `-` and `_` is always taken for one.',
    examples: ['{% { "orderId": order.id, "from": $source.name } %}', 'order-to-invoice'],
  }),
);

const name = Type.String({
  minLength: 1,
  maxLength: 80,
  description: 'A letter, then letters, digits, `-` and `_`.',
  examples: ['order-to-invoice'],
});

export const TransformerParams = Type.Object({
  name: Type.String({ description: 'The transformer.', examples: ['order-to-invoice'] }),
});

export const CreateTransformerBody = strict(
  {
    name,
    expression: Type.String({
      minLength: 1,
      maxLength: 32_768,
      description: 'JSONata, with or without `{% %}` around it.',
      examples: ['{ "orderId": order.id, "total": $sum(items.(price * quantity)) }'],
    }),
    description: Type.Optional(
      Type.String({ maxLength: 1000, description: 'For people.', examples: ['What invoicing needs.'] }),
    ),
  },
  { title: 'CreateTransformer' },
);

export const TransformerBody = Type.Object(
  {
    name: Type.String({ description: 'Its name.', examples: ['order-to-invoice'] }),
    expression: Type.String({ description: 'As it was given.' }),
    description: nullable(Type.String(), { description: 'For people.' }),
    createdAt: instant('When it was created.'),
  },
  { title: 'Transformer' },
);
export type TransformerBody = Static<typeof TransformerBody>;

export const TransformerQuery = strict({ ...PageQuery });
export const TransformerPage = pageOf(TransformerBody, 'TransformerPage');
export const RemovedTransformerBody = Type.Object(
  { name: Type.String({ description: 'The transformer that was deleted.' }) },
  { title: 'RemovedTransformer' },
);
