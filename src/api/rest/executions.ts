import type { ExecutionOperations, ExecutionView } from '../../operations/index.js';
import type { Api } from '../api.js';
import type { Waits } from '../plugins/waits.js';
import {
  EnqueueBody,
  ExecutionBody,
  ExecutionCountBody,
  ExecutionCountQuery,
  ExecutionPage,
  ExecutionParams,
  ExecutionQuery,
  HistoryPage,
  HistoryQuery,
  MachineExecutionCountQuery,
  MachineExecutionQuery,
  StartExecutionBody,
  StartQuery,
  StateRecordPage,
  StatesQuery,
  StopBody,
} from '../schemas/executions.js';
import { strict } from '../schemas/json.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import { StateMachineParams } from '../schemas/state-machines.js';
import { iso, isoOrNull, withRange } from './instants.js';
import { pageBody } from './page.js';

const tags = ['Executions'];
const NONE = strict({});
const STARTING = [
  'INVALID_NAME',
  'STATE_MACHINE_NOT_FOUND',
  'QUEUE_NOT_FOUND',
  'EXECUTION_NOT_FOUND',
  'STATE_NOT_FOUND',
  'EXECUTION_EXISTS',
  'TOO_MANY_WAITS',
  'SOURCE_HAS_NO_OUTPUT',
  'INVALID_TRANSFORMER',
  'TRANSFORMER_NOT_FOUND',
  'TRANSFORMER_FAILED',
] as const;

/** Start, enqueue, find, read and stop executions. */
export function executionRoutes(app: Api, operations: ExecutionOperations, waits: Waits): void {
  app.post(
    '/state-machines/:stateMachineId/executions',
    {
      config: { bodyOptional: true },
      schema: {
        operationId: 'startExecution',
        summary: 'Start an execution',
        description:
          'Idempotent by machine and name. With `sourceExecutionId` the output of another execution, or of one of its states, is the input. While the queue is down this still answers 202; workers find the execution once it is back.',
        tags,
        params: StateMachineParams,
        querystring: StartQuery,
        body: StartExecutionBody,
        response: { 202: ExecutionBody, ...refusals(STORED, WITH_BODY, STARTING) },
      },
    },
    async ({ params, query, body }, reply) => {
      const waiting =
        query.wait === undefined || query.wait === 0
          ? {}
          : { waitSeconds: query.wait, signal: waits.signalFor(reply) };
      const view = await operations.start(params.stateMachineId, body, waiting);
      return reply.code(202).header('location', `/executions/${view.executionId}`).send(bodyOf(view));
    },
  );

  app.post(
    '/queues/enqueue',
    {
      schema: {
        operationId: 'enqueueExecution',
        summary: 'Start an execution on a named queue, now or at a time',
        tags: ['Queues'],
        querystring: NONE,
        body: EnqueueBody,
        response: { 202: ExecutionBody, ...refusals(STORED, WITH_BODY, STARTING) },
      },
    },
    async ({ body: { at, ...rest } }, reply) => {
      const view = await operations.enqueue({ ...rest, ...(at !== undefined && { at: new Date(at) }) });
      return reply.code(202).header('location', `/executions/${view.executionId}`).send(bodyOf(view));
    },
  );

  app.get(
    '/executions',
    {
      schema: {
        operationId: 'listExecutions',
        summary: 'List executions',
        description: 'The newest first.',
        tags,
        querystring: ExecutionQuery,
        response: {
          200: ExecutionPage,
          ...refusals(STORED, ['STATE_MACHINE_NOT_FOUND', 'INVALID_CURSOR']),
        },
      },
    },
    async ({ query }) => pageBody(await operations.list(withRange(query)), bodyOf),
  );

  app.get(
    '/executions/count',
    {
      schema: {
        operationId: 'countExecutions',
        summary: 'Count executions',
        tags,
        querystring: ExecutionCountQuery,
        response: { 200: ExecutionCountBody, ...refusals(STORED, ['STATE_MACHINE_NOT_FOUND']) },
      },
    },
    ({ query }) => operations.count(withRange(query)),
  );

  app.get(
    '/state-machines/:stateMachineId/executions',
    {
      schema: {
        operationId: 'listStateMachineExecutions',
        summary: 'List the executions of a state machine',
        description: 'The newest first.',
        tags,
        params: StateMachineParams,
        querystring: MachineExecutionQuery,
        response: {
          200: ExecutionPage,
          ...refusals(STORED, ['STATE_MACHINE_NOT_FOUND', 'INVALID_CURSOR']),
        },
      },
    },
    async ({ params, query }) => pageBody(await operations.list({ ...withRange(query), ...params }), bodyOf),
  );

  app.get(
    '/state-machines/:stateMachineId/executions/count',
    {
      schema: {
        operationId: 'countStateMachineExecutions',
        summary: 'Count the executions of a state machine',
        tags,
        params: StateMachineParams,
        querystring: MachineExecutionCountQuery,
        response: { 200: ExecutionCountBody, ...refusals(STORED, ['STATE_MACHINE_NOT_FOUND']) },
      },
    },
    ({ params, query }) => operations.count({ ...withRange(query), ...params }),
  );

  app.get(
    '/executions/:executionId',
    {
      schema: {
        operationId: 'getExecution',
        summary: 'Read an execution',
        tags,
        params: ExecutionParams,
        querystring: NONE,
        response: { 200: ExecutionBody, ...refusals(STORED, ['EXECUTION_NOT_FOUND']) },
      },
    },
    async ({ params }) => bodyOf(await operations.get(params.executionId)),
  );

  app.get(
    '/executions/:executionId/history',
    {
      schema: {
        operationId: 'getExecutionHistory',
        summary: "Read an execution's history",
        description: 'The events as AWS records them, the oldest first.',
        tags,
        params: ExecutionParams,
        querystring: HistoryQuery,
        response: { 200: HistoryPage, ...refusals(STORED, ['EXECUTION_NOT_FOUND', 'INVALID_CURSOR']) },
      },
    },
    async ({ params, query }) =>
      pageBody(await operations.history(params.executionId, query), (event) => ({
        ...event,
        timestamp: iso(event.timestamp),
      })),
  );

  app.get(
    '/executions/:executionId/states',
    {
      schema: {
        operationId: 'getExecutionStates',
        summary: 'Read what became of each state',
        description: 'One record for each time that a state was entered, in order.',
        tags,
        params: ExecutionParams,
        querystring: StatesQuery,
        response: { 200: StateRecordPage, ...refusals(STORED, ['EXECUTION_NOT_FOUND', 'INVALID_CURSOR']) },
      },
    },
    async ({ params, query }) =>
      pageBody(await operations.states(params.executionId, query), (record) => ({
        ...record,
        startTime: iso(record.startTime),
        endTime: isoOrNull(record.endTime),
      })),
  );

  app.delete(
    '/executions/:executionId',
    {
      config: { bodyOptional: true, urgent: true },
      schema: {
        operationId: 'stopExecution',
        summary: 'Stop an execution',
        description:
          'It ends ABORTED with this error and cause; a handler that runs for it sees its signal abort. Answers when it has ended, or after 2 s as it stands.',
        tags,
        params: ExecutionParams,
        querystring: NONE,
        body: StopBody,
        response: {
          200: ExecutionBody,
          ...refusals(STORED, WITH_BODY, ['EXECUTION_NOT_FOUND', 'EXECUTION_ENDED']),
        },
      },
    },
    async ({ params, body }) => bodyOf(await operations.stop(params.executionId, body)),
  );
}

export function bodyOf(view: ExecutionView): ExecutionBody {
  const { startTime, endTime, redriveDate, heldAt, pausedAt, scheduledTime } = view;
  return {
    ...view,
    startTime: iso(startTime),
    endTime: isoOrNull(endTime),
    redriveDate: isoOrNull(redriveDate),
    heldAt: isoOrNull(heldAt),
    pausedAt: isoOrNull(pausedAt),
    scheduledTime: isoOrNull(scheduledTime),
  };
}
