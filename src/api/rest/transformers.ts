import type { TransformerOperations, TransformerView } from '../../operations/index.js';
import type { Api } from '../api.js';
import { strict } from '../schemas/json.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import {
  CreateTransformerBody,
  RemovedTransformerBody,
  TransformerBody,
  TransformerPage,
  TransformerParams,
  TransformerQuery,
} from '../schemas/transformers.js';
import { iso } from './instants.js';
import { pageBody } from './page.js';

const tags = ['Transformers'];
const NONE = strict({});

/** Create, find and delete the expressions that make inputs from outputs. */
export function transformerRoutes(app: Api, operations: TransformerOperations): void {
  app.post(
    '/transformers',
    {
      schema: {
        operationId: 'createTransformer',
        summary: 'Create a transformer',
        description:
          'The expression is compiled, and refused if it is none. Creating the same again changes nothing and answers 200; there is no changing one, since nobody could tell which was applied.',
        tags,
        querystring: NONE,
        body: CreateTransformerBody,
        response: {
          200: TransformerBody,
          201: TransformerBody,
          ...refusals(STORED, WITH_BODY, ['INVALID_NAME', 'INVALID_TRANSFORMER', 'TRANSFORMER_EXISTS']),
        },
      },
    },
    async ({ body }, reply) => {
      const { created, transformer } = await operations.create(body);
      return reply
        .code(created ? 201 : 200)
        .header('location', `/transformers/${transformer.name}`)
        .send(bodyOf(transformer));
    },
  );

  app.get(
    '/transformers',
    {
      schema: {
        operationId: 'listTransformers',
        summary: 'List transformers',
        description: 'By name.',
        tags,
        querystring: TransformerQuery,
        response: { 200: TransformerPage, ...refusals(STORED, ['INVALID_CURSOR']) },
      },
    },
    async ({ query }) => pageBody(await operations.list(query), bodyOf),
  );

  app.get(
    '/transformers/:name',
    {
      schema: {
        operationId: 'getTransformer',
        summary: 'Read a transformer',
        tags,
        params: TransformerParams,
        querystring: NONE,
        response: { 200: TransformerBody, ...refusals(STORED, ['TRANSFORMER_NOT_FOUND']) },
      },
    },
    async ({ params }) => bodyOf(await operations.get(params.name)),
  );

  app.delete(
    '/transformers/:name',
    {
      schema: {
        operationId: 'deleteTransformer',
        summary: 'Delete a transformer',
        description: 'Batches that were made with it go on with it.',
        tags,
        params: TransformerParams,
        querystring: NONE,
        response: {
          200: RemovedTransformerBody,
          ...refusals(STORED, WITH_BODY, ['TRANSFORMER_NOT_FOUND']),
        },
      },
    },
    ({ params }) => operations.remove(params.name),
  );
}

function bodyOf(view: TransformerView): TransformerBody {
  return { ...view, createdAt: iso(view.createdAt) };
}
