import type { Json } from '../std/json.js';
import {
  type ActivityRecord,
  createActivity,
  deleteActivity,
  findActivity,
  hasActivity,
  leaseTask,
  listActivities,
} from '../store/index.js';
import { type Deps, ringWoken } from './deps.js';
import { OperationError } from './errors.js';
import { guarded } from './guarded.js';
import { checkName } from './names.js';
import { pageQuery } from './pages.js';
import { checkLine } from './payloads.js';
import type { ActivityOperations, ActivityView, WaitOptions } from './types.js';

export function createActivityOperations(deps: Deps): ActivityOperations {
  const { pool } = deps.database;
  const viewOf = (activity: ActivityRecord): ActivityView => ({
    ...activity,
    activityArn: deps.arns.activity(activity.name),
  });

  return {
    create: guarded(async (name) => {
      checkName(name);
      const { created, ...activity } = await createActivity(pool, name);
      return { created, activity: viewOf(activity) };
    }),

    list: guarded(async (request) => {
      const { items, nextCursor } = await listActivities(pool, pageQuery(request));
      return { items: items.map(viewOf), nextCursor };
    }),

    get: guarded(async (name) => {
      const activity = await findActivity(pool, name);
      if (activity === undefined) throw unknown(name);
      return viewOf(activity);
    }),

    remove: guarded(async (name) => {
      if (!(await deleteActivity(pool, name))) throw unknown(name);
      return { name };
    }),

    poll: guarded(async (name, { workerName, ...waiting } = {}) => {
      checkLine(workerName, WORKER_NAME_MAX, '/workerName');
      if (!(await hasActivity(pool, name))) throw unknown(name);
      return poll(deps, name, workerName, waiting);
    }),
  };
}

/** AWS's limit. */
const WORKER_NAME_MAX = 80;

/** Looks, and sleeps until it is worth looking again, until there is a task or the time is over. */
async function poll(
  deps: Deps,
  name: string,
  workerName: string | undefined,
  { waitSeconds = 0, signal }: WaitOptions,
): Promise<{ taskToken: string; input: Json } | undefined> {
  const until = performance.now() + waitSeconds * 1000;
  for (;;) {
    // Begun before the look, so that a task that comes meanwhile wakes us.
    const looked = new AbortController();
    const signals = signal === undefined ? looked.signal : AbortSignal.any([signal, looked.signal]);
    const woken = deps.tasks.wait(name, until - performance.now(), signals);
    const leased = await leaseTask(deps.database.pool, name, workerName, signal).catch((error: unknown) => {
      looked.abort();
      throw error;
    });
    if (leased !== undefined) {
      looked.abort();
      // There may be more.
      deps.tasks.ring(name);
      ringWoken(deps, [leased.woken]);
      return { taskToken: leased.token, input: JSON.parse(leased.input) as Json };
    }
    await woken;
    if (signal?.aborted === true) {
      // He may have been told of a task, and did not take it.
      deps.tasks.ring(name);
      return undefined;
    }
    if (performance.now() >= until) return undefined;
  }
}

function unknown(name: string): OperationError {
  return new OperationError('ACTIVITY_NOT_FOUND', `There is no activity '${name}'.`);
}
