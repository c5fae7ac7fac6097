import type { HealthOperations } from '../../operations/index.js';
import type { Api } from '../api.js';
import { LiveBody, ReadyBody } from '../schemas/health.js';
import { strict } from '../schemas/json.js';
import { refusals } from '../schemas/problem.js';

const tags = ['Health'];

/** Whether the process lives, and whether it can do its work. Both are open. */
export function healthRoutes(app: Api, operations: HealthOperations): void {
  app.get(
    '/health/live',
    {
      config: { open: true },
      schema: {
        operationId: 'getLiveness',
        summary: 'Whether the process answers',
        tags,
        security: [],
        querystring: strict({}),
        response: { 200: LiveBody, ...refusals() },
      },
    },
    () => ({ status: 'live' as const }),
  );

  app.get(
    '/health/ready',
    {
      config: { open: true },
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether requests can be answered',
        description: 'Says which of database and queue is down.',
        tags,
        security: [],
        querystring: strict({}),
        response: {
          200: ReadyBody,
          ...refusals(),
          503: { ...ReadyBody, 'x-response-description': 'Something that is needed is down.' },
        },
      },
    },
    async (_request, reply) => {
      const health = await operations.ready();
      return reply.code(health.ready ? 200 : 503).send(health);
    },
  );
}
