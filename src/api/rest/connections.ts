import type { ConnectionOperations, ConnectionView } from '../../operations/index.js';
import type { Api } from '../api.js';
import {
  ConnectionBody,
  ConnectionPage,
  ConnectionParams,
  ConnectionQuery,
  CreateConnectionBody,
  RemovedConnectionBody,
  ReplaceConnectionBody,
} from '../schemas/connections.js';
import { strict } from '../schemas/json.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import { iso } from './instants.js';
import { pageBody } from './page.js';

const tags = ['HTTP tasks'];
const NONE = strict({});

/** What HTTP tasks authenticate themselves with. Secrets come in, and never out. */
export function connectionRoutes(app: Api, operations: ConnectionOperations): void {
  app.post(
    '/connections',
    {
      schema: {
        operationId: 'createConnection',
        summary: 'Create a connection',
        description: 'Its secrets are kept encrypted, and are not shown again.',
        tags,
        querystring: NONE,
        body: CreateConnectionBody,
        response: {
          201: ConnectionBody,
          ...refusals(STORED, WITH_BODY, ['INVALID_NAME', 'CONNECTION_EXISTS', 'SECRETS_KEY_MISSING']),
        },
      },
    },
    async ({ body }, reply) => {
      const made = await operations.create(body);
      return reply
        .code(201)
        .header('location', `/connections/${encodeURIComponent(made.name)}`)
        .send(bodyOf(made));
    },
  );

  app.get(
    '/connections',
    {
      schema: {
        operationId: 'listConnections',
        summary: 'List connections',
        description: 'By name.',
        tags,
        querystring: ConnectionQuery,
        response: { 200: ConnectionPage, ...refusals(STORED, ['INVALID_CURSOR']) },
      },
    },
    async ({ query }) => pageBody(await operations.list(query), bodyOf),
  );

  app.get(
    '/connections/:name',
    {
      schema: {
        operationId: 'getConnection',
        summary: 'Read a connection',
        tags,
        params: ConnectionParams,
        querystring: NONE,
        response: { 200: ConnectionBody, ...refusals(STORED, ['CONNECTION_NOT_FOUND']) },
      },
    },
    async ({ params }) => bodyOf(await operations.get(params.name)),
  );

  app.put(
    '/connections/:name',
    {
      schema: {
        operationId: 'replaceConnection',
        summary: 'Replace a connection',
        description:
          'All of it, secrets too: what the body does not say is not kept. Calls from then on are made with it.',
        tags,
        params: ConnectionParams,
        querystring: NONE,
        body: ReplaceConnectionBody,
        response: {
          200: ConnectionBody,
          ...refusals(STORED, WITH_BODY, ['INVALID_NAME', 'CONNECTION_NOT_FOUND', 'SECRETS_KEY_MISSING']),
        },
      },
    },
    async ({ params, body }) => bodyOf(await operations.replace(params.name, body)),
  );

  app.delete(
    '/connections/:name',
    {
      schema: {
        operationId: 'deleteConnection',
        summary: 'Delete a connection',
        description:
          'Tasks that ask for it from then on fail with `Events.ConnectionResource.ResourceNotFound`.',
        tags,
        params: ConnectionParams,
        querystring: NONE,
        response: { 200: RemovedConnectionBody, ...refusals(STORED, WITH_BODY, ['CONNECTION_NOT_FOUND']) },
      },
    },
    ({ params }) => operations.remove(params.name),
  );
}

function bodyOf(view: ConnectionView): ConnectionBody {
  return { ...view, createdAt: iso(view.createdAt) };
}
