/** How fast a batch goes and when it may be over, from its counters alone. Pure. */
export interface Progress {
  /** Members ended each second, since it began; null: none has. */
  ratePerSecond: number | null;
  /** If it goes on as fast as so far; null when nothing says so, and once it is over or being stopped. */
  estimatedEnd: Date | null;
}

export interface Counters {
  status: string;
  total: number;
  started: number;
  succeeded: number;
  failed: number;
  aborted: number;
  createdAt: Date;
  endTime: Date | null;
  readAt: Date;
}

/** How fast members ended (a second), and when the last will have; both null until one has, the latter unless it is RUNNING. */
export function progressOf(batch: Counters): Progress {
  const counted = batch.succeeded + batch.failed + batch.aborted;
  // Once it is out of RUNNING, the members that were never created are counted as aborted.
  const ended = batch.status === 'RUNNING' ? counted : counted - (batch.total - batch.started);
  const elapsedMs = (batch.endTime ?? batch.readAt).getTime() - batch.createdAt.getTime();
  if (ended <= 0 || elapsedMs <= 0) return { ratePerSecond: null, estimatedEnd: null };
  const perMs = ended / elapsedMs;
  const remainingMs = (batch.total - counted) / perMs;
  return {
    ratePerSecond: Math.round(perMs * 1_000_000) / 1000,
    estimatedEnd: batch.status === 'RUNNING' ? new Date(batch.readAt.getTime() + remainingMs) : null,
  };
}
