/**
 * The throttle: a worker takes less while the database is slow. What it has goes on; what it does not take, others may,
 * or it waits in its queue, which costs nobody anything. So the database gets time to catch up, and what is under way
 * is not slowed down by more of it.
 *
 * Slots are halved each time that commits and claims have been slower than the bound for as long as the bound, down to
 * one, and doubled each time that they were not.
 */
import type { WorkerLog } from './runner.js';

export interface Throttle {
  /** Keeps an eye on a statement: how long it takes, and has taken so far. */
  watch<T>(statement: Promise<T>): Promise<T>;
  stop(): void;
}

export interface ThrottleOptions {
  pool: { size: number; readonly busy: number };
  /** Slower is slow, in ms; 0: nothing is. */
  slowMs: number;
  log: WorkerLog;
}

export function createThrottle({ pool, slowMs, log }: ThrottleOptions): Throttle {
  if (slowMs === 0) return { watch: (statement) => statement, stop: () => undefined };
  const full = pool.size;
  const underWay = new Set<number>();
  let slowest = 0;

  const look = (): void => {
    const nowMs = performance.now();
    const [oldest = nowMs] = underWay;
    const worstMs = Math.max(slowest, nowMs - oldest);
    slowest = 0;
    if (worstMs > slowMs) {
      if (pool.size === full)
        log.warn({ commitMs: Math.round(worstMs) }, 'the database is slow; taking less until it recovers');
      pool.size = Math.max(1, Math.floor(Math.min(pool.size, pool.busy) / 2));
    } else if (pool.size < full) {
      pool.size = Math.min(full, pool.size * 2);
      if (pool.size === full) log.info({}, 'the database is quick again; taking as much as ever');
    }
  };
  const timer = setInterval(look, slowMs);
  timer.unref();

  return {
    watch: async (statement) => {
      let begunMs = performance.now();
      while (underWay.has(begunMs)) begunMs += 1e-6;
      underWay.add(begunMs);
      try {
        return await statement;
      } finally {
        underWay.delete(begunMs);
        slowest = Math.max(slowest, performance.now() - begunMs);
      }
    },
    stop: () => clearInterval(timer),
  };
}
