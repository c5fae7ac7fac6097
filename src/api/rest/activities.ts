import type { ActivityOperations, ActivityView } from '../../operations/index.js';
import type { Api } from '../api.js';
import type { Waits } from '../plugins/waits.js';
import {
  ActivityBody,
  ActivityPage,
  ActivityParams,
  ActivityQuery,
  ActivityTaskBody,
  ActivityTaskQuery,
  CreateActivityBody,
  RemovedActivityBody,
} from '../schemas/activities.js';
import { strict } from '../schemas/json.js';
import { nothing } from '../schemas/nothing.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import { iso } from './instants.js';
import { pageBody } from './page.js';

const tags = ['Activities'];
const NONE = strict({});

/** Activities, and the tasks that their workers ask for. */
export function activityRoutes(app: Api, operations: ActivityOperations, waits: Waits): void {
  app.post(
    '/activities',
    {
      schema: {
        operationId: 'createActivity',
        summary: 'Create an activity',
        description: 'Creating it again changes nothing and answers 200.',
        tags,
        querystring: NONE,
        body: CreateActivityBody,
        response: { 200: ActivityBody, 201: ActivityBody, ...refusals(STORED, WITH_BODY, ['INVALID_NAME']) },
      },
    },
    async ({ body }, reply) => {
      const { created, activity } = await operations.create(body.name);
      return reply
        .code(created ? 201 : 200)
        .header('location', `/activities/${encodeURIComponent(activity.name)}`)
        .send(bodyOf(activity));
    },
  );

  app.get(
    '/activities',
    {
      schema: {
        operationId: 'listActivities',
        summary: 'List activities',
        description: 'By name.',
        tags,
        querystring: ActivityQuery,
        response: { 200: ActivityPage, ...refusals(STORED, ['INVALID_CURSOR']) },
      },
    },
    async ({ query }) => pageBody(await operations.list(query), bodyOf),
  );

  app.get(
    '/activities/:name',
    {
      schema: {
        operationId: 'getActivity',
        summary: 'Read an activity',
        tags,
        params: ActivityParams,
        querystring: NONE,
        response: { 200: ActivityBody, ...refusals(STORED, ['ACTIVITY_NOT_FOUND']) },
      },
    },
    async ({ params }) => bodyOf(await operations.get(params.name)),
  );

  app.delete(
    '/activities/:name',
    {
      schema: {
        operationId: 'deleteActivity',
        summary: 'Delete an activity',
        description: 'Tasks that wait for a worker keep waiting until their time is up.',
        tags,
        params: ActivityParams,
        querystring: NONE,
        response: { 200: RemovedActivityBody, ...refusals(STORED, WITH_BODY, ['ACTIVITY_NOT_FOUND']) },
      },
    },
    ({ params }) => operations.remove(params.name),
  );

  app.get(
    '/activities/:name/task',
    {
      schema: {
        operationId: 'getActivityTask',
        summary: 'Take a task of an activity',
        description:
          "The oldest that nobody has taken. It is yours from then on: the state's TimeoutSeconds and HeartbeatSeconds run, and an answer that is lost on its way to you ends in a timeout.",
        tags,
        params: ActivityParams,
        querystring: ActivityTaskQuery,
        response: {
          200: ActivityTaskBody,
          204: nothing('No task came in the time.'),
          ...refusals(STORED, ['ACTIVITY_NOT_FOUND', 'TOO_MANY_WAITS']),
        },
      },
    },
    async ({ params, query: { wait = 0, workerName } }, reply) => {
      const task = await operations.poll(params.name, {
        waitSeconds: wait,
        signal: waits.signalFor(reply, { held: wait > 0 }),
        ...(workerName !== undefined && { workerName }),
      });
      return task === undefined ? reply.code(204).send() : reply.code(200).send(task);
    },
  );
}

function bodyOf(view: ActivityView): ActivityBody {
  return { ...view, createdAt: iso(view.createdAt) };
}
