/** The sizes that leading a batch goes by. Pure. */

/** Members created in one statement: 1,000 rows take some 20 ms, so a stop is heard at once. */
export const CREATE_STEP = 1000;

/**
 * How many executions a doorbell rings for at once. 50 cost a fifth of the queue work that single ones do;
 * but a chunk is taken whole by one worker, so a small batch is rung in small ones, about 200 in all.
 */
export function chunkSize(total: number): number {
  return Math.min(50, Math.max(1, Math.floor(total / 200)));
}

/** AWS runs at most so many children of a map run at once (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). */
const MAP_RUN_CONCURRENCY = 10_000;

/** How many children of a map run may be created or taken up again now: never more under way than MaxConcurrency. */
export function mapRunRoom({
  concurrency,
  total,
  started,
  ended,
  toRedrive,
}: {
  concurrency: number;
  total: number;
  started: number;
  ended: number;
  toRedrive: number;
}): number {
  const limit = concurrency === 0 ? MAP_RUN_CONCURRENCY : Math.min(concurrency, MAP_RUN_CONCURRENCY);
  const left = toRedrive > 0 ? toRedrive : total - started;
  return Math.max(0, Math.min(limit - (started - toRedrive - ended), left));
}

/** How the members of a limited batch are spread right now. */
export interface Standing {
  limit: number;
  total: number;
  started: number;
  /** Being advanced here. */
  local: number;
  /** Under way, but not here: parked, or taken up by another worker. */
  away: number;
  /** Of those away, how many could be run here. */
  adoptable: number;
}

/** How many members may be created now: never more under way than the limit. */
export function creatable({ limit, total, started, local, away }: Standing): number {
  return Math.max(0, Math.min(limit - local - away, total - started));
}

/** How many slots there is work for: to create members, and to take up what was left behind. */
export function slotsWanted(standing: Standing): number {
  return creatable(standing) + standing.adoptable;
}

/** The pauses between two looks at the counters: 250 ms at first, longer while nothing changes, at most 1 s or as said. */
export function nextPollMs(previousMs: number | undefined, mostMs = 1000): number {
  return previousMs === undefined ? 250 : Math.min(mostMs, Math.ceil(previousMs * 1.5));
}

/** Of a map run, whose leader is called: only a call that was lost waits so long, and a worker may lead thousands. */
export const MAP_RUN_POLL_MS = 5_000;

/** The pause before a leader that met a fault goes on, in ms. */
export function faultPauseMs(faults: number): number {
  return Math.min(5000, 100 * 2 ** Math.min(faults - 1, 10));
}
