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
  openHot,
  openSolo,
  registerWorker,
  signalledExecutions,
  type ToTell,
} from '../store/index.js';
import type { WorkerLog } from './runner.js';

export interface Session {
  workerId: string;
  journal: JournalWriter;
  claims: Claims;
  /** How it stands: `abandoned` once it was declared dead, or its shutdown's grace is over. */
  standing: Standing;
  /**
   * Whether it may declare others dead: its own heartbeats have come through for a whole lease. Who was cut
   * off from the database together with the others cannot tell the dead from the silenced.
   */
  mayReap(): boolean;
  /** Ends the heartbeat and gives everything back; answers what somebody should ring for. */
  leave(): Promise<Freed[]>;
}

interface SessionOptions {
  database: Database;
  concurrency: number;
  leaseMs: number;
  heartbeatMs: number;
  commitTimeoutMs: number;
  queues: () => readonly string[];
  running: () => Readonly<Record<string, number>>;
  /** The executions that are being advanced here. */
  active: () => readonly string[];
  /** The database's time, as of now, in ms. */
  onTime: (nowMs: number) => void;
  /** These executions have something in their inbox. */
  onSignals: (executionIds: readonly string[]) => void;
  onBatchStopping: (batchIds: readonly string[]) => void;
  /** These have ended, and their parents wait to hear of it. */
  onTell: (ended: ToTell) => void;
  /** Executions of these limited machines have ended. */
  onPlacesLeft: (stateMachineIds: readonly string[]) => void;
  /** This worker was declared dead. */
  onLost: () => void;
  onHeartbeatFault: (error: unknown) => void;
  /** Keeps an eye on how long flushes and claims take. */
  watch?: <T>(statement: Promise<T>) => Promise<T>;
  /** Whether an execution is being advanced here. */
  isActive: (executionId: string) => boolean;
  /** Executions that were given back and are runnable. */
  onFreed: (freed: readonly Freed[]) => void;
  log: WorkerLog;
}

/** Half of it is the most by which a timer may then be off. */
const TRUSTED_ROUND_TRIP_MS = 100;

/** Registers a worker under a new id. @throws what the database throws when it cannot be reached. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { database, concurrency, leaseMs, heartbeatMs, queues, running } = options;
  const { pool } = database;
  const workerId = randomUUID();
  const solo = openSolo(database.url, options.log);
  const hot = openHot(database.url, options.log);
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
  let left: Promise<Freed[]> | undefined;
  let ended: Promise<void> | undefined;
  const endSessions = (): Promise<void> => {
    ended ??= Promise.all([solo.end(), hot.end()]).then(() => undefined);
    return ended;
  };
  let isLost = false;
  const onLost = (): void => {
    if (isLost) return;
    isLost = true;
    standing.abandoned = true;
    clearInterval(timer);
    void endSessions();
    options.onLost();
  };
  let beating: Promise<void> | undefined;
  let steadySinceMs = performance.now();
  let lastBeatMs = performance.now();
  const pulse = async (): Promise<void> => {
    try {
      const answer = await beat(solo, workerId, queues(), running());
      if (answer === undefined) return onLost();
      const atMs = performance.now();
      if (atMs - lastBeatMs > 2 * heartbeatMs + answer.roundTripMs) steadySinceMs = atMs;
      lastBeatMs = atMs;
      // A slow answer says less about the time than the clock that runs here since the last quick one.
      if (answer.roundTripMs < TRUSTED_ROUND_TRIP_MS) options.onTime(answer.nowMs);
      const signalled = await signalledExecutions(solo, options.active());
      if (signalled.length > 0) options.onSignals(signalled);
      await claims.settleDoubts();
    } catch (error) {
      options.onHeartbeatFault(error);
    }
  };
  const timer = setInterval(() => {
    beating ??= pulse().finally(() => {
      beating = undefined;
    });
  }, heartbeatMs);
  const { isActive, onFreed } = options;
  const watching = options.watch === undefined ? {} : { watch: options.watch };
  const claims = createClaims({ pool: hot, workerId, isActive, onLost, onFreed, ...watching });

  return {
    workerId,
    journal: createJournalWriter({
      pool: hot,
      workerId,
      timeoutMs: options.commitTimeoutMs,
      onBatchStopping: options.onBatchStopping,
      onTell: options.onTell,
      onPlacesLeft: options.onPlacesLeft,
      ...watching,
      onLost,
    }),
    claims,
    standing,
    mayReap: () =>
      !isLost && performance.now() - steadySinceMs >= leaseMs && performance.now() - lastBeatMs < leaseMs,
    leave: () => {
      left ??= (async () => {
        clearInterval(timer);
        await beating;
        await endSessions();
        return leaveWorkers(pool, workerId);
      })();
      return left;
    },
  };
}
