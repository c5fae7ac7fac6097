/**
 * The gatekeeper: lets the executions of limited machines in that are held. It is called when one may be let in: one was
 * started, one has ended, a limit was changed; and by the sweeper for what a crash has left. Any number of workers may
 * come to a gate at once: they take turns, and the limits hold for all of them together (store/sql/gate.ts).
 */
import { type Admitted, admitHeld, type Database } from '../store/index.js';
import type { WorkerLog } from './runner.js';
import { type Bell, timerJobId } from './sweeper.js';

export interface Gatekeeper {
  /** Somebody of this machine may be let in. Never throws. */
  call(stateMachineId: string): void;
  stop(): Promise<void>;
}

export interface GatekeeperOptions {
  database: Database;
  ring: (bell: Bell) => void;
  /** Rings for many that are due, so many with one job. */
  ringChunks: (queue: string, executionIds: readonly string[], chunkSize: number) => Promise<void>;
  log: WorkerLog;
}

/** After a fault; the sweeper comes, too. */
const FAULT_PAUSE_MS = 1_000;
const CHUNK = 20;
/** What is due so soon is rung for at once: a claim takes up what is due within 25 ms. */
const NOW_MS = 20;

export function createGatekeeper({ database, ring, ringChunks, log }: GatekeeperOptions): Gatekeeper {
  /** Machines whose gate is being seen to; true: somebody has called meanwhile. */
  const open = new Map<string, boolean>();
  const timers = new Map<string, NodeJS.Timeout>();
  const rounds = new Set<Promise<void>>();
  let stopped = false;

  const call = (stateMachineId: string): void => {
    if (stopped) return;
    if (open.has(stateMachineId)) {
      open.set(stateMachineId, true);
      return;
    }
    clearTimeout(timers.get(stateMachineId));
    timers.delete(stateMachineId);
    open.set(stateMachineId, false);
    const round = letIn(stateMachineId).finally(() => rounds.delete(round));
    rounds.add(round);
  };

  async function letIn(stateMachineId: string): Promise<void> {
    let again: number | undefined;
    try {
      do {
        open.set(stateMachineId, false);
        const { admitted, againMs } = await admitHeld(database.pool, stateMachineId);
        await ringFor(admitted);
        again = againMs;
      } while (!stopped && (again === 0 || open.get(stateMachineId) === true));
    } catch (error) {
      if (!stopped) log.warn({ err: error, stateMachineId }, 'held executions could not be let in yet');
      again = FAULT_PAUSE_MS;
    }
    open.delete(stateMachineId);
    if (stopped || again === undefined) return;
    timers.set(
      stateMachineId,
      setTimeout(() => call(stateMachineId), again),
    );
  }

  async function ringFor(admitted: readonly Admitted[]): Promise<void> {
    const due = new Map<string, string[]>();
    for (const { executionId, queue, wakeAtMs, delayMs } of admitted) {
      if (delayMs > NOW_MS) {
        const jobId = timerJobId(executionId, wakeAtMs);
        ring({ queue, executionId, delayMs: Math.ceil(delayMs), jobId });
        continue;
      }
      const ids = due.get(queue);
      if (ids === undefined) due.set(queue, [executionId]);
      else ids.push(executionId);
    }
    for (const [queue, ids] of due) {
      await ringChunks(queue, ids, CHUNK).catch((error: unknown) =>
        log.warn({ err: error, queue }, 'a doorbell could not be rung; the sweeper will'),
      );
    }
  }

  return {
    call,
    stop: async () => {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.allSettled(rounds);
    },
  };
}
