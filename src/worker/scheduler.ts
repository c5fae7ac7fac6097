/**
 * The scheduler: starts what schedules say is due. There is one in every worker, and none needs to know of the others:
 * PostgreSQL decides who fires a schedule (store/schedule-runs.ts).
 *
 * It sleeps until the earliest instant, or until it is told that a schedule has changed or that a run has ended on which
 * a queued one waits; at most LOOK_AGAIN_MS, so that what it was not told costs time and no run.
 */
import { decide } from '../schedules/index.js';
import {
  awaitedByQueued,
  type Database,
  type DueSchedule,
  dueSchedules,
  ENDED_CHANNEL,
  fireSchedule,
  type Listener,
  listen,
  untilNextRun,
} from '../store/index.js';
import type { WorkerLog } from './runner.js';

interface SchedulerOptions {
  database: Database;
  /** Rings for an execution that was started; what cannot be rung for now, the sweeper rings for. */
  ring: (queue: string, executionId: string) => void;
  log: WorkerLog;
}

export interface Scheduler {
  /** A schedule has changed, or may have. */
  hear(): void;
  stop(): Promise<void>;
}

const LOOK_AGAIN_MS = 5_000;
/** After a failure, so that what fails at once is not tried without a pause. */
const FAILED_MS = 1_000;
/** When another scheduler is at one that is due: it may die over it. */
const TAKEN_MS = 100;
/** Sessions of the pool that firing takes at once; the others are for everybody else. */
const AT_ONCE = 4;
/** Fired before it is asked again which are left. */
const PAGE = 50;
/** Tried in one look; what is left is taken up by the next one, at once. */
const LOOK_MAX = 2_000;

export function startScheduler({ database, ring, log }: SchedulerOptions): Scheduler {
  const { pool } = database;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  /** Something was heard while looking. */
  let again = false;
  let awaited: ReadonlySet<string> = new Set();
  let endings: Listener | undefined;
  /** The last look has failed. */
  let away = false;
  /** Schedules of which it has been said that they cannot be fired. */
  const failing = new Set<string>();

  const hear = (): void => {
    if (stopped) return;
    if (looking !== undefined) {
      again = true;
      return;
    }
    clearTimeout(timer);
    looking = look().then((pauseMs) => {
      looking = undefined;
      if (stopped) return;
      if (again) {
        again = false;
        hear();
      } else timer = setTimeout(hear, pauseMs);
    });
  };

  /** Answers how long there is nothing to do, in ms. */
  async function look(): Promise<number> {
    try {
      const stuck = await fireDue();
      await watchEndings();
      const untilMs = (await untilNextRun(pool, [...stuck.keys()])) ?? LOOK_AGAIN_MS;
      away = false;
      // The timer may be a fraction of a millisecond early, and would look for nothing.
      return Math.min(LOOK_AGAIN_MS, Math.ceil(untilMs) + 1, ...stuck.values());
    } catch (error) {
      // Once per outage.
      if (!stopped && !away)
        log.warn({ err: error }, 'the scheduler could not look what is due; it looks again');
      away = true;
      return FAILED_MS;
    }
  }

  /** Fires each that is due once. Answers those that it could not, with when to try again, in ms. */
  async function fireDue(): Promise<Map<string, number>> {
    const tried: string[] = [];
    const stuck = new Map<string, number>();
    while (!stopped && tried.length < LOOK_MAX) {
      const due = shuffled(await dueSchedules(pool, tried, LOOK_MAX)).slice(0, PAGE);
      if (due.length === 0) break;
      for (let next = 0; next < due.length; next += AT_ONCE) {
        const some = due.slice(next, next + AT_ONCE);
        const pauses = await Promise.all(some.map(fire));
        some.forEach(({ scheduleId }, index) => {
          const pauseMs = pauses[index];
          if (pauseMs !== undefined) stuck.set(scheduleId, pauseMs);
          tried.push(scheduleId);
        });
      }
    }
    return stuck;
  }

  /** Answers undefined when it is done, or when to try again, in ms. */
  async function fire(due: DueSchedule): Promise<number | undefined> {
    const { scheduleId } = due;
    try {
      const fired = await fireSchedule(pool, due, decide);
      failing.delete(scheduleId);
      for (const { queue, executionId } of fired ?? []) ring(queue, executionId);
      return fired === undefined ? TAKEN_MS : undefined;
    } catch (error) {
      // Once, until it has succeeded.
      if (!failing.has(scheduleId))
        log.warn({ err: error, scheduleId }, 'a schedule could not be fired; it is tried again');
      failing.add(scheduleId);
      return FAILED_MS;
    }
  }

  /** Listens for ends only where a queued run waits for one: as a rule none does, and the ends of others are many. */
  async function watchEndings(): Promise<void> {
    awaited = new Set(await awaitedByQueued(pool));
    if (awaited.size === 0 || endings !== undefined || stopped) return;
    endings = listen({
      url: database.url,
      onNotification: {
        [ENDED_CHANNEL]: (id) => {
          // While it looks, it may be one that has ended before it was known to be awaited.
          if (awaited.has(id) || looking !== undefined) hear();
        },
      },
      onConnected: hear,
      onBroken: (error) => log.warn({ err: error }, 'the session that listens for ends of runs broke'),
    });
  }

  hear();
  return {
    hear,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await looking;
      await endings?.close();
    },
  };
}

/** Of many that are due at once each scheduler takes others first; in one order, all of them would try the same. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
