import type { ExecutionOperations, LinkView } from '../../operations/index.js';
import type { Api } from '../api.js';
import { ExecutionParams } from '../schemas/executions.js';
import { type LinkBody, LinksBody, LinksQuery } from '../schemas/links.js';
import { refusals, STORED } from '../schemas/problem.js';
import { iso } from './instants.js';
import { pageBody } from './page.js';

/** What an execution came from, and what came of it. */
export function linkRoutes(app: Api, operations: Pick<ExecutionOperations, 'links'>): void {
  app.get(
    '/executions/:executionId/links',
    {
      schema: {
        operationId: 'getExecutionLinks',
        summary: 'Read what an execution came from, and what came of it',
        description:
          'What came of it is in `items`, the newest first. The children of a map run are at `/executions?batchId=` with its id.',
        tags: ['Executions'],
        params: ExecutionParams,
        querystring: LinksQuery,
        response: { 200: LinksBody, ...refusals(STORED, ['EXECUTION_NOT_FOUND', 'INVALID_CURSOR']) },
      },
    },
    async ({ params, query }) => {
      const { from, ...page } = await operations.links(params.executionId, query);
      return { from: from.map(bodyOf), ...pageBody(page, bodyOf) };
    },
  );
}

function bodyOf(view: LinkView): LinkBody {
  return { ...view, startTime: iso(view.startTime) };
}
