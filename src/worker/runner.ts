/**
 * Runs executions that were given a slot: claim, fold, advance, leave. One `run` is one activation; what
 * comes of it is settled here, and the slot is given back whatever happens.
 */
import type { RetryPolicy } from '../config.js';
import {
  type About,
  Activation,
  type Arns,
  type Clock,
  type Entropy,
  FRAME_FORMAT,
  fold,
  LaterFormat,
  newRun,
  type Run,
  type Tasks,
} from '../engine/index.js';
import { RING_AHEAD_MS } from '../queue/index.js';
import type { Json } from '../std/json.js';
import {
  abortExecution,
  type Claimed,
  type Database,
  isUnavailable,
  type MachineVersion,
  readSignals,
  releaseFault,
  setAside,
} from '../store/index.js';
import type { Session } from './session.js';
import { type Bell, timerJobId } from './sweeper.js';

interface RunnerOptions {
  database: Database;
  session: () => Session;
  tasks: Tasks;
  clock: Clock;
  entropy: Entropy;
  /** The compiled definition of a version; undefined when there is none. */
  versionOf: (stateMachineId: string, version: number) => Promise<MachineVersion | undefined>;
  arns: Arns;
  ring: (bell: Bell) => void;
  /** Tells the parent of an execution that has ended without the engine. */
  onEnded: (executionId: string) => void;
  policy: RetryPolicy;
  /** A Standard execution fails when its history has so many events; 0: no limit. */
  historyLimit: number;
  log: WorkerLog;
}

export interface WorkerLog {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

export interface Slot {
  release(): void;
  /** It is none of the worker's slots: nothing may be called in it. */
  isAside?: boolean;
}

/** `elsewhere`: another worker has it, it has ended, or it is not due. `fault`: it will be tried again. */
type RunEnd = 'ended' | 'parked' | 'elsewhere' | 'fault';

export interface Runner {
  /** Claims and advances an execution; gives the slot back when it has left. Never throws. */
  run(executionId: string, slot: Slot): Promise<RunEnd>;
  /** Says that an execution may have something in its inbox. */
  poke(executionId: string): void;
  isActive(executionId: string): boolean;
  /** Says that the worker's standing has changed. */
  nudge(): void;
  /** The executions that are being advanced. */
  active(): string[];
  /** How many they are, by queue. */
  running(): Record<string, number>;
  /** Resolves when nothing is being advanced. */
  idle(): Promise<void>;
}

/**
 * Frames of executions that parked here lately are kept, and taken up again without reading the journal: so
 * much of their text, which in memory is two to three times as much.
 */
const PARKED_MAX_BYTES = 64 * 1024 * 1024;

function weightOf({ position }: Parked): number {
  return 2_000 + position.tailBytes + position.snapshotBytes;
}

/** The session, for an activation that is to call nothing: what should be called is left to the next owner. */
function aside(session: Session): Session {
  const standing = {
    draining: true,
    get abandoned() {
      return session.standing.abandoned;
    },
  };
  return { ...session, standing };
}

interface Parked {
  run: Run;
  epoch: number;
  position: Activation['position'];
}

/** An execution that is being advanced. `poked`: a signal came in before there was an activation to tell. */
interface Entry {
  activation: Activation | undefined;
  queue: string;
  poked: boolean;
}

export function createRunner(options: RunnerOptions): Runner {
  const active = new Map<string, Entry>();
  const parked = new Map<string, Parked>();
  let parkedBytes = 0;
  const under = new Set<Promise<RunEnd>>();

  return {
    run: (executionId, slot) => {
      const running = advance(executionId, slot.isAside === true).finally(() => {
        under.delete(running);
        slot.release();
      });
      under.add(running);
      return running;
    },
    poke: (executionId) => {
      const entry = active.get(executionId);
      if (entry !== undefined) entry.poked = true;
      entry?.activation?.poke();
    },
    isActive: (executionId) => active.has(executionId),
    nudge: () => {
      for (const { activation } of active.values()) activation?.nudge();
    },
    active: () => [...active.keys()],
    running: () => {
      const counts: Record<string, number> = {};
      for (const { queue } of active.values()) counts[queue] = (counts[queue] ?? 0) + 1;
      return counts;
    },
    idle: async () => {
      while (under.size > 0) await Promise.allSettled(under);
    },
  };

  async function advance(executionId: string, isAside: boolean): Promise<RunEnd> {
    const taken = await claim(executionId);
    if (taken === undefined) return 'elsewhere';
    const { claimed, session } = taken;
    const entry: Entry = { activation: undefined, queue: claimed.queue, poked: false };
    active.set(executionId, entry);
    try {
      const activation = await takeUp(claimed, isAside ? aside(session) : session);
      entry.activation = activation;
      if (entry.poked) activation.poke();
      const end = await activation.advance();
      if (end === 'ended') return 'ended';
      if (end === 'lost') {
        // By the journal, not by this worker's death: then it is still ours, and must not stay so.
        if (!session.standing.abandoned)
          await giveBack(claimed, session, new Error('the journal has gone on without us'));
        return 'elsewhere';
      }
      remember(executionId, { run: activation.run, epoch: claimed.epoch, position: activation.position });
      // Also what goes back as it came: its doorbell may have rung in vain meanwhile.
      if (end === 'woken') options.ring({ queue: claimed.queue, executionId, delayMs: 0, jobId: undefined });
      else ringAhead(claimed.queue, executionId, activation.wakesAtMs);
      return 'parked';
    } catch (error) {
      // Declared dead meanwhile, and its connections closed: it is another's by now.
      const { abandoned, draining } = session.standing;
      if (abandoned && !draining) return 'elsewhere';
      await giveBack(claimed, session, error);
      return 'fault';
    } finally {
      // A later activation of the same execution may be under way by now.
      if (active.get(executionId) === entry) active.delete(executionId);
    }
  }

  /**
   * While the database is away the claim is tried again and again, and the slot is kept: giving it back would
   * only draw the next doorbell from the queue, and the next, until the queue is empty.
   */
  async function claim(executionId: string): Promise<{ claimed: Claimed; session: Session } | undefined> {
    for (let tries = 0; ; tries++) {
      const session = options.session();
      try {
        const answer = await session.claims.claim(executionId);
        if (answer.kind === 'claimed') return { claimed: answer.claimed, session };
        // Without a job id: the timer's own job may be the one that brought us here.
        if (answer.kind === 'early') {
          const againAtMs = Math.max(answer.wakeAtMs, options.clock.now() + LOCKED_AGAIN_MS);
          ringAhead(answer.queue, executionId, againAtMs, true);
        }
        return undefined;
      } catch (error) {
        const { draining, abandoned } = session.standing;
        if (tries === 0) options.log.warn({ err: error, executionId }, 'an execution could not be claimed');
        if (draining || (abandoned && options.session() === session) || !isUnavailable(error))
          return undefined;
        await new Promise((resolve) => setTimeout(resolve, CLAIM_AGAIN_MS));
      }
    }
  }

  async function takeUp(claimed: Claimed, session: Session): Promise<Activation> {
    const { executionId, epoch, snapshotSeq } = claimed;
    const before = recall(executionId);
    const found = await options.versionOf(claimed.stateMachineId, claimed.version);
    if (found === undefined)
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
      run = fold(
        newRun(aboutOf(claimed, found), found.machine, options.entropy),
        claimed.snapshot,
        tail.deltas,
      );
      position = { seq: tail.lastSeq, snapshotBytes: claimed.snapshot?.length ?? 0, tailBytes: tail.bytes };
    }
    return new Activation({
      run,
      epoch,
      inboxSeq: claimed.inboxSeq,
      version: claimed.version,
      queue: claimed.queue,
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

  /** What its context object and its history tell of it. */
  function aboutOf(claimed: Claimed, { type, roleArn }: MachineVersion): About {
    const { executionId, stateMachineId, name } = claimed;
    const { arns, historyLimit } = options;
    const isExpress = type === 'EXPRESS';
    return {
      executionId,
      executionName: name,
      ...(isExpress && { isExpress }),
      stateMachineId,
      // What AWS calls a machine's name is unique, as our id is; our name is for people.
      stateMachineName: stateMachineId,
      executionArn: isExpress
        ? arns.express(stateMachineId, name, executionId)
        : arns.execution(stateMachineId, name),
      stateMachineArn: arns.stateMachine(stateMachineId),
      arns,
      input: JSON.parse(claimed.input) as Json,
      startTimeMs: claimed.startTimeMs,
      ...(roleArn === undefined ? {} : { roleArn }),
      ...(isExpress || historyLimit === 0 ? {} : { maxEvents: historyLimit }),
    };
  }

  function remember(executionId: string, how: Parked): void {
    parked.set(executionId, how);
    parkedBytes += weightOf(how);
    for (const [oldest, stale] of parked) {
      if (parkedBytes <= PARKED_MAX_BYTES) break;
      parked.delete(oldest);
      parkedBytes -= weightOf(stale);
    }
  }

  function recall(executionId: string): Parked | undefined {
    const how = parked.get(executionId);
    if (how === undefined) return undefined;
    parked.delete(executionId);
    parkedBytes -= weightOf(how);
    return how;
  }

  function ringAhead(queue: string, executionId: string, wakesAtMs: number | undefined, again = false): void {
    if (wakesAtMs === undefined) return;
    const delayMs = Math.max(0, wakesAtMs - options.clock.now());
    if (delayMs > RING_AHEAD_MS) return;
    const jobId = again ? undefined : timerJobId(executionId, wakesAtMs);
    options.ring({ queue, executionId, delayMs: Math.ceil(delayMs), jobId });
  }

  /**
   * An infrastructure fault: back off and try again, or, after too many, a dead letter. What a later release has written
   * is none: it is left to a worker of that release.
   */
  async function giveBack(claimed: Claimed, session: Session, error: unknown): Promise<void> {
    const { executionId, epoch, inboxSeq } = claimed;
    const { pool } = options.database;
    if (error instanceof LaterFormat)
      options.log.warn({ err: error, executionId }, 'an execution is set aside for a later release');
    else options.log.error({ err: error, executionId }, 'an execution could not be advanced');
    while (!session.standing.abandoned) {
      try {
        if (error instanceof LaterFormat) {
          const late = { executionId, epoch, format: error.format, known: FRAME_FORMAT };
          if (await setAside(pool, session.workerId, late)) await stopIfAsked(executionId);
          return;
        }
        const released = await releaseFault(pool, session.workerId, {
          executionId,
          epoch,
          inboxSeq,
          error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
          attempts: options.policy.attempts,
          backoffMs: options.policy.backoffMs,
        });
        if (released === undefined) return;
        if (released.wakeAtMs !== null) ringAhead(released.queue, executionId, released.wakeAtMs, true);
        else await stopIfAsked(executionId);
        return;
      } catch (still) {
        options.log.warn({ err: still, executionId }, 'an execution could not be given back yet');
        await new Promise((resolve) => setTimeout(resolve, GIVE_BACK_MS));
      }
    }
  }

  /** What cannot be advanced here, not even to its stop: who asked for that is served without the engine. */
  async function stopIfAsked(executionId: string): Promise<void> {
    const { pool } = options.database;
    const stop = (await readSignals(pool, executionId, 0)).find(({ kind }) => kind === 'stop');
    if (stop?.kind !== 'stop') return;
    const ended = await abortExecution(pool, executionId, stop.data.error, stop.data.cause);
    if (ended) options.onEnded(executionId);
  }
}

const GIVE_BACK_MS = 1_000;
/** What holds an execution's row is a statement of one row, with its commit. */
const LOCKED_AGAIN_MS = 20;
const CLAIM_AGAIN_MS = 500;
