import { CronError, nextInstant, nextInstants } from '../schedules/index.js';
import type { Json } from '../std/json.js';
import {
  changeSchedule,
  createSchedule,
  deleteSchedule,
  findSchedule,
  hasQueue,
  hasStateMachine,
  listExecutions,
  listSchedules,
  newId,
  runSchedule,
  type ScheduleChange,
  type ScheduleColumns,
  type ScheduleOutcome,
  type ScheduleRecord,
} from '../store/index.js';
import { type Deps, ringSoon } from './deps.js';
import { OperationError, refusal } from './errors.js';
import { guarded } from './guarded.js';
import { checkFilter, unknownQueue } from './names.js';
import { pageQuery } from './pages.js';
import { checkLine, payloadText } from './payloads.js';
import type {
  ChangeableSchedule,
  ExecutionOperations,
  ScheduleOperations,
  ScheduleTimes,
  ScheduleView,
} from './types.js';

/** @param executions how what was started is shown */
export function createScheduleOperations(
  deps: Deps,
  executions: Pick<ExecutionOperations, 'get'>,
): ScheduleOperations {
  const { database } = deps;
  const { pool } = database;

  return {
    create: guarded(async ({ id = newId(), stateMachineId, ...request }) => {
      checkScheduleId(id);
      await check(deps, request);
      const outcome = await createSchedule(pool, { scheduleId: id, stateMachineId }, (nowMs) =>
        refusable(() => changed(BLANK, request, deps, nowMs)),
      );
      return viewOf(done(outcome, id, stateMachineId));
    }),

    list: guarded(async (request = {}) => {
      checkFilter(request);
      const { items, nextCursor } = await listSchedules(pool, request, pageQuery(request));
      const { stateMachineId: machine } = request;
      if (items.length === 0 && machine !== undefined && !(await hasStateMachine(database, machine))) {
        throw unknownMachine(machine);
      }
      return { items: items.map(viewOf), nextCursor };
    }),

    get: guarded(async (id) => viewOf(await find(deps, id))),

    update: guarded(async (id, request) => {
      await check(deps, request);
      const outcome = await changeSchedule(pool, id, (schedule, nowMs, hasMachine) =>
        refusable(() => {
          if (request.paused === false && !hasMachine) throw unknownMachine(schedule.stateMachineId);
          return changed(schedule, request, deps, nowMs);
        }),
      );
      return viewOf(done(outcome, id, id));
    }),

    remove: guarded(async (id) => {
      if (!(await deleteSchedule(pool, id))) throw unknown(id);
      return { scheduleId: id };
    }),

    run: guarded(async (id) => {
      const { stateMachineId } = await find(deps, id);
      const fired = await runSchedule(pool, id);
      if (fired === 'unknown') throw unknown(id);
      if (fired === 'unknownMachine') throw unknownMachine(stateMachineId);
      ringSoon(deps, fired.queue, [fired.executionId]);
      return executions.get(fired.executionId);
    }),

    runs: guarded(async (id, request = {}) => {
      const page = pageQuery({ ...request, limit: request.limit ?? RUNS_DEFAULT });
      const schedule = await find(deps, id);
      const first = schedule.nextRunAt?.getTime();
      const next = first === undefined ? [] : [first, ...nextInstants(schedule, first, page.limit - 1)];
      const { items } = await listExecutions(pool, { scheduleId: id }, page);
      return {
        next: next.map((at) => new Date(at)),
        last: items.map(({ executionId, name, status, scheduledTime, startTime, endTime }) => ({
          executionId,
          name,
          status,
          // Those of a schedule have one.
          scheduledTime: scheduledTime ?? startTime,
          startTime,
          endTime,
        })),
      };
    }),
  };
}

const DESCRIPTION_MAX = 4_096;
const RUNS_DEFAULT = 10;
/** A year: what comes less often is better said by a cron expression. */
const INTERVAL_MAX = 31_536_000;
const CRON_MAX = 256;

/** A schedule of which nothing has been said. */
const BLANK: ScheduleColumns = {
  description: null,
  input: '{}',
  queue: null,
  cron: null,
  timeZone: 'UTC',
  intervalSeconds: null,
  anchorAt: new Date(0),
  startAt: null,
  endAt: null,
  overlap: 'SKIP',
  missed: 'LAST',
  paused: false,
  pauseReason: null,
  nextRunAt: null,
  queuedFor: null,
};

/** Names of runs are `<id>-<instant>`, of at most 80 characters. @throws OperationError INVALID_NAME */
function checkScheduleId(id: string): void {
  if (!/^[A-Za-z0-9_-]{1,60}$/.test(id)) {
    throw refusal('INVALID_NAME', '/id', "An id has 1 to 60 letters, digits, '-' and '_'.");
  }
}

/** What can be refused without looking at the schedule. */
async function check(deps: Deps, request: ChangeableSchedule): Promise<void> {
  const { description, queue, intervalSeconds, cron, startAt, endAt } = request;
  checkLine(description, DESCRIPTION_MAX, '/description');
  checkLine(cron, CRON_MAX, '/cron');
  checkFilter({ startAt, endAt });
  if (
    intervalSeconds !== undefined &&
    !(Number.isInteger(intervalSeconds) && intervalSeconds >= 1 && intervalSeconds <= INTERVAL_MAX)
  ) {
    throw invalid('/intervalSeconds', `An interval is a whole number of seconds from 1 to ${INTERVAL_MAX}.`);
  }
  if (queue !== undefined && queue !== null && !(await hasQueue(deps.database, queue)))
    throw unknownQueue(queue);
}

/** The columns with what is asked for. Its times start anew only if they are other ones, or it is resumed. @throws OperationError */
function changed(
  before: ScheduleColumns,
  request: ChangeableSchedule,
  { config }: Deps,
  nowMs: number,
): ScheduleColumns {
  const times = timesOf(before, request);
  const paused = request.paused ?? before.paused;
  const moved = !sameTimes(before, times) || (before.paused && !paused);
  const columns: ScheduleColumns = {
    ...before,
    ...times,
    description: request.description === undefined ? before.description : request.description,
    input: request.input === undefined ? before.input : payloadText(request.input, config.payloadLimit),
    queue: request.queue === undefined ? before.queue : request.queue,
    overlap: request.overlap ?? before.overlap,
    missed: request.missed ?? before.missed,
    paused,
    pauseReason: paused ? before.pauseReason : null,
    // A run that waits belongs to a schedule that goes on, with its policy.
    queuedFor: paused || (request.overlap ?? before.overlap) !== 'QUEUE_ONE' ? null : before.queuedFor,
    nextRunAt: paused ? null : before.nextRunAt,
  };
  if (times.intervalSeconds !== before.intervalSeconds || !sameInstant(times.startAt, before.startAt)) {
    // Whole seconds, as those of cron expressions.
    columns.anchorAt = times.startAt ?? new Date(Math.floor(nowMs / 1000) * 1000);
  }
  if (!moved) return columns;
  const next = readable(() => nextInstant(columns, nowMs));
  // A schedule whose end has come may be resumed: there is just nothing to come.
  if (next === undefined && !sameTimes(before, times)) {
    throw invalid(
      times.endAt === null ? '/cron' : '/endAt',
      'The schedule would never be due: no instant from now on fits its times.',
    );
  }
  if (!paused) columns.nextRunAt = next === undefined ? null : new Date(next);
  return columns;
}

/** What it goes by: a cron expression takes the place of an interval, and the other way round. */
function timesOf(before: ScheduleColumns, request: ChangeableSchedule): ScheduleTimes {
  const { cron, intervalSeconds, timeZone, startAt, endAt } = request;
  if (cron !== undefined && intervalSeconds !== undefined) {
    throw invalid('/intervalSeconds', 'A schedule has a cron expression or an interval, not both.');
  }
  const newCron = intervalSeconds === undefined ? (cron ?? before.cron) : null;
  const times: ScheduleTimes = {
    cron: newCron,
    intervalSeconds: cron === undefined ? (intervalSeconds ?? before.intervalSeconds) : null,
    timeZone: timeZone ?? (newCron === null ? BLANK.timeZone : before.timeZone),
    startAt: startAt === undefined ? before.startAt : startAt,
    endAt: endAt === undefined ? before.endAt : endAt,
  };
  if (times.cron === null && times.intervalSeconds === null) {
    throw invalid('/cron', 'A schedule needs a cron expression or intervalSeconds.');
  }
  if (times.cron === null && timeZone !== undefined) {
    throw invalid('/timeZone', 'An interval has no time zone; leave out one of the two.');
  }
  if (times.startAt !== null && times.endAt !== null && times.endAt < times.startAt) {
    throw invalid('/endAt', 'The end is before the start.');
  }
  return times;
}

function sameTimes(a: ScheduleTimes, b: ScheduleTimes): boolean {
  return (
    a.cron === b.cron &&
    a.intervalSeconds === b.intervalSeconds &&
    a.timeZone === b.timeZone &&
    sameInstant(a.startAt, b.startAt) &&
    sameInstant(a.endAt, b.endAt)
  );
}

function sameInstant(a: Date | null, b: Date | null): boolean {
  return a?.getTime() === b?.getTime();
}

/** What a timetable answers, or a refusal of what it cannot read. */
function readable<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (error instanceof CronError) throw invalid(`/${error.member}`, error.message);
    throw error;
  }
}

/** A refusal is handed through the transaction, which ends in order. */
function refusable(change: () => ScheduleColumns): ScheduleChange {
  try {
    return { columns: change() };
  } catch (error) {
    return { refused: error };
  }
}

function done(outcome: ScheduleOutcome, id: string, stateMachineId: string): ScheduleRecord {
  switch (outcome.kind) {
    case 'done':
      return outcome.schedule;
    case 'refused':
      throw outcome.why;
    case 'exists':
      throw refusal('SCHEDULE_EXISTS', '/id', `There is a schedule '${id}' already.`);
    case 'unknown':
      throw unknown(id);
    case 'unknownMachine':
      throw unknownMachine(stateMachineId);
    default:
      return outcome satisfies never;
  }
}

async function find({ database }: Deps, id: string): Promise<ScheduleRecord> {
  const schedule = await findSchedule(database.pool, id);
  if (schedule === undefined) throw unknown(id);
  return schedule;
}

function invalid(pointer: string, message: string): OperationError {
  return refusal('INVALID_SCHEDULE', pointer, message);
}

function unknown(id: string): OperationError {
  return new OperationError('SCHEDULE_NOT_FOUND', `There is no schedule '${id}'.`);
}

function unknownMachine(id: string): OperationError {
  return new OperationError('STATE_MACHINE_NOT_FOUND', `There is no state machine '${id}'.`);
}

function viewOf({ input, anchorAt: _, paused, ...schedule }: ScheduleRecord): ScheduleView {
  return {
    ...schedule,
    input: JSON.parse(input) as Json, // what was stored was JSON
    status: paused
      ? 'PAUSED'
      : schedule.nextRunAt === null && schedule.queuedFor === null
        ? 'ENDED'
        : 'ACTIVE',
  };
}
