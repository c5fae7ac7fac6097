import type { MapRunOperations, MapRunView } from '../../operations/index.js';
import type { Api } from '../api.js';
import { ExecutionParams } from '../schemas/executions.js';
import { strict } from '../schemas/json.js';
import { MapRunBody, MapRunPage, MapRunParams, MapRunsQuery } from '../schemas/map-runs.js';
import { refusals, STORED } from '../schemas/problem.js';
import { iso, isoOrNull } from './instants.js';
import { pageBody } from './page.js';

const tags = ['Map runs'];
const NONE = strict({});

/** Find and read map runs: what the distributed Map states of executions make of their items. */
export function mapRunRoutes(app: Api, operations: MapRunOperations): void {
  app.get(
    '/map-runs/:mapRunId',
    {
      schema: {
        operationId: 'getMapRun',
        summary: 'Read a map run and its progress',
        description:
          'Its child executions are at `/executions?batchId=` with its id. There is no map run before all of its items have been read.',
        tags,
        params: MapRunParams,
        querystring: NONE,
        response: { 200: MapRunBody, ...refusals(STORED, ['MAP_RUN_NOT_FOUND']) },
      },
    },
    async ({ params }) => bodyOf(await operations.get(params.mapRunId)),
  );

  app.get(
    '/executions/:executionId/map-runs',
    {
      schema: {
        operationId: 'listMapRuns',
        summary: 'List the map runs of an execution',
        description: 'The newest first.',
        tags,
        params: ExecutionParams,
        querystring: MapRunsQuery,
        response: { 200: MapRunPage, ...refusals(STORED, ['EXECUTION_NOT_FOUND', 'INVALID_CURSOR']) },
      },
    },
    async ({ params, query }) => pageBody(await operations.list(params.executionId, query), bodyOf),
  );
}

function bodyOf(view: MapRunView): MapRunBody {
  return {
    ...view,
    startTime: iso(view.startTime),
    endTime: isoOrNull(view.endTime),
    redriveDate: isoOrNull(view.redriveDate),
  };
}
