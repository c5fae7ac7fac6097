/** What a batch's leader asks of PostgreSQL: the store's side of the port in src/batches/ports.ts. */
import type pg from 'pg';
import type { BatchStore, Chunk, LedBatch, NewMember, Source } from '../batches/index.js';
import type { HistoryEvent } from '../engine/index.js';
import { textArray, uuidArray } from './binary-array.js';
import { newId } from './ids.js';
import { deliverSignal } from './inbox.js';
import { isDuplicate } from './item-fault.js';
import { tellMapRunParents } from './map-runs.js';
import { ABORT_UNCLAIMED } from './sql/batch-abort.js';
import {
  CLAIM_BATCH,
  OPEN_BATCHES,
  OPEN_MEMBERS,
  READ_CHUNK,
  READ_LED_BATCH,
  READ_SOURCE_EVENTS,
  READ_SOURCES,
  RELEASE_BATCH,
} from './sql/batch-lead.js';
import { CREATE_MEMBERS, CREATE_RENAMED_MEMBERS } from './sql/batch-members.js';
import { REDRIVE_MEMBERS } from './sql/map-run-redrive.js';

/** What a leader asks of PostgreSQL; each method rejects with the driver's error. */
export function createBatchStore({ pool }: { pool: pg.Pool }): BatchStore {
  return {
    claim: async (workerId, batchId) => {
      const { rows } = await pool.query<LedRow>(CLAIM_BATCH, [workerId, batchId]);
      return rows[0] && toLed(rows[0]);
    },
    read: async (workerId, batchId) => {
      const { rows } = await pool.query<LedRow>(READ_LED_BATCH, [workerId, batchId]);
      return rows[0] && toLed(rows[0]);
    },
    release: async (workerId, batchId) => {
      await pool.query(RELEASE_BATCH, [workerId, batchId]);
    },

    readChunk: async (batchId, index) => {
      const { rows } = await pool.query<ChunkRow>(READ_CHUNK, [batchId, index]);
      const row = rows[0];
      if (row === undefined || index >= row.first_index + row.count) {
        throw new Error(`batch ${batchId} has no chunk for index ${index}`);
      }
      return toChunk(row);
    },
    readSources: (executionIds, stateName) => readSources(pool, executionIds, stateName),

    createMembers: ({ workerId, batchId, from, members }) =>
      createMembers(pool, workerId, batchId, from, members),
    redriveMembers: async ({ workerId, batchId, from, limit }) => {
      const { rows } = await pool.query<RedrivenMembers>(REDRIVE_MEMBERS, [workerId, batchId, from, limit]);
      return rows[0];
    },
    abortUnclaimed: async ({ workerId, batchId, from, limit, reason }) => {
      const { rows } = await pool.query<{ count: number; last_index: number }>(ABORT_UNCLAIMED, [
        workerId,
        batchId,
        from,
        limit,
        reason.error,
        reason.cause,
      ]);
      return { count: rows[0]?.count ?? 0, lastIndex: rows[0]?.last_index ?? from };
    },
    stopMember: async (executionId, reason) => {
      const { found, ended, owner } = await deliverSignal(pool, executionId, 'stop', { ...reason });
      return { ring: found && !ended && owner === null };
    },

    openMembers: async (batchId, from, limit) => {
      const { rows } = await pool.query<{ id: string; batch_index: number; runnable: boolean }>(
        OPEN_MEMBERS,
        [batchId, from, limit],
      );
      return rows.map((row) => ({ executionId: row.id, index: row.batch_index, runnable: row.runnable }));
    },
    stillOpen: async (executionIds) => {
      const { rows } = await pool.query<{ id: string }>(
        'SELECT id FROM executions WHERE id = ANY($1::uuid[]) AND end_time IS NULL',
        [executionIds],
      );
      return rows.map(({ id }) => id);
    },
    tellParent: async (batchId) =>
      (await tellMapRunParents(pool, [batchId])).find(({ owner }) => owner === null),
  };
}

/** A batch that needs a leader and has none. */
interface OpenBatch {
  batchId: string;
  /** Where to ring for a leader. */
  queue: string;
  /** It is being stopped: whoever leads it needs no slot. */
  stopping: boolean;
}

/** Batches that need a leader and have none; the oldest, so many at most. */
export async function openBatches(pool: pg.Pool, limit = 1000): Promise<OpenBatch[]> {
  const { rows } = await pool.query<{ id: string; queue: string; stopping: boolean }>(OPEN_BATCHES, [limit]);
  return rows.map(({ id, queue, stopping }) => ({ batchId: id, queue, stopping }));
}

/** Names can be taken between the look and the insert, by starts under the same prefix; never for long. */
const NAME_TRIES = 10;

async function createMembers(
  pool: pg.Pool,
  workerId: string,
  batchId: string,
  from: number,
  members: readonly NewMember[],
): Promise<string[] | undefined> {
  const ids = members.map(() => newId());
  const values = [
    workerId,
    batchId,
    from,
    uuidArray(ids),
    // A member that fails from the start was never given anything.
    textArray(members.map((member) => (member.kind === 'runnable' ? member.input : 'null'))),
    members.map((member) => (member.kind === 'failed' ? member.error : null)),
    members.map((member) => (member.kind === 'failed' ? member.cause : null)),
    members.map(({ sourceExecutionId }) => sourceExecutionId ?? null),
    members.filter(({ kind }) => kind === 'failed').length,
    members.map((member) => (member.kind === 'runnable' ? (member.items ?? null) : null)),
    members.reduce((sum, member) => sum + (member.kind === 'runnable' ? (member.items ?? 1) : 1), 0),
  ];
  for (let tries = 0; ; tries++) {
    try {
      const statement =
        tries === 0
          ? { name: 'create_members', text: CREATE_MEMBERS, values }
          : { text: CREATE_RENAMED_MEMBERS, values };
      const { rows } = await pool.query<{ moved: number }>(statement);
      if (rows[0]?.moved !== 1) return undefined;
      return ids.filter((_, index) => members[index]?.kind === 'runnable');
    } catch (error) {
      if (!isDuplicate(error) || tries === NAME_TRIES) throw error;
    }
  }
}

async function readSources(
  pool: pg.Pool,
  executionIds: readonly string[],
  stateName: string | undefined,
): Promise<Source[]> {
  const { rows } = await pool.query<SourceRow>(READ_SOURCES, [executionIds]);
  const byId = new Map<string, Source>(
    rows.map((row) => [
      row.id,
      {
        executionId: row.id,
        name: row.name,
        stateMachineId: row.state_machine_id,
        status: row.status,
        output: row.output ?? undefined,
        events: [],
      },
    ]),
  );
  if (stateName !== undefined) {
    const checkpoints = await pool.query<{ execution_id: string; events: string }>(READ_SOURCE_EVENTS, [
      executionIds,
      JSON.stringify(stateName),
    ]);
    for (const { execution_id: id, events } of checkpoints.rows) {
      byId.get(id)?.events.push(...(JSON.parse(events) as HistoryEvent[]));
    }
  }
  return executionIds.flatMap((id) => byId.get(id) ?? []);
}

interface RedrivenMembers {
  executionIds: string[];
  toRedrive: number;
  redriveIndex: number;
}

interface SourceRow {
  id: string;
  name: string;
  state_machine_id: string;
  status: string;
  output: string | null;
}

interface LedRow {
  id: string;
  mode: LedBatch['mode'];
  status: LedBatch['status'];
  concurrency: number;
  stop_on_error: boolean;
  queue: string;
  source_state_name: string | null;
  source_transformer: string | null;
  total: number;
  started: number;
  ended: number;
  batched: boolean;
  to_redrive: number;
  redrive_index: number;
}

function toLed(row: LedRow): LedBatch {
  return {
    batchId: row.id,
    mode: row.mode,
    status: row.status,
    concurrency: row.concurrency,
    stopOnError: row.stop_on_error,
    queue: row.queue,
    sourceStateName: row.source_state_name ?? undefined,
    sourceTransformer: row.source_transformer ?? undefined,
    total: row.total,
    started: row.started,
    ended: row.ended,
    batched: row.batched,
    toRedrive: row.to_redrive,
    redriveIndex: row.redrive_index,
  };
}

interface ChunkRow {
  first_index: number;
  count: number;
  inputs: string | null;
  source_ids: string[] | null;
}

function toChunk(row: ChunkRow): Chunk {
  const firstIndex = row.first_index;
  if (row.inputs === null) return { kind: 'sources', firstIndex, executionIds: row.source_ids ?? [] };
  return { kind: 'inputs', firstIndex, inputs: splitInputs(row.inputs) };
}

/** Inverse of `joinInputs`. */
export function splitInputs(text: string): string[] {
  return text.slice(2, -2).split(',\n');
}

/**
 * JSON texts as one JSON array, an element a line. JSON text without indentation has no line feed in it,
 * so the array is taken apart again without being parsed.
 */
export function joinInputs(inputs: readonly string[]): string {
  return `[\n${inputs.join(',\n')}\n]`;
}
