import { setTimeout as sleep } from 'node:timers/promises';
import type { Arns, ExecutionAbout, TaskOutcome } from '../../engine/index.js';
import { type Database, isRefusedData, type ReturnAddress, type Woken } from '../../store/index.js';
import type { WorkerLog } from '../runner.js';

/** What each service is made from. */
export interface ServiceDeps {
  database: Database;
  arns: Arns;
  ring: Ring;
  /** How many parents a child may have, one above the other; 0 or absent: no limit. */
  nestingLimit?: number;
  log: WorkerLog;
}

/** Rings the doorbell of a queue for an execution; never waits, never throws. */
export type Ring = (queue: string, executionId: string) => void;

/** Where the answer of a call goes. */
export function addressOf(
  { frameId, key }: { frameId: number; key: string },
  { executionId }: Pick<ExecutionAbout, 'executionId'>,
): ReturnAddress {
  return { executionId, frameId, key };
}

/** A failure in the service's words. */
export function refused(error: string, cause: string): TaskOutcome {
  return { ok: false, error, cause };
}

/** Rings for those that nobody is advancing; the others have been told already. */
export function ringFor({ ring }: Pick<ServiceDeps, 'ring'>, woken: readonly Woken[]): void {
  for (const { owner, queue, executionId } of woken) if (owner === null) ring(queue, executionId);
}

/**
 * Does what can be repeated, until it works: that the database is away is no failure of the workflow's. Given up only when
 * the database refuses the data as such, or nobody waits for the outcome any more.
 * @throws what the last try threw.
 */
export async function untilDone<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  log: WorkerLog,
  about: object,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || isRefusedData(error)) throw error;
      if (tries % TELL_EVERY === 0)
        log.warn({ err: error, tries: tries + 1, ...about }, 'a call could not be made yet; trying again');
      await sleep(Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** tries));
      if (signal.aborted) throw error;
    }
  }
}

const PAUSE_MS = 100;
const PAUSE_MAX_MS = 2_000;
/** Failures: about twice a minute an outage that lasts is told of again, by each call that waits for its end. */
const TELL_EVERY = 16;
