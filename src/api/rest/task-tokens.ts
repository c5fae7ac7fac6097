import type { TaskTokenOperations } from '../../operations/index.js';
import type { Api } from '../api.js';
import { strict } from '../schemas/json.js';
import { nothing } from '../schemas/nothing.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import { TaskFailureBody, TaskSuccessBody, TaskTokenParams } from '../schemas/task-tokens.js';

const tags = ['Tasks'];
const params = TaskTokenParams;
const querystring = strict({});
const response = {
  204: nothing('It was delivered.'),
  ...refusals(STORED, WITH_BODY, ['TASK_NOT_FOUND', 'TASK_ENDED']),
};

/** Answers to tasks that wait for a token: of `.waitForTaskToken`, and of activities. */
export function taskTokenRoutes(app: Api, operations: TaskTokenOperations): void {
  app.post(
    '/task-tokens/:token/success',
    {
      schema: {
        operationId: 'sendTaskSuccess',
        summary: 'End a task with its result',
        tags,
        params,
        querystring,
        body: TaskSuccessBody,
        response,
      },
    },
    async ({ params: { token }, body: { output } }, reply) => {
      await operations.succeed(token, output);
      return reply.code(204).send();
    },
  );

  app.post(
    '/task-tokens/:token/failure',
    {
      config: { bodyOptional: true },
      schema: {
        operationId: 'sendTaskFailure',
        summary: 'Fail a task',
        tags,
        params,
        querystring,
        body: TaskFailureBody,
        response,
      },
    },
    async ({ params: { token }, body }, reply) => {
      await operations.fail(token, body);
      return reply.code(204).send();
    },
  );

  app.post(
    '/task-tokens/:token/heartbeat',
    {
      schema: {
        operationId: 'sendTaskHeartbeat',
        summary: 'Say that a task goes on',
        description: "The state's HeartbeatSeconds start anew.",
        tags,
        params,
        querystring,
        response,
      },
    },
    async ({ params: { token } }, reply) => {
      await operations.beat(token);
      return reply.code(204).send();
    },
  );
}
