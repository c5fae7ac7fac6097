import { type Static, Type } from 'typebox';
import { ExecutionStatus } from './executions.js';
import { anyJson, instant, nullable, oneOf, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';

const OVERLAP = ['SKIP', 'ALLOW', 'QUEUE_ONE'] as const;
const MISSED = ['NONE', 'LAST', 'ALL'] as const;
const STATUS = ['ACTIVE', 'PAUSED', 'ENDED'] as const;

export const ScheduleParams = Type.Object({
  scheduleId: Type.String({ description: 'The schedule.', examples: ['nightly-report'] }),
});

const changeable = {
  description: Type.Optional(
    nullable(Type.String({ maxLength: 4096 }), {
      description: 'For people.',
      examples: ['Yesterday, in numbers'],
    }),
  ),
  input: Type.Optional(
    anyJson({
      description:
        'The input of each execution; `{}` when absent. Within its texts `<aws.scheduler.scheduled-time>` stands for the instant, as in Amazon EventBridge Scheduler.',
      examples: [{ day: '<aws.scheduler.scheduled-time>' }],
    }),
  ),
  queue: Type.Optional(
    nullable(Type.String({ minLength: 1, maxLength: 100 }), {
      description: "The queue that executions wait in, which must exist; null: the machine's.",
      examples: ['low'],
    }),
  ),
  cron: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 256,
      description:
        'Minute, hour, day of the month, month, day of the week; or six fields, with a second before them. Not together with `intervalSeconds`; either takes the place of the other.',
      examples: ['0 9 * * MON-FRI'],
    }),
  ),
  timeZone: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      description: 'The IANA name of the zone whose clocks the cron expression goes by; UTC when absent.',
      examples: ['Europe/Berlin'],
    }),
  ),
  intervalSeconds: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 31_536_000,
      description: 'Every so many seconds, counted from `startAt` or from when this was set.',
      examples: [900],
    }),
  ),
  startAt: Type.Optional(nullable(instant('Not due before; null: no bound.'))),
  endAt: Type.Optional(nullable(instant('Not due after; null: no bound.'))),
  overlap: Type.Optional(
    oneOf(OVERLAP, {
      description:
        'While an execution of this schedule is running: `SKIP` (the default) leaves the run out, `ALLOW` starts it beside the other, `QUEUE_ONE` keeps one, and starts it when the other ends.',
    }),
  ),
  missed: Type.Optional(
    oneOf(MISSED, {
      description:
        'What becomes of instants that are over by more than a minute, because no worker was there: `NONE` leaves them out, `LAST` (the default) starts one execution for the last of them, `ALL` one for each, at most the last 100.',
    }),
  ),
  paused: Type.Optional(
    Type.Boolean({ description: 'Nothing is started while it is paused, nor made up for later.' }),
  ),
};

export const CreateScheduleBody = strict(
  {
    id: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]{1,60}$',
        description: 'Made when absent. Executions are named `<id>-<instant>`.',
        examples: ['nightly-report'],
      }),
    ),
    stateMachineId: Type.String({
      minLength: 1,
      maxLength: 80,
      description: 'The machine to run, in the version that it has then.',
      examples: ['order-processing'],
    }),
    ...changeable,
  },
  { title: 'CreateSchedule' },
);

export const UpdateScheduleBody = strict(changeable, { title: 'UpdateSchedule', minProperties: 1 });

export const ScheduleQuery = strict({
  stateMachineId: Type.Optional(
    Type.String({ minLength: 1, maxLength: 80, description: 'Schedules of this machine.' }),
  ),
  status: Type.Optional(oneOf(STATUS, { description: 'Schedules in this status.' })),
  ...PageQuery,
});

export const ScheduleBody = Type.Object(
  {
    scheduleId: Type.String({ description: 'Its id, in routes and filters.', examples: ['nightly-report'] }),
    stateMachineId: Type.String({
      description: 'The machine that it starts.',
      examples: ['order-processing'],
    }),
    description: nullable(Type.String(), { description: 'For people.' }),
    status: oneOf(STATUS, {
      title: 'ScheduleStatus',
      description: '`ENDED`: there is nothing to come any more.',
    }),
    pauseReason: nullable(Type.String(), { description: 'Why it is paused, when nobody asked for it.' }),
    input: anyJson({ description: 'As it was given.' }),
    queue: nullable(Type.String(), {
      description: "The queue that executions wait in; null: the machine's.",
    }),
    cron: nullable(Type.String(), {
      description: 'When it is due; null: it goes by `intervalSeconds`.',
      examples: ['0 9 * * MON-FRI'],
    }),
    timeZone: Type.String({
      description: 'The zone whose clocks `cron` goes by.',
      examples: ['Europe/Berlin'],
    }),
    intervalSeconds: nullable(Type.Integer(), {
      description: 'Every so many seconds; null: it goes by `cron`.',
    }),
    startAt: nullable(instant('Not due before.')),
    endAt: nullable(instant('Not due after.')),
    overlap: oneOf(OVERLAP, {
      description: 'What becomes of an instant while an execution of it is running.',
    }),
    missed: oneOf(MISSED, { description: 'What becomes of instants that no worker was there for.' }),
    nextRunAt: nullable(instant('When it is due next; null when it is paused or has ended.')),
    queuedFor: nullable(instant('The instant of a run that waits for an earlier one to end.')),
    lastRunAt: nullable(instant('The instant of the latest run.')),
    lastExecutionId: nullable(Type.String(), { description: 'The latest execution that it has started.' }),
    started: Type.Integer({ description: 'How many executions it has started.' }),
    skipped: Type.Integer({
      description: 'How many instants were left out because an earlier run was running.',
    }),
    createdAt: instant('When it was created.'),
    updatedAt: instant('When it was changed last.'),
  },
  { title: 'Schedule' },
);
export type ScheduleBody = Static<typeof ScheduleBody>;

export const SchedulePage = pageOf(ScheduleBody, 'SchedulePage');

export const RemovedScheduleBody = Type.Object(
  { scheduleId: Type.String({ description: 'The schedule that was deleted.' }) },
  { title: 'RemovedSchedule' },
);

export const ScheduleRunsQuery = strict({
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, default: 10, description: 'How many of each, at most.' }),
  ),
});

export const ScheduleRunsBody = Type.Object(
  {
    next: Type.Array(instant('When it will be due.'), {
      description: 'The next instants, as its times stand now; none while it is paused.',
    }),
    last: Type.Array(
      Type.Object(
        {
          executionId: Type.String({ description: 'The execution.' }),
          name: Type.String({
            description: "The name of the execution: the schedule's id and the instant.",
            examples: ['nightly-report-20260131T080000Z'],
          }),
          status: ExecutionStatus,
          scheduledTime: instant('The instant that it was started for.'),
          startTime: instant('When it started.'),
          endTime: nullable(instant('When it ended; null while it runs.')),
        },
        { title: 'ScheduleRun' },
      ),
      { description: 'The latest executions, the newest first. All of them: `GET /executions?scheduleId=`.' },
    ),
  },
  { title: 'ScheduleRuns' },
);
