import type { StateMachineOperations, StateMachineView, ValidationView } from '../../operations/index.js';
import type { Api } from '../api.js';
import { strict } from '../schemas/json.js';
import { PageQuery } from '../schemas/page.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import {
  CreateStateMachineBody,
  RemovedStateMachineBody,
  RemoveStateMachineQuery,
  StateMachineBody,
  StateMachinePage,
  StateMachineParams,
  StateMachineQuery,
  StateMachineVersionPage,
  StatisticsBody,
  StatisticsQuery,
  UpdateStateMachineBody,
  ValidateBody,
  ValidationBody,
} from '../schemas/state-machines.js';
import { iso, isoOrNull, withRange } from './instants.js';
import { pageBody } from './page.js';

const tags = ['State machines'];
const NONE = strict({});

/** `/state-machines`: create, list, read, change, delete, validate, versions, statistics. */
export function stateMachineRoutes(app: Api, operations: StateMachineOperations): void {
  app.post(
    '/state-machines',
    {
      schema: {
        operationId: 'createStateMachine',
        summary: 'Create a state machine',
        description:
          'Validates the definition and stores it as version 1. Makes a queue for its executions (weight 5) unless it names an existing one.',
        tags,
        querystring: NONE,
        body: CreateStateMachineBody,
        response: {
          201: StateMachineBody,
          ...refusals(STORED, WITH_BODY, [
            'INVALID_DEFINITION',
            'INVALID_NAME',
            'QUEUE_NOT_FOUND',
            'STATE_MACHINE_EXISTS',
          ]),
        },
      },
    },
    async (request, reply) => {
      const view = await operations.create(request.body);
      return reply
        .code(201)
        .header('location', `/state-machines/${encodeURIComponent(view.stateMachineId)}`)
        .send(bodyOf(view));
    },
  );

  app.get(
    '/state-machines',
    {
      schema: {
        operationId: 'listStateMachines',
        summary: 'List state machines',
        description: 'The newest first.',
        tags,
        querystring: StateMachineQuery,
        response: { 200: StateMachinePage, ...refusals(STORED, ['INVALID_CURSOR']) },
      },
    },
    async ({ query: { createdAfter, createdBefore, ...filter } }) =>
      pageBody(
        await operations.list({
          ...filter,
          ...(createdAfter !== undefined && { createdAfter: new Date(createdAfter) }),
          ...(createdBefore !== undefined && { createdBefore: new Date(createdBefore) }),
        }),
        bodyOf,
      ),
  );

  app.post(
    '/state-machines/validate',
    {
      schema: {
        operationId: 'validateDefinition',
        summary: 'Validate a definition',
        description: 'Says everything that is wrong with it at once. Nothing is stored.',
        tags,
        querystring: NONE,
        body: ValidateBody,
        response: { 200: ValidationBody, ...refusals(STORED, WITH_BODY) },
      },
    },
    ({ body }): Promise<ValidationView> | ValidationView => {
      return operations.validate(body.definition, body.type);
    },
  );

  app.get(
    '/state-machines/:stateMachineId',
    {
      schema: {
        operationId: 'getStateMachine',
        summary: 'Read a state machine',
        tags,
        params: StateMachineParams,
        querystring: NONE,
        response: { 200: StateMachineBody, ...refusals(STORED, ['STATE_MACHINE_NOT_FOUND']) },
      },
    },
    async ({ params }) => bodyOf(await operations.get(params.stateMachineId)),
  );

  app.put(
    '/state-machines/:stateMachineId',
    {
      schema: {
        operationId: 'updateStateMachine',
        summary: 'Change a state machine',
        description:
          'Changes the members that are named, and leaves the others. A definition that differs is a new version; executions that run keep theirs.',
        tags,
        params: StateMachineParams,
        querystring: NONE,
        body: UpdateStateMachineBody,
        response: {
          200: StateMachineBody,
          ...refusals(STORED, WITH_BODY, [
            'INVALID_DEFINITION',
            'INVALID_NAME',
            'STATE_MACHINE_NOT_FOUND',
            'QUEUE_NOT_FOUND',
          ]),
        },
      },
    },
    async ({ params, body }) => {
      return bodyOf(await operations.update(params.stateMachineId, body));
    },
  );

  app.delete(
    '/state-machines/:stateMachineId',
    {
      schema: {
        operationId: 'deleteStateMachine',
        summary: 'Delete a state machine',
        description:
          'Refuses while executions of it run, unless `force` stops them. Executions that have ended stay readable.',
        tags,
        params: StateMachineParams,
        querystring: RemoveStateMachineQuery,
        response: {
          200: RemovedStateMachineBody,
          ...refusals(STORED, WITH_BODY, ['STATE_MACHINE_NOT_FOUND', 'STATE_MACHINE_IN_USE']),
        },
      },
    },
    ({ params, query }) => operations.remove(params.stateMachineId, query),
  );

  app.get(
    '/state-machines/:stateMachineId/versions',
    {
      schema: {
        operationId: 'listStateMachineVersions',
        summary: 'List the versions of a state machine',
        description: 'The newest first.',
        tags,
        params: StateMachineParams,
        querystring: strict({ ...PageQuery }),
        response: {
          200: StateMachineVersionPage,
          ...refusals(STORED, ['STATE_MACHINE_NOT_FOUND', 'INVALID_CURSOR']),
        },
      },
    },
    async ({ params, query }) =>
      pageBody(await operations.versions(params.stateMachineId, query), (view) => ({
        ...view,
        createdAt: iso(view.createdAt),
      })),
  );

  app.get(
    '/state-machines/:stateMachineId/statistics',
    {
      schema: {
        operationId: 'getStateMachineStatistics',
        summary: 'Count and time the executions of a state machine',
        description: 'By status: how many, how long they took in milliseconds, the first and the last.',
        tags,
        params: StateMachineParams,
        querystring: StatisticsQuery,
        response: { 200: StatisticsBody, ...refusals(STORED, ['STATE_MACHINE_NOT_FOUND']) },
      },
    },
    async ({ params, query }) => {
      const view = await operations.statistics(params.stateMachineId, withRange(query));
      return {
        ...view,
        statuses: view.statuses.map((one) => ({
          ...one,
          first: isoOrNull(one.first),
          last: isoOrNull(one.last),
        })),
      };
    },
  );
}

function bodyOf(view: StateMachineView): StateMachineBody {
  return { ...view, createdAt: iso(view.createdAt), updatedAt: iso(view.updatedAt) };
}
