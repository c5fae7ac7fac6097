/**
 * Runs executions that were given a slot: claim, fold, advance, leave. One `run` is one activation; what
 * comes of it is settled here, and the slot is given back whatever happens.
 */
import type { Machine } from '../asl/index.js';
import type { RetryPolicy } from '../config.js';
import { Activation, type Clock, type Entropy, fold, newRun, type Run, type Tasks } from '../engine/index.js';
import type { Json } from '../std/json.js';
import { type Claimed, type Database, readSignals, releaseFault } from '../store/index.js';
import type { Session } from './session.js';
import { type Bell, timerJobId } from './sweeper.js';

export interface RunnerOptions {
  database: Database;
  session: () => Session;
  tasks: Tasks;
  clock: Clock;
  entropy: Entropy;
  /** The compiled definition of a version; undefined when there is none. */
  machineOf: (stateMachineId: string, version: number) => Promise<Machine | undefined>;
  ring: (bell: Bell) => void;
  policy: RetryPolicy;
  log: WorkerLog;
}

export interface WorkerLog {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

export interface Slot {
  release(): void;
}

/** `elsewhere`: another worker has it, it has ended, or it is not due. `fault`: it will be tried again. */
export type RunEnd = 'ended' | 'parked' | 'elsewhere' | 'fault';

export interface Runner {
  /** Claims and advances an execution; gives the slot back when it has left. Never throws. */
  run(executionId: string, slot: Slot): Promise<RunEnd>;
  /** Says that an execution may have something in its inbox. */
  poke(executionId: string): void;
  /** Says that the worker's standing has changed. */
  nudge(): void;
  /** How many executions are being advanced, by queue. */
  running(): Record<string, number>;
  /** Resolves when nothing is being advanced. */
  idle(): Promise<void>;
}

/** Frames of executions that parked here lately: taken up again without reading the journal. */
const PARKED_MAX = 2_000;

/** Timers further away than this are left to the sweeper, so that a queue holds no jobs for next year. */
const RING_AHEAD_MS = 10 * 60_000;

interface Parked {
  run: Run;
  epoch: number;
  position: Activation['position'];
}

export function createRunner(options: RunnerOptions): Runner {
  const active = new Map<string, { activation: Activation | undefined; queue: string }>();
  const parked = new Map<string, Parked>();
  const under = new Set<Promise<RunEnd>>();

  return {
    run: (executionId, slot) => {
      const running = advance(executionId).finally(() => {
        under.delete(running);
        slot.release();
      });
      under.add(running);
      return running;
    },
    poke: (executionId) => active.get(executionId)?.activation?.poke(),
    nudge: () => {
      for (const { activation } of active.values()) activation?.nudge();
    },
    running: () => {
      const counts: Record<string, number> = {};
      for (const { queue } of active.values()) counts[queue] = (counts[queue] ?? 0) + 1;
      return counts;
    },
    idle: async () => {
      while (under.size > 0) await Promise.allSettled(under);
    },
  };

  async function advance(executionId: string): Promise<RunEnd> {
    const session = options.session();
    let claimed: Claimed | undefined;
    try {
      claimed = await session.claims.claim(executionId);
    } catch (error) {
      // Nothing is owned yet, so nothing is to be given back: the sweeper rings again.
      options.log.warn({ err: error, executionId }, 'an execution could not be claimed');
      return 'fault';
    }
    if (claimed === undefined) return 'elsewhere';
    const entry: { activation: Activation | undefined; queue: string } = {
      activation: undefined,
      queue: claimed.queue,
    };
    active.set(executionId, entry);
    try {
      const activation = await takeUp(claimed, session);
      entry.activation = activation;
      const end = await activation.advance();
      if (end === 'lost' || end === 'ended') return end === 'lost' ? 'elsewhere' : 'ended';
      remember(executionId, { run: activation.run, epoch: claimed.epoch, position: activation.position });
      if (end === 'woken') options.ring({ queue: claimed.queue, executionId, delayMs: 0, jobId: undefined });
      else ringAhead(claimed.queue, executionId, activation.wakesAtMs);
      return 'parked';
    } catch (error) {
      await giveBack(claimed, session, error);
      return 'fault';
    } finally {
      // A later activation of the same execution may be under way by now.
      if (active.get(executionId) === entry) active.delete(executionId);
    }
  }

  async function takeUp(claimed: Claimed, session: Session): Promise<Activation> {
    const { executionId, epoch, snapshotSeq } = claimed;
    const before = parked.get(executionId);
    parked.delete(executionId);
    const machine = await options.machineOf(claimed.stateMachineId, claimed.version);
    if (machine === undefined)
      throw new Error(`there is no version ${claimed.version} of ${claimed.stateMachineId}`);
    let run: Run;
    let position: Activation['position'];
    if (before !== undefined && before.epoch === epoch - 1) {
      ({ run, position } = before);
    } else {
      // The very first claim: there can be no journal yet.
      const tail =
        epoch === 1
          ? { deltas: [], lastSeq: 0, bytes: 0 }
          : await session.claims.readTail(executionId, snapshotSeq);
      const about = {
        executionId,
        executionName: claimed.name,
        stateMachineId: claimed.stateMachineId,
        // What AWS calls a machine's name is unique, as our id is; our name is for people.
        stateMachineName: claimed.stateMachineId,
        input: JSON.parse(claimed.input) as Json,
        startTimeMs: claimed.startTimeMs,
      };
      run = fold(newRun(about, machine, options.entropy), claimed.snapshot, tail.deltas);
      position = { seq: tail.lastSeq, snapshotBytes: claimed.snapshot?.length ?? 0, tailBytes: tail.bytes };
    }
    return new Activation({
      run,
      epoch,
      inboxSeq: claimed.inboxSeq,
      ...position,
      ports: {
        journal: session.journal,
        tasks: options.tasks,
        clock: options.clock,
        inbox: { read: (id, seq) => readSignals(options.database.pool, id, seq) },
      },
      standing: session.standing,
    });
  }

  function remember(executionId: string, how: Parked): void {
    parked.set(executionId, how);
    const [oldest] = parked.keys();
    if (parked.size > PARKED_MAX && oldest !== undefined) parked.delete(oldest);
  }

  function ringAhead(queue: string, executionId: string, wakesAtMs: number | undefined): void {
    if (wakesAtMs === undefined) return;
    const delayMs = Math.max(0, wakesAtMs - options.clock.now());
    if (delayMs > RING_AHEAD_MS) return;
    const jobId = timerJobId(executionId, wakesAtMs);
    options.ring({ queue, executionId, delayMs: Math.ceil(delayMs), jobId });
  }

  /** An infrastructure fault: back off and try again, or, after too many, a dead letter. */
  async function giveBack({ executionId, epoch }: Claimed, session: Session, error: unknown): Promise<void> {
    options.log.error({ err: error, executionId }, 'an execution could not be advanced');
    while (!session.standing.abandoned) {
      try {
        const released = await releaseFault(options.database.pool, session.workerId, {
          executionId,
          epoch,
          error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
          attempts: options.policy.attempts,
          backoffMs: options.policy.backoffMs,
        });
        if (released?.wakeAtMs != null) ringAhead(released.queue, executionId, released.wakeAtMs);
        return;
      } catch (still) {
        options.log.warn({ err: still, executionId }, 'an execution could not be given back yet');
        await new Promise((resolve) => setTimeout(resolve, GIVE_BACK_MS));
      }
    }
  }
}

const GIVE_BACK_MS = 1_000;
