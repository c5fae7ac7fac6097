/**
 * Claims: what was rung becomes this worker's, in group commits, with the tail of its journal.
 *
 * A claim that finds an execution taken, ended or not due answers undefined; the doorbell was late,
 * doubled or early, and nothing is lost by dropping it.
 */
import type pg from 'pg';
import type { FrameDelta } from '../engine/index.js';
import { intArray, uuidArray } from './binary-array.js';
import { GroupCommit } from './group-commit.js';
import { CLAIM, READ_TAIL } from './sql/claim.js';

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
  /** Called once when a claim finds that this worker's row is gone. */
  onLost: () => void;
}

export interface Claims {
  /** Takes an execution for this worker; undefined when it is not to be had. */
  claim(executionId: string): Promise<Claimed | undefined>;
  /** What has been committed for an execution since its snapshot. Only after the claim has answered. */
  readTail(executionId: string, afterSeq: number): Promise<Tail>;
}

const CLAIM_MAX = 200;

export function createClaims({ pool, workerId, onLost }: ClaimOptions): Claims {
  const claims = new GroupCommit<string, Claimed | undefined>({
    flush: async (ids) => {
      const { rows } = await pool.query<ClaimRow>({
        name: 'claim',
        text: CLAIM,
        values: [workerId, uuidArray(ids)],
      });
      if (rows[0]?.alive !== true) onLost();
      const byId = new Map<string, Claimed>();
      for (const row of rows) if (row.id !== null) byId.set(row.id, toClaimed(row, row.id));
      return ids.map((id) => {
        const claimed = byId.get(id);
        // Rung twice in one flush: the first asker has it.
        byId.delete(id);
        return claimed;
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
