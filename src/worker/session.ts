/**
 * A worker's standing with the database: its row, its heartbeat, and what writes in its name. When the
 * row is gone (the reaper took it: this process was stopped or cut off for longer than its lease), the
 * session is over for good; the worker registers anew, with nothing of the old one.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Standing } from '../engine/index.js';
import {
  beat,
  type Claims,
  createClaims,
  createJournalWriter,
  type Database,
  type Freed,
  type JournalWriter,
  leaveWorkers,
  registerWorker,
  signalledExecutions,
} from '../store/index.js';

export interface Session {
  workerId: string;
  journal: JournalWriter;
  claims: Claims;
  /** How it stands: `abandoned` once it was declared dead, or its shutdown's grace is over. */
  standing: Standing;
  /** Ends the heartbeat and gives everything back; answers what somebody should ring for. */
  leave(): Promise<Freed[]>;
}

export interface SessionOptions {
  database: Database;
  concurrency: number;
  leaseMs: number;
  heartbeatMs: number;
  commitTimeoutMs: number;
  queues: () => readonly string[];
  running: () => Readonly<Record<string, number>>;
  /** The database's time, as of now, in ms. */
  onTime: (nowMs: number) => void;
  /** These executions have something in their inbox. */
  onSignals: (executionIds: readonly string[]) => void;
  onBatchStopping: (batchIds: readonly string[]) => void;
  /** This worker was declared dead. */
  onLost: () => void;
  onHeartbeatFault: (error: unknown) => void;
}

/** Registers a worker under a new id. @throws what the database throws when it cannot be reached. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { database, concurrency, leaseMs, heartbeatMs, queues, running } = options;
  const { pool } = database;
  const workerId = randomUUID();
  const standing: Standing = { draining: false, abandoned: false };
  options.onTime(
    await registerWorker(pool, {
      workerId,
      host: hostname(),
      pid: process.pid,
      queues: queues(),
      concurrency,
      leaseMs,
    }),
  );
  let isLost = false;
  const onLost = (): void => {
    if (isLost) return;
    isLost = true;
    standing.abandoned = true;
    clearInterval(timer);
    options.onLost();
  };
  let beating: Promise<void> | undefined;
  const pulse = async (): Promise<void> => {
    try {
      const startedAt = performance.now();
      const nowMs = await beat(pool, workerId, queues(), running());
      if (nowMs === undefined) return onLost();
      // The database read its clock about half way through.
      options.onTime(nowMs + (performance.now() - startedAt) / 2);
      const signalled = await signalledExecutions(pool, workerId);
      if (signalled.length > 0) options.onSignals(signalled);
    } catch (error) {
      options.onHeartbeatFault(error);
    }
  };
  const timer = setInterval(() => {
    beating ??= pulse().finally(() => {
      beating = undefined;
    });
  }, heartbeatMs);

  return {
    workerId,
    journal: createJournalWriter({
      pool,
      workerId,
      timeoutMs: options.commitTimeoutMs,
      onBatchStopping: options.onBatchStopping,
      onLost,
    }),
    claims: createClaims({ pool, workerId, onLost }),
    standing,
    leave: async () => {
      clearInterval(timer);
      await beating;
      return leaveWorkers(pool, workerId);
    },
  };
}
