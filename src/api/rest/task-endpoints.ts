import type { TaskEndpointOperations, TaskEndpointView } from '../../operations/index.js';
import type { Api } from '../api.js';
import { strict } from '../schemas/json.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import {
  CreateTaskEndpointBody,
  RemovedTaskEndpointBody,
  RotateSecretQuery,
  TaskEndpointBody,
  TaskEndpointPage,
  TaskEndpointParams,
  TaskEndpointQuery,
  TaskEndpointSecretBody,
  UpdateTaskEndpointBody,
} from '../schemas/task-endpoints.js';
import { iso, isoOrNull } from './instants.js';
import { pageBody } from './page.js';

const tags = ['HTTP tasks'];
const NONE = strict({});

/** Functions that are served behind a URL, in whatever language. */
export function taskEndpointRoutes(app: Api, operations: TaskEndpointOperations): void {
  app.post(
    '/task-endpoints',
    {
      schema: {
        operationId: 'createTaskEndpoint',
        summary: 'Serve a function behind a URL',
        description:
          'From then on a worker whose handlers module has no function of that name calls the URL. The answer has the secret that calls are signed with, this once.',
        tags,
        querystring: NONE,
        body: CreateTaskEndpointBody,
        response: {
          201: TaskEndpointSecretBody,
          ...refusals(STORED, WITH_BODY, ['INVALID_NAME', 'TASK_ENDPOINT_EXISTS', 'SECRETS_KEY_MISSING']),
        },
      },
    },
    async ({ body }, reply) => {
      const { secret, ...made } = await operations.create(body);
      return reply
        .code(201)
        .header('location', `/task-endpoints/${encodeURIComponent(made.name)}`)
        .send({ ...bodyOf(made), secret });
    },
  );

  app.get(
    '/task-endpoints',
    {
      schema: {
        operationId: 'listTaskEndpoints',
        summary: 'List task endpoints',
        description: 'By name.',
        tags,
        querystring: TaskEndpointQuery,
        response: { 200: TaskEndpointPage, ...refusals(STORED, ['INVALID_CURSOR']) },
      },
    },
    async ({ query }) => pageBody(await operations.list(query), bodyOf),
  );

  app.get(
    '/task-endpoints/:name',
    {
      schema: {
        operationId: 'getTaskEndpoint',
        summary: 'Read a task endpoint',
        tags,
        params: TaskEndpointParams,
        querystring: NONE,
        response: { 200: TaskEndpointBody, ...refusals(STORED, ['TASK_ENDPOINT_NOT_FOUND']) },
      },
    },
    async ({ params }) => bodyOf(await operations.get(params.name)),
  );

  app.put(
    '/task-endpoints/:name',
    {
      schema: {
        operationId: 'updateTaskEndpoint',
        summary: 'Change a task endpoint',
        description: 'What the body names; the secret stays.',
        tags,
        params: TaskEndpointParams,
        querystring: NONE,
        body: UpdateTaskEndpointBody,
        response: { 200: TaskEndpointBody, ...refusals(STORED, WITH_BODY, ['TASK_ENDPOINT_NOT_FOUND']) },
      },
    },
    async ({ params, body }) => bodyOf(await operations.update(params.name, body)),
  );

  app.post(
    '/task-endpoints/:name/secret',
    {
      schema: {
        operationId: 'rotateTaskEndpointSecret',
        summary: 'Give a task endpoint another secret',
        description:
          'The answer has it, this once. For `overlapSeconds` calls carry a signature of the one before, too.',
        tags,
        params: TaskEndpointParams,
        querystring: RotateSecretQuery,
        response: {
          200: TaskEndpointSecretBody,
          ...refusals(STORED, WITH_BODY, ['TASK_ENDPOINT_NOT_FOUND', 'SECRETS_KEY_MISSING']),
        },
      },
    },
    async ({ params, query }) => {
      const { secret, ...rotated } = await operations.rotateSecret(params.name, query.overlapSeconds);
      return { ...bodyOf(rotated), secret };
    },
  );

  app.delete(
    '/task-endpoints/:name',
    {
      schema: {
        operationId: 'deleteTaskEndpoint',
        summary: 'Delete a task endpoint',
        description: 'Tasks that call the function from then on fail, unless a handlers module has it.',
        tags,
        params: TaskEndpointParams,
        querystring: NONE,
        response: {
          200: RemovedTaskEndpointBody,
          ...refusals(STORED, WITH_BODY, ['TASK_ENDPOINT_NOT_FOUND']),
        },
      },
    },
    ({ params }) => operations.remove(params.name),
  );
}

function bodyOf(view: TaskEndpointView): TaskEndpointBody {
  return {
    ...view,
    createdAt: iso(view.createdAt),
    rotatedAt: isoOrNull(view.rotatedAt),
    previousUntil: isoOrNull(view.previousUntil),
  };
}
