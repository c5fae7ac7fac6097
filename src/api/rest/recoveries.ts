import type { RecoveryOperations, BulkRedriveView as View } from '../../operations/index.js';
import type { Api } from '../api.js';
import { ExecutionBody, ExecutionParams } from '../schemas/executions.js';
import { strict } from '../schemas/json.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import {
  BulkRedriveBody,
  BulkRedrivePage,
  BulkRedriveParams,
  BulkRedriveQuery,
  BulkRedriveView,
  PauseBody,
  RedriveBody,
  RedrivenBody,
} from '../schemas/recoveries.js';
import { bodyOf } from './executions.js';
import { iso, isoOrNull, withRange } from './instants.js';
import { pageBody } from './page.js';

const tags = ['Executions'];
const NONE = strict({});

/** Redrive, pause and resume executions. */
export function recoveryRoutes(app: Api, operations: RecoveryOperations): void {
  app.post(
    '/executions/:executionId/redrive',
    {
      config: { bodyOptional: true },
      schema: {
        operationId: 'redriveExecution',
        summary: 'Take up again an execution that failed, timed out or was aborted',
        description:
          'It goes on from the states that it had not left, with their input, its own definition and retries that count anew; branches and items that were done stay done. Possible for 14 days.',
        tags,
        params: ExecutionParams,
        querystring: NONE,
        body: RedriveBody,
        response: {
          200: RedrivenBody,
          ...refusals(STORED, WITH_BODY, ['EXECUTION_NOT_FOUND', 'EXECUTION_NOT_REDRIVABLE']),
        },
      },
    },
    async ({ params, body }) => {
      const { executionId, redriveDate } = await operations.redrive(params.executionId, body);
      return { executionId, redriveDate: iso(redriveDate) };
    },
  );

  app.post(
    '/redrives',
    {
      schema: {
        operationId: 'redriveExecutions',
        summary: 'Redrive all executions that a filter finds',
        description:
          'Workers do it, page by page; whatever dies meanwhile, it goes on. What cannot be redriven is counted and left as it is.',
        tags,
        querystring: NONE,
        body: BulkRedriveBody,
        response: { 202: BulkRedriveView, ...refusals(STORED, WITH_BODY, ['STATE_MACHINE_NOT_FOUND']) },
      },
    },
    async ({ body }, reply) => {
      const view = await operations.redriveAll(withRange(body.filter));
      return reply.code(202).header('location', `/redrives/${view.redriveId}`).send(bulkBodyOf(view));
    },
  );

  app.get(
    '/redrives',
    {
      schema: {
        operationId: 'listRedrives',
        summary: 'List redrives by filter',
        description: 'The newest first.',
        tags,
        querystring: BulkRedriveQuery,
        response: { 200: BulkRedrivePage, ...refusals(STORED, ['INVALID_CURSOR']) },
      },
    },
    async ({ query }) => pageBody(await operations.listBulkRedrives(query), bulkBodyOf),
  );

  app.get(
    '/redrives/:redriveId',
    {
      schema: {
        operationId: 'getRedrive',
        summary: 'Read how far a redrive by filter is',
        tags,
        params: BulkRedriveParams,
        querystring: NONE,
        response: { 200: BulkRedriveView, ...refusals(STORED, ['REDRIVE_NOT_FOUND']) },
      },
    },
    async ({ params }) => bulkBodyOf(await operations.bulkRedrive(params.redriveId)),
  );

  app.delete(
    '/redrives/:redriveId',
    {
      schema: {
        operationId: 'cancelRedrive',
        summary: 'Cancel a redrive by filter',
        description: 'Nothing more is redriven. What has been runs on.',
        tags,
        params: BulkRedriveParams,
        querystring: NONE,
        response: {
          200: BulkRedriveView,
          ...refusals(STORED, WITH_BODY, ['REDRIVE_NOT_FOUND', 'REDRIVE_ENDED']),
        },
      },
    },
    async ({ params }) => bulkBodyOf(await operations.cancelBulkRedrive(params.redriveId)),
  );

  app.post(
    '/executions/:executionId/pause',
    {
      config: { bodyOptional: true, urgent: true },
      schema: {
        operationId: 'pauseExecution',
        summary: 'Pause an execution',
        description:
          'Nobody advances it any more: calls that are under way end, no other is made. What comes in is kept, and timers run out when it is resumed. Stopping it works. One that is paused already is answered as it is.',
        tags,
        params: ExecutionParams,
        querystring: NONE,
        body: PauseBody,
        response: {
          200: ExecutionBody,
          ...refusals(STORED, WITH_BODY, ['EXECUTION_NOT_FOUND', 'EXECUTION_ENDED']),
        },
      },
    },
    async ({ params, body }) => bodyOf(await operations.pause(params.executionId, body)),
  );

  app.post(
    '/executions/:executionId/resume',
    {
      config: { bodyOptional: true },
      schema: {
        operationId: 'resumeExecution',
        summary: 'Let a paused execution go on',
        description: 'One that is not paused is answered as it is.',
        tags,
        params: ExecutionParams,
        querystring: NONE,
        body: strict({}),
        response: {
          200: ExecutionBody,
          ...refusals(STORED, WITH_BODY, ['EXECUTION_NOT_FOUND', 'EXECUTION_ENDED']),
        },
      },
    },
    async ({ params }) => bodyOf(await operations.resume(params.executionId)),
  );
}

function bulkBodyOf(view: View): BulkRedriveView {
  return { ...view, createdAt: iso(view.createdAt), endTime: isoOrNull(view.endTime) };
}
