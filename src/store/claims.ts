/**
 * Claims: what was rung becomes this worker's, in group commits, with the tail of its journal.
 *
 * A claim that finds an execution taken or ended answers `none`: the doorbell was late or doubled, and
 * nothing is lost by dropping it.
 */
import type pg from 'pg';
import type { FrameDelta } from '../engine/index.js';
import { intArray, uuidArray } from './binary-array.js';
import { GroupCommit } from './group-commit.js';
import { CLAIM, EARLY, GIVE_BACK_DOUBTFUL, READ_TAIL } from './sql/claim.js';
import type { Freed } from './workers.js';

export interface Claimed {
  executionId: string;
  stateMachineId: string;
  version: number;
  name: string;
  /** JSON text. */
  input: string;
  queue: string;
  startTimeMs: number;
  epoch: number;
  /** How many signals its inbox has ever had. */
  inboxSeq: number;
  faults: number;
  /** JSON text of all frames as of snapshotSeq. */
  snapshot: string | undefined;
  snapshotSeq: number;
}

/** The checkpoints after a snapshot, oldest first. */
export interface Tail {
  deltas: FrameDelta[];
  lastSeq: number;
  /** Length of the tail's text, to weigh a new snapshot against. */
  bytes: number;
}

export interface ClaimOptions {
  pool: pg.Pool;
  workerId: string;
  /** Whether this worker is advancing an execution right now. */
  isActive: (executionId: string) => boolean;
  /** Keeps an eye on how long claims take. */
  watch?: <T>(statement: Promise<T>) => Promise<T>;
  /** Called once when a claim finds that this worker's row is gone. */
  onLost: () => void;
  /** Executions that this worker owned without knowing it, and has given back: somebody should ring. */
  onFreed: (freed: readonly Freed[]) => void;
}

type ClaimAnswer =
  | { kind: 'claimed'; claimed: Claimed }
  /** Nobody has it, but it is not due yet: the doorbell rang early. Or it is due, and somebody held its row just then. */
  | { kind: 'early'; queue: string; wakeAtMs: number }
  /** It has ended, or another has it. */
  | { kind: 'none' };

export interface Claims {
  /** Takes an execution for this worker. Rejects with the driver's error; then nobody knows whether it did. */
  claim(executionId: string): Promise<ClaimAnswer>;
  /** Gives back what an unanswered claim may have taken after all. */
  settleDoubts(): Promise<void>;
  /** What has been committed for an execution since its snapshot. Only after the claim has answered. */
  readTail(executionId: string, afterSeq: number): Promise<Tail>;
}

const CLAIM_MAX = 200;
const NONE: ClaimAnswer = Object.freeze({ kind: 'none' });

/**
 * A statement whose answer was lost can commit for as long as the server lets a statement run (30 s), and the
 * client waits for it a little longer.
 */
const DOUBT_MS = 40_000;

/**
 * 1. Claims are flushed one after another, so that what an earlier flush may have taken is known or in doubt
 *    before the next one runs.
 * 2. A flush without an answer leaves its ids in doubt. Before the next flush, and with each heartbeat, those
 *    that this worker owns and is not advancing are given back: nothing stays owned by a worker that does
 *    not know of it.
 */
export function createClaims(options: ClaimOptions): Claims {
  const { pool, workerId, isActive, onLost, onFreed, watch = (statement) => statement } = options;
  const doubtful = new Map<string, number>();

  const settle = async (): Promise<void> => {
    const nowMs = Date.now();
    for (const [id, untilMs] of doubtful) if (untilMs < nowMs) doubtful.delete(id);
    const ids = [...doubtful.keys()].filter((id) => !isActive(id));
    if (ids.length === 0) return;
    const { rows } = await pool.query<{ id: string; queue: string }>(GIVE_BACK_DOUBTFUL, [workerId, ids]);
    if (rows.length > 0) onFreed(rows.map(({ id, queue }) => ({ executionId: id, queue })));
  };

  const take = async (ids: readonly string[]): Promise<Map<string, ClaimAnswer>> => {
    const answers = new Map<string, ClaimAnswer>();
    const { rows } = await watch(
      pool.query<ClaimRow>({
        name: 'claim',
        text: CLAIM,
        values: [workerId, uuidArray(ids)],
      }),
    );
    const alive = rows[0]?.alive === true;
    if (!alive) onLost();
    for (const row of rows) {
      if (row.id === null) continue;
      answers.set(row.id, { kind: 'claimed', claimed: toClaimed(row, row.id) });
      doubtful.delete(row.id);
    }
    const missing = ids.filter((id) => !answers.has(id));
    if (missing.length === 0) return answers;
    const { rows: early } = await pool.query<{ id: string; queue: string; wake_ms: number }>({
      name: 'early',
      text: EARLY,
      values: [uuidArray(missing), alive],
    });
    for (const { id, queue, wake_ms } of early) answers.set(id, { kind: 'early', queue, wakeAtMs: wake_ms });
    return answers;
  };

  const claims = new GroupCommit<string | undefined, ClaimAnswer>({
    flush: async (asked) => {
      await settle();
      const ids = [...new Set(asked.filter((id) => id !== undefined))];
      if (ids.length === 0) return asked.map(() => NONE);
      let answers: Map<string, ClaimAnswer>;
      try {
        answers = await take(ids);
      } catch (error) {
        for (const id of ids) doubtful.set(id, Date.now() + DOUBT_MS);
        throw error;
      }
      return asked.map((id) => {
        const answer = id === undefined ? undefined : answers.get(id);
        // Rung twice in one flush: the first asker has it.
        if (id !== undefined) answers.delete(id);
        return answer ?? NONE;
      });
    },
    isItemFault: () => false,
    sizeOf: () => 40,
    maxItems: CLAIM_MAX,
    maxBytes: Number.POSITIVE_INFINITY,
  });
  const tails = new GroupCommit<{ id: string; after: number }, Tail>({
    flush: async (wanted) => {
      const { rows } = await pool.query<TailRow>({
        name: 'read_tail',
        text: READ_TAIL,
        values: [uuidArray(wanted.map(({ id }) => id)), intArray(wanted.map(({ after }) => after))],
      });
      const byId = new Map<string, Tail>();
      for (const row of rows) {
        const tail = byId.get(row.execution_id) ?? { deltas: [], lastSeq: 0, bytes: 0 };
        tail.deltas.push(JSON.parse(row.frames) as FrameDelta);
        tail.lastSeq = row.seq;
        tail.bytes += row.frames.length;
        byId.set(row.execution_id, tail);
      }
      return wanted.map(({ id, after }) => byId.get(id) ?? { deltas: [], lastSeq: after, bytes: 0 });
    },
    isItemFault: () => false,
    sizeOf: () => 40,
    maxItems: CLAIM_MAX,
    maxBytes: Number.POSITIVE_INFINITY,
  });
  return {
    claim: (executionId) => claims.submit(executionId),
    settleDoubts: async () => {
      if (doubtful.size > 0) await claims.submit(undefined);
    },
    readTail: (executionId, afterSeq) => tails.submit({ id: executionId, after: afterSeq }),
  };
}

interface ClaimRow {
  alive: boolean;
  id: string | null;
  state_machine_id: string;
  version: number;
  name: string;
  input: string;
  queue: string;
  epoch: number;
  inbox_seq: number;
  snapshot: string | null;
  snapshot_seq: number;
  faults: number;
  start_ms: number;
}

interface TailRow {
  execution_id: string;
  seq: number;
  frames: string;
}

function toClaimed(row: ClaimRow, executionId: string): Claimed {
  return {
    executionId,
    stateMachineId: row.state_machine_id,
    version: row.version,
    name: row.name,
    input: row.input,
    queue: row.queue,
    startTimeMs: row.start_ms,
    epoch: row.epoch,
    inboxSeq: row.inbox_seq,
    faults: row.faults,
    snapshot: row.snapshot ?? undefined,
    snapshotSeq: row.snapshot_seq,
  };
}
