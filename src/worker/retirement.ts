/**
 * What has had its day is deleted, as RETENTION_DAYS says: by whichever worker gets to the next step, a few hundred
 * executions a step, with pauses between the steps, so that whoever works is hardly disturbed.
 */
import {
  type Database,
  type Retention,
  type RetentionStep,
  retireBatches,
  retireExecutions,
} from '../store/index.js';
import type { WorkerLog } from './runner.js';

export interface RetirementOptions {
  database: Database;
  /** Nothing in it: everything is kept for ever. */
  retention: Retention;
  /** How long to wait when there is nothing to do, in ms. */
  idleMs?: number;
  log: WorkerLog;
}

export interface Retirement {
  stop(): Promise<void>;
}

/** A step takes at most a quarter of one session's time. */
const PAUSES_PER_STEP = 3;
const PAUSE_MIN_MS = 50;
const IDLE_MS = 60_000;

export function startRetirement({
  database,
  retention,
  idleMs = IDLE_MS,
  log,
}: RetirementOptions): Retirement {
  if (Object.keys(retention).length === 0) return { stop: async () => undefined };
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let round = Promise.resolve();

  const retire = async (): Promise<void> => {
    const startedAt = performance.now();
    let more = false;
    try {
      const steps = [
        await retireExecutions(database.pool, retention),
        await retireBatches(database.pool, retention),
      ];
      more = steps.some((step) => step?.more === true);
      report(steps);
    } catch (error) {
      if (!stopped) log.warn({ err: error }, 'what is old could not be deleted; the next step tries again');
    }
    if (stopped) return;
    const pauseMs = Math.max(PAUSE_MIN_MS, PAUSES_PER_STEP * (performance.now() - startedAt));
    timer = setTimeout(start, more ? pauseMs : idleMs);
  };
  const start = (): void => {
    round = retire();
  };
  // Workers that start together do not step together.
  timer = setTimeout(start, idleMs * Math.random());

  function report(steps: readonly (RetentionStep | undefined)[]): void {
    const [executions = 0, batches = 0] = steps.map((step) => step?.deleted ?? 0);
    if (executions + batches > 0) log.info({ executions, batches }, 'what was old was deleted');
  }

  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}
