/** By how much a statement raises a batch's counters, as SQL expressions of type integer. */
export interface BatchIncrements {
  succeeded: string;
  failed: string;
  aborted: string;
  /** Members that the same statement creates. */
  started?: string;
}

/**
 * The SET list with which members are counted, for `UPDATE batches b SET …`. It is the only place where a
 * batch stops, ends, and gets its final status, whoever counts: the flush, the leader, a cancel.
 *
 * 1. Always `succeeded + failed + aborted <= total`, and the batch is over when the two are equal.
 * 2. In the statement that moves a batch out of RUNNING, every member that was never created is counted as
 *    aborted. Members are only created while it is RUNNING, under the same row lock, so this happens once.
 * 3. FAILED and TIMED_OUT count as failed, ABORTED as aborted; only failed ones trip stopOnError.
 *
 * A statement that may touch several batches locks them in id order first. When `end_time` comes back
 * non-null, whoever waits is told: `pg_notify('escapement_ended', id)`.
 */
export function batchEndRule(by: BatchIncrements): string {
  const started = `(b.started + ${by.started ?? '0'})`;
  const failed = `(b.failed + ${by.failed})`;
  const trips = `(b.status = 'RUNNING' AND b.stop_on_error AND ${failed} > 0)`;
  const aborted = `(b.aborted + ${by.aborted} + CASE WHEN ${trips} THEN b.total - ${started} ELSE 0 END)`;
  const over = `(b.succeeded + ${by.succeeded} + ${failed} + ${aborted} >= b.total)`;
  return `
    started = ${started},
    succeeded = b.succeeded + ${by.succeeded},
    failed = ${failed},
    aborted = ${aborted},
    status = CASE
      WHEN b.end_time IS NOT NULL THEN b.status
      WHEN ${over} THEN ${finalStatus('b.status', failed, aborted)}
      WHEN ${trips} THEN 'STOPPING'
      ELSE b.status END,
    end_time = CASE WHEN ${over} THEN coalesce(b.end_time, now()) END,
    owner = CASE WHEN ${over} THEN NULL ELSE b.owner END,
    updated_at = now()`;
}

/**
 * The SET list with which a batch is cancelled, for `UPDATE batches b SET … WHERE end_time IS NULL AND
 * status IN ('RUNNING', 'STOPPING', 'CANCELLING')`. One that had begun to stop has its uncreated members counted already.
 */
export function batchCancelRule(): string {
  const aborted = "(b.aborted + CASE WHEN b.status = 'RUNNING' THEN b.total - b.started ELSE 0 END)";
  const over = `(b.succeeded + b.failed + ${aborted} >= b.total)`;
  return `
    aborted = ${aborted},
    status = CASE WHEN ${over} THEN 'ABORTED' ELSE 'CANCELLING' END,
    end_time = CASE WHEN ${over} THEN now() END,
    owner = CASE WHEN ${over} THEN NULL ELSE b.owner END,
    updated_at = now()`;
}

function finalStatus(status: string, failed: string, aborted: string): string {
  return `CASE WHEN ${status} = 'CANCELLING' THEN 'ABORTED'
        WHEN ${failed} + ${aborted} > 0 THEN 'FAILED'
        ELSE 'SUCCEEDED' END`;
}
