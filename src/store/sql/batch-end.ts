/** By how much a statement raises a batch's counters, as SQL expressions of type integer. */
interface BatchIncrements extends Counts {
  /** The same in items. Absent: each of those members has one. */
  items?: Counts;
}

interface Counts {
  succeeded: string;
  /** FAILED and TIMED_OUT together. */
  failed: string;
  /** Of those that failed, how many are TIMED_OUT; none when absent. */
  timedOut?: string;
  aborted: string;
  /** Members that the same statement creates. */
  started?: string;
  /** Ended members of a redriven map run that the same statement takes up again. */
  takenUp?: string;
}

/**
 * The SET list with which members are counted, for `UPDATE batches b SET …`. It is the only place where a
 * batch or map run stops, ends, and gets its final status, whoever counts: the flush, the leader, a cancel.
 *
 * 1. Always `succeeded + failed + aborted <= total`, and the batch is over when the two are equal.
 * 2. In the statement that moves a batch out of RUNNING, every member that was never created is counted as
 *    aborted, and so is every one that was to be taken up again. Members are only created while it is RUNNING, under the same row lock, so this happens once.
 * 3. FAILED and TIMED_OUT count as failed, ABORTED as aborted; only failed ones trip stopOnError, or a map
 *    run's threshold.
 * 4. A member that is redriven is taken out of the counters (`sql/redrive.ts`), and counted when it ends again. A batch that
 *    had ended stays so, at its time; it has SUCCEEDED once all its members have.
 *
 * A statement that may touch several batches locks them in id order first. When `end_time` comes back
 * non-null, whoever waits is told: `pg_notify('escapement_ended', id)`.
 */
export function batchEndRule(by: BatchIncrements): string {
  const items = by.items ?? by;
  const started = `(b.started + ${by.started ?? '0'})`;
  const failed = `(b.failed + ${by.failed})`;
  const itemsStarted = `(b.items_started + ${items.started ?? '0'})`;
  const itemsFailed = `(b.items_failed + ${items.failed})`;
  const toRedrive = `(b.to_redrive - ${by.takenUp ?? '0'})`;
  const itemsToRedrive = `(b.items_to_redrive - ${items.takenUp ?? '0'})`;
  const exceeded = exceedsThreshold(itemsFailed);
  const trips = `(b.status = 'RUNNING'
      AND CASE WHEN b.mode = 'mapRun' THEN ${exceeded} ELSE b.stop_on_error AND ${failed} > 0 END)`;
  const aborted = `(b.aborted + ${by.aborted} + CASE WHEN ${trips} THEN b.total - ${started} + ${toRedrive} ELSE 0 END)`;
  const over = `(b.succeeded + ${by.succeeded} + ${failed} + ${aborted} >= b.total)`;
  return `
    started = ${started},
    succeeded = b.succeeded + ${by.succeeded},
    failed = ${failed},
    timed_out = b.timed_out + ${by.timedOut ?? '0'},
    aborted = ${aborted},
    items_started = ${itemsStarted},
    items_succeeded = b.items_succeeded + ${items.succeeded},
    items_failed = ${itemsFailed},
    items_timed_out = b.items_timed_out + ${items.timedOut ?? '0'},
    items_aborted = b.items_aborted + ${items.aborted}
      + CASE WHEN ${trips} THEN b.item_total - ${itemsStarted} + ${itemsToRedrive} ELSE 0 END,
    to_redrive = CASE WHEN ${trips} THEN 0 ELSE ${toRedrive} END,
    items_to_redrive = CASE WHEN ${trips} THEN 0 ELSE ${itemsToRedrive} END,
    status = CASE
      WHEN b.end_time IS NOT NULL THEN ${recountedStatus(over, failed, aborted)}
      WHEN ${over} THEN ${finalStatus({ failed, aborted, exceeded })}
      WHEN ${trips} THEN 'STOPPING'
      ELSE b.status END,
    end_time = coalesce(b.end_time, CASE WHEN ${over} THEN now() END),
    owner = CASE WHEN ${over} THEN NULL ELSE b.owner END,
    updated_at = now()`;
}

/**
 * The SET list with which a batch is cancelled, for `UPDATE batches b SET … WHERE end_time IS NULL AND
 * status IN ('RUNNING', 'STOPPING', 'CANCELLING')`. One that had begun to stop has its uncreated members counted already.
 */
export function batchCancelRule(): string {
  const aborted =
    "(b.aborted + CASE WHEN b.status = 'RUNNING' THEN b.total - b.started + b.to_redrive ELSE 0 END)";
  const over = `(b.succeeded + b.failed + ${aborted} >= b.total)`;
  return `
    aborted = ${aborted},
    items_aborted = b.items_aborted + CASE WHEN b.status = 'RUNNING' THEN b.item_total - b.items_started + b.items_to_redrive ELSE 0 END,
    to_redrive = 0,
    items_to_redrive = 0,
    status = CASE WHEN ${over} THEN 'ABORTED' ELSE 'CANCELLING' END,
    end_time = CASE WHEN ${over} THEN now() END,
    owner = CASE WHEN ${over} THEN NULL ELSE b.owner END,
    updated_at = now()`;
}

/** AWS runs at most so many children of a map run at once, and so many where the definition says nothing. */
const WINDOW = 'least(coalesce(nullif(b.concurrency, 0), 10000), 10000)';

/**
 * For `RETURNING` of the statement that counted: whether the leader of a map run should look at it at once. A
 * wide window is topped up when an eighth of it has come free, so that not every end calls the leader.
 */
export const MAP_RUN_CALLS = `(b.mode = 'mapRun' AND b.end_time IS NULL AND (b.status <> 'RUNNING' OR (b.started < b.total OR b.to_redrive > 0)
    AND b.started - b.to_redrive - b.succeeded - b.failed - b.aborted <= ${WINDOW} - greatest(1, ${WINDOW} / 8)))`;

/** The channel on which the leader hears of it; the payload is the map run's id. */
export const MAP_RUN_CHANNEL = 'escapement_map_run';

/**
 * The channel on which all workers hear that a batch or map run was cancelled; the payload is its id. One of them
 * leads it to its end at once: a doorbell would wait for a slot, and its own members may have them all, for long.
 */
export const BATCH_STOP_CHANNEL = 'escapement_batch_stop';

/**
 * Whether a map run has more failed items than it tolerates: more than the count, or more than the percentage
 * of all; none where neither is given
 * (https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html#maprun-fail-threshold).
 * In numeric, so that 0.29 % of 10,000 are 29 and not a little less.
 */
function exceedsThreshold(itemsFailed: string): string {
  return `coalesce(
      ${itemsFailed} > coalesce(b.tolerated_count, CASE WHEN b.tolerated_percentage IS NULL THEN 0 END), false)
      OR coalesce(${itemsFailed} * 100 > b.tolerated_percentage::numeric * b.item_total, false)`;
}

/** Of a batch that had ended, and one of whose members was redriven. Children of map runs are not. */
function recountedStatus(over: string, failed: string, aborted: string): string {
  return `CASE WHEN b.mode <> 'mapRun' AND ${over} AND ${failed} + ${aborted} = 0 THEN 'SUCCEEDED' ELSE b.status END`;
}

function finalStatus({
  failed,
  aborted,
  exceeded,
}: Record<'failed' | 'aborted' | 'exceeded', string>): string {
  return `CASE WHEN b.status = 'CANCELLING' THEN 'ABORTED'
        WHEN CASE WHEN b.mode = 'mapRun' THEN b.status = 'STOPPING' OR ${exceeded}
          ELSE ${failed} + ${aborted} > 0 END THEN 'FAILED'
        ELSE 'SUCCEEDED' END`;
}
