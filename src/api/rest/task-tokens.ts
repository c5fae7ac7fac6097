import type { TaskTokenOperations } from '../../operations/index.js';
import type { Api } from '../api.js';
import { strict } from '../schemas/json.js';
import { nothing } from '../schemas/nothing.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import { TaskFailureBody, TaskHeartbeatBody, TaskSuccessBody } from '../schemas/task-tokens.js';

const tags = ['Tasks'];
const querystring = strict({});
const response = {
  204: nothing('It was delivered.'),
  ...refusals(STORED, WITH_BODY, ['TASK_NOT_FOUND', 'TASK_ENDED']),
};

/** Answers to tasks that wait for a token: of `.waitForTaskToken`, and of activities. */
export function taskTokenRoutes(app: Api, operations: TaskTokenOperations): void {
  app.post(
    '/task-tokens/success',
    {
      schema: {
        operationId: 'sendTaskSuccess',
        summary: 'End a task with its result',
        tags,
        querystring,
        body: TaskSuccessBody,
        response,
      },
    },
    async ({ body: { token, output } }, reply) => {
      await operations.succeed(token, output);
      return reply.code(204).send();
    },
  );

  app.post(
    '/task-tokens/failure',
    {
      schema: {
        operationId: 'sendTaskFailure',
        summary: 'Fail a task',
        tags,
        querystring,
        body: TaskFailureBody,
        response,
      },
    },
    async ({ body: { token, ...reason } }, reply) => {
      await operations.fail(token, reason);
      return reply.code(204).send();
    },
  );

  app.post(
    '/task-tokens/heartbeat',
    {
      schema: {
        operationId: 'sendTaskHeartbeat',
        summary: 'Say that a task goes on',
        description: "The state's HeartbeatSeconds start anew.",
        tags,
        querystring,
        body: TaskHeartbeatBody,
        response,
      },
    },
    async ({ body }, reply) => {
      await operations.beat(body.token);
      return reply.code(204).send();
    },
  );
}
