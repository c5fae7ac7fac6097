import type { DeadLetterView, QueueOperations } from '../../operations/index.js';
import type { Api } from '../api.js';
import { strict } from '../schemas/json.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import {
  DeadLetterBody,
  DeadLetterPage,
  DeadLetterParams,
  DeadLetterQuery,
  QueueParams,
  QueueStatsBody,
} from '../schemas/queues.js';
import { iso } from './instants.js';
import { pageBody } from './page.js';

const tags = ['Queues'];
const NONE = strict({});
const ONE_LETTER = ['QUEUE_NOT_FOUND', 'DEAD_LETTER_NOT_FOUND'] as const;

/** What waits, who works, and what could not be advanced. */
export function queueRoutes(app: Api, operations: QueueOperations): void {
  app.get(
    '/queues/stats',
    {
      schema: {
        operationId: 'getQueueStats',
        summary: 'Read the queues and the live workers',
        tags,
        querystring: NONE,
        response: { 200: QueueStatsBody, ...refusals(STORED, ['QUEUE_UNAVAILABLE']) },
      },
    },
    async () => {
      const { queues, workers } = await operations.stats();
      return {
        queues,
        workers: workers.map((worker) => ({
          ...worker,
          startedAt: iso(worker.startedAt),
          heartbeatAt: iso(worker.heartbeatAt),
        })),
      };
    },
  );

  app.get(
    '/queues/:name/dead-letters',
    {
      schema: {
        operationId: 'listDeadLetters',
        summary: 'List what could not be advanced',
        description:
          'Executions that infrastructure faults kept from being advanced, as often as the queue tries. The oldest first.',
        tags,
        params: QueueParams,
        querystring: DeadLetterQuery,
        response: { 200: DeadLetterPage, ...refusals(STORED, ['QUEUE_NOT_FOUND', 'INVALID_CURSOR']) },
      },
    },
    async ({ params, query }) => pageBody(await operations.deadLetters(params.name, query), bodyOf),
  );

  app.get(
    '/queues/:name/dead-letters/:id',
    {
      schema: {
        operationId: 'getDeadLetter',
        summary: 'Read a dead letter',
        tags,
        params: DeadLetterParams,
        querystring: NONE,
        response: { 200: DeadLetterBody, ...refusals(STORED, ONE_LETTER) },
      },
    },
    async ({ params }) => bodyOf(await operations.deadLetter(params.name, params.id)),
  );

  app.post(
    '/queues/:name/dead-letters/:id/retry',
    {
      schema: {
        operationId: 'retryDeadLetter',
        summary: 'Run a dead letter again',
        description: 'Its execution goes on from where it stood.',
        tags,
        params: DeadLetterParams,
        querystring: NONE,
        response: { 202: DeadLetterBody, ...refusals(STORED, WITH_BODY, ONE_LETTER) },
      },
    },
    async ({ params }, reply) =>
      reply.code(202).send(bodyOf(await operations.retryDeadLetter(params.name, params.id))),
  );

  app.delete(
    '/queues/:name/dead-letters/:id',
    {
      schema: {
        operationId: 'dropDeadLetter',
        summary: 'Drop a dead letter',
        description: 'Its execution ends ABORTED.',
        tags,
        params: DeadLetterParams,
        querystring: NONE,
        response: { 200: DeadLetterBody, ...refusals(STORED, WITH_BODY, ONE_LETTER) },
      },
    },
    async ({ params }) => bodyOf(await operations.dropDeadLetter(params.name, params.id)),
  );
}

function bodyOf(view: DeadLetterView): DeadLetterBody {
  return { ...view, failedAt: iso(view.failedAt) };
}
