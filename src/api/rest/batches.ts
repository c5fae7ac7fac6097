import type { BatchOperations, BatchView, CreateBatch } from '../../operations/index.js';
import { OperationError } from '../../operations/index.js';
import type { Api, ApiConfig } from '../api.js';
import { readLines } from '../lines.js';
import { acceptNdjson, NDJSON, NdjsonStream } from '../plugins/ndjson.js';
import type { Waits } from '../plugins/waits.js';
import {
  BatchBody,
  BatchPage,
  BatchParams,
  BatchQuery,
  BatchResultPage,
  BatchResultsQuery,
  CreateBatchBody,
  CreateBatchQuery,
  NdjsonBody,
} from '../schemas/batches.js';
import { strict } from '../schemas/json.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import { StateMachineParams } from '../schemas/state-machines.js';
import { iso, isoOrNull, withRange } from './instants.js';
import { pageBody } from './page.js';

const tags = ['Batches'];
const NONE = strict({});

/** Make, find, read and cancel batches. The scope is its own: only here is NDJSON a body. */
export function batchRoutes(scope: Api, operations: BatchOperations, waits: Waits, limits: ApiConfig): void {
  acceptNdjson(scope);

  scope.post<{
    Params: { stateMachineId: string };
    Querystring: CreateBatchQuery;
    Body: CreateBatchBody | NdjsonStream;
  }>(
    '/state-machines/:stateMachineId/batch',
    {
      schema: {
        operationId: 'createBatch',
        summary: 'Run a state machine many times',
        description:
          'One execution for each source: for each execution that `filter` finds (its output becomes the input), or for each of `inputs`, or for each line of an NDJSON body (then the options are in the query). Exactly one of the three.',
        tags,
        params: StateMachineParams,
        querystring: CreateBatchQuery,
        body: {
          content: {
            'application/json': { schema: CreateBatchBody },
            [NDJSON]: { schema: NdjsonBody },
          },
        },
        response: {
          202: BatchBody,
          ...refusals(STORED, WITH_BODY, [
            'INVALID_NAME',
            'BATCH_TOO_LARGE',
            'TOO_MANY_WAITS',
            'STATE_MACHINE_NOT_FOUND',
            'STATE_NOT_FOUND',
            'QUEUE_NOT_FOUND',
            'INVALID_TRANSFORMER',
            'TRANSFORMER_NOT_FOUND',
          ]),
        },
      },
    },
    async ({ params, query: { wait, ...options }, body }, reply) => {
      const waiting =
        wait === undefined || wait === 0 ? {} : { waitSeconds: wait, signal: waits.signalFor(reply) };
      const request =
        body instanceof NdjsonStream
          ? fromLines(body, options, limits)
          : fromBody(body, Object.keys(options));
      const view = await operations.create(params.stateMachineId, { ...request, ...waiting });
      return reply.code(202).header('location', `/batches/${view.batchId}`).send(bodyOf(view));
    },
  );

  scope.get(
    '/batches',
    {
      schema: {
        operationId: 'listBatches',
        summary: 'List batches',
        description: 'The newest first.',
        tags,
        querystring: BatchQuery,
        response: {
          200: BatchPage,
          ...refusals(STORED, ['STATE_MACHINE_NOT_FOUND', 'INVALID_CURSOR']),
        },
      },
    },
    async ({ query }) => pageBody(await operations.list(query), bodyOf),
  );

  scope.get(
    '/batches/:batchId',
    {
      schema: {
        operationId: 'getBatch',
        summary: 'Read a batch and its progress',
        tags,
        params: BatchParams,
        querystring: NONE,
        response: { 200: BatchBody, ...refusals(STORED, ['BATCH_NOT_FOUND']) },
      },
    },
    async ({ params }) => bodyOf(await operations.get(params.batchId)),
  );

  scope.delete(
    '/batches/:batchId',
    {
      config: { urgent: true },
      schema: {
        operationId: 'cancelBatch',
        summary: 'Cancel a batch',
        description: 'Nothing more is started, and what runs is stopped.',
        tags,
        params: BatchParams,
        querystring: NONE,
        response: { 200: BatchBody, ...refusals(STORED, WITH_BODY, ['BATCH_NOT_FOUND', 'BATCH_ENDED']) },
      },
    },
    async ({ params }) => bodyOf(await operations.cancel(params.batchId)),
  );

  scope.get(
    '/batches/:batchId/results',
    {
      schema: {
        operationId: 'listBatchResults',
        summary: 'Read what became of each member',
        description: 'One line a member, by index.',
        tags,
        params: BatchParams,
        querystring: BatchResultsQuery,
        response: { 200: BatchResultPage, ...refusals(STORED, ['BATCH_NOT_FOUND', 'INVALID_CURSOR']) },
      },
    },
    ({ params, query }) => operations.results(params.batchId, query),
  );
}

type Options = Omit<CreateBatchQuery, 'wait'>;

function fromLines(
  { source, announcedBytes }: NdjsonStream,
  options: Options,
  limits: ApiConfig,
): CreateBatch {
  if (announcedBytes > limits.batchBodyLimit) {
    throw new OperationError('PAYLOAD_TOO_LARGE', `The body is larger than ${limits.batchBodyLimit} bytes.`);
  }
  const inputStream = readLines(source, { lineLimit: limits.bodyLimit, bodyLimit: limits.batchBodyLimit });
  return { mode: 'distributed', ...options, inputStream };
}

function fromBody({ filter, ...body }: CreateBatchBody, inQuery: readonly string[]): CreateBatch {
  if (inQuery.length > 0) {
    refuse(inQuery.map((name) => [`/${name}`, `With a JSON body, '${name}' belongs into the body.`]));
  }
  if ((filter === undefined) === (body.inputs === undefined)) {
    refuse([['', "The body must have exactly one of 'filter' and 'inputs'."]]);
  }
  return { mode: 'distributed', ...body, ...(filter !== undefined && { filter: withRange(filter) }) };
}

function refuse(complaints: readonly (readonly [pointer: string, message: string])[]): never {
  const details = complaints.map(([pointer, message]) => ({ pointer, code: 'VALUE', message }));
  throw new OperationError('VALIDATION_FAILED', details[0]?.message ?? '', { details });
}

function bodyOf(view: BatchView): BatchBody {
  return {
    ...view,
    estimatedEnd: isoOrNull(view.estimatedEnd),
    createdAt: iso(view.createdAt),
    endTime: isoOrNull(view.endTime),
  };
}
