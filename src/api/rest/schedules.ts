import type { ScheduleOperations, ScheduleView } from '../../operations/index.js';
import type { Api } from '../api.js';
import { ExecutionBody } from '../schemas/executions.js';
import { strict } from '../schemas/json.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import {
  CreateScheduleBody,
  RemovedScheduleBody,
  ScheduleBody,
  SchedulePage,
  ScheduleParams,
  ScheduleQuery,
  ScheduleRunsBody,
  ScheduleRunsQuery,
  UpdateScheduleBody,
} from '../schemas/schedules.js';
import { bodyOf as executionBody } from './executions.js';
import { iso, isoOrNull } from './instants.js';
import { pageBody } from './page.js';

const tags = ['Schedules'];
const NONE = strict({});
const FOUND = ['SCHEDULE_NOT_FOUND'] as const;
const FIRING = ['SCHEDULE_NOT_FOUND', 'STATE_MACHINE_NOT_FOUND'] as const;

/** `/schedules`: create, list, read, change, delete, pause, resume, run now, preview. */
export function scheduleRoutes(app: Api, operations: ScheduleOperations): void {
  app.post(
    '/schedules',
    {
      schema: {
        operationId: 'createSchedule',
        summary: 'Create a schedule',
        description:
          'Starts executions of a machine by a cron expression or at an interval. A time that the clocks of the zone skip is due when they have skipped it; one that they show twice is due the first time, unless the expression is for every hour.',
        tags,
        querystring: NONE,
        body: CreateScheduleBody,
        response: {
          201: ScheduleBody,
          ...refusals(STORED, WITH_BODY, [
            'INVALID_NAME',
            'INVALID_SCHEDULE',
            'STATE_MACHINE_NOT_FOUND',
            'QUEUE_NOT_FOUND',
            'SCHEDULE_EXISTS',
          ]),
        },
      },
    },
    async ({ body }, reply) => {
      const view = await operations.create(withBounds(body));
      return reply
        .code(201)
        .header('location', `/schedules/${encodeURIComponent(view.scheduleId)}`)
        .send(bodyOf(view));
    },
  );

  app.get(
    '/schedules',
    {
      schema: {
        operationId: 'listSchedules',
        summary: 'List schedules',
        description: 'By id.',
        tags,
        querystring: ScheduleQuery,
        response: {
          200: SchedulePage,
          ...refusals(STORED, ['STATE_MACHINE_NOT_FOUND', 'INVALID_CURSOR']),
        },
      },
    },
    async ({ query }) => pageBody(await operations.list(query), bodyOf),
  );

  app.get(
    '/schedules/:scheduleId',
    {
      schema: {
        operationId: 'getSchedule',
        summary: 'Read a schedule',
        tags,
        params: ScheduleParams,
        querystring: NONE,
        response: { 200: ScheduleBody, ...refusals(STORED, FOUND) },
      },
    },
    async ({ params }) => bodyOf(await operations.get(params.scheduleId)),
  );

  app.put(
    '/schedules/:scheduleId',
    {
      schema: {
        operationId: 'updateSchedule',
        summary: 'Change a schedule',
        description:
          'Changes what is named. Other times take effect from now on: what was due before by the old ones is not made up for.',
        tags,
        params: ScheduleParams,
        querystring: NONE,
        body: UpdateScheduleBody,
        response: {
          200: ScheduleBody,
          ...refusals(STORED, WITH_BODY, FIRING, ['INVALID_SCHEDULE', 'QUEUE_NOT_FOUND']),
        },
      },
    },
    async ({ params, body }) => bodyOf(await operations.update(params.scheduleId, withBounds(body))),
  );

  app.delete(
    '/schedules/:scheduleId',
    {
      schema: {
        operationId: 'deleteSchedule',
        summary: 'Delete a schedule',
        description: 'What it has started runs on.',
        tags,
        params: ScheduleParams,
        querystring: NONE,
        response: { 200: RemovedScheduleBody, ...refusals(STORED, WITH_BODY, FOUND) },
      },
    },
    ({ params }) => operations.remove(params.scheduleId),
  );

  app.post(
    '/schedules/:scheduleId/pause',
    {
      schema: {
        operationId: 'pauseSchedule',
        summary: 'Pause a schedule',
        description: 'Nothing is started until it is resumed; a run that waits for another is given up.',
        tags,
        params: ScheduleParams,
        querystring: NONE,
        response: { 200: ScheduleBody, ...refusals(STORED, WITH_BODY, FOUND) },
      },
    },
    async ({ params }) => bodyOf(await operations.update(params.scheduleId, { paused: true })),
  );

  app.post(
    '/schedules/:scheduleId/resume',
    {
      schema: {
        operationId: 'resumeSchedule',
        summary: 'Resume a schedule',
        description: 'It goes on with the next instant; what was due while it was paused is not made up for.',
        tags,
        params: ScheduleParams,
        querystring: NONE,
        response: { 200: ScheduleBody, ...refusals(STORED, WITH_BODY, FIRING) },
      },
    },
    async ({ params }) => bodyOf(await operations.update(params.scheduleId, { paused: false })),
  );

  app.post(
    '/schedules/:scheduleId/run',
    {
      schema: {
        operationId: 'runSchedule',
        summary: 'Run a schedule now',
        description:
          'Starts one execution, whatever its times and its policy say, also while it is paused. Its next instant stays.',
        tags,
        params: ScheduleParams,
        querystring: NONE,
        response: { 202: ExecutionBody, ...refusals(STORED, WITH_BODY, FIRING, ['EXECUTION_NOT_FOUND']) },
      },
    },
    async ({ params }, reply) => {
      const view = await operations.run(params.scheduleId);
      return reply.code(202).header('location', `/executions/${view.executionId}`).send(executionBody(view));
    },
  );

  app.get(
    '/schedules/:scheduleId/runs',
    {
      schema: {
        operationId: 'getScheduleRuns',
        summary: 'Read the next and the last runs of a schedule',
        tags,
        params: ScheduleParams,
        querystring: ScheduleRunsQuery,
        response: { 200: ScheduleRunsBody, ...refusals(STORED, FOUND) },
      },
    },
    async ({ params, query }) => {
      const { next, last } = await operations.runs(params.scheduleId, query);
      return {
        next: next.map(iso),
        last: last.map((run) => ({
          ...run,
          scheduledTime: iso(run.scheduledTime),
          startTime: iso(run.startTime),
          endTime: isoOrNull(run.endTime),
        })),
      };
    },
  );
}

interface Bounds {
  startAt?: string | null;
  endAt?: string | null;
}

/** A request with its times read; validation has seen that they are times. */
function withBounds<T extends Bounds>({ startAt, endAt, ...rest }: T) {
  return {
    ...rest,
    ...(startAt !== undefined && { startAt: startAt === null ? null : new Date(startAt) }),
    ...(endAt !== undefined && { endAt: endAt === null ? null : new Date(endAt) }),
  };
}

function bodyOf(view: ScheduleView): ScheduleBody {
  return {
    ...view,
    startAt: isoOrNull(view.startAt),
    endAt: isoOrNull(view.endAt),
    nextRunAt: isoOrNull(view.nextRunAt),
    queuedFor: isoOrNull(view.queuedFor),
    lastRunAt: isoOrNull(view.lastRunAt),
    createdAt: iso(view.createdAt),
    updatedAt: iso(view.updatedAt),
  };
}
