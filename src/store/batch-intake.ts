/**
 * Taking in a batch. It is RECEIVING, and nobody sees it, until all of its sources are written down; then
 * one statement makes it RUNNING. So a batch is there whole, or not at all.
 */
import type pg from 'pg';
import type { BatchMode } from '../batches/index.js';
import type { Json } from '../std/json.js';
import { joinInputs } from './batch-leading.js';
import { withTransaction } from './own-session.js';
import { insertSources, type SourceFilter } from './sql/batch-sources.js';

export interface NewBatch {
  batchId: string;
  stateMachineId: string;
  version: number;
  mode: BatchMode;
  namePrefix: string;
  concurrency: number;
  stopOnError: boolean;
  queue: string;
  sourceStateName: string | undefined;
  /** A JSONata expression; absent: outputs are inputs as they are. */
  sourceTransformer?: string | undefined;
  /** The request's filter as it was given, for who reads the batch later. */
  filter: Json | undefined;
}

/** Members made from one chunk at most; a chunk of inputs also ends when it is large. */
export const CHUNK_MAX = 1000;
const CHUNK_MAX_CHARS = 1024 * 1024;

/** A slow sender's chunk is written early, so that the batch is not taken for abandoned. */
const CHUNK_MAX_MS = 60_000;

/** A batch that has been RECEIVING for so long without a word is what a crash left behind. */
const ABANDONED_AFTER = "interval '10 minutes'";

/** Finding the sources is one statement, however many executions it has to look at. */
const SOURCES_TIMEOUT_MS = 10 * 60_000;

/** Begins a batch, RECEIVING: it has no members, and nobody leads it before its sources have been sealed. */
export async function receiveBatch(pool: pg.Pool, batch: NewBatch): Promise<void> {
  await pool.query(
    `INSERT INTO batches (id, state_machine_id, version, mode, status, name_prefix, concurrency, stop_on_error,
       queue, source_state_name, filter, source_transformer, total, created_at, updated_at)
     VALUES ($1, $2, $3, $4, 'RECEIVING', $5, $6, $7, $8, $9, $10, $11, 0, now(), now())`,
    [
      batch.batchId,
      batch.stateMachineId,
      batch.version,
      batch.mode,
      batch.namePrefix,
      batch.concurrency,
      batch.stopOnError,
      batch.queue,
      batch.sourceStateName ?? null,
      batch.filter === undefined ? null : JSON.stringify(batch.filter),
      batch.sourceTransformer ?? null,
    ],
  );
}

/**
 * Writes down inputs (JSON texts) as the next chunk. `intake`: the fence of a map run's intake.
 * @throws when the batch is not RECEIVING any more: it was given up for abandoned, or its intake begun anew.
 */
export async function appendInputs(
  pool: pg.Pool,
  batchId: string,
  firstIndex: number,
  inputs: readonly string[],
  intake: string | null = null,
): Promise<void> {
  const { rowCount } = await pool.query(
    `WITH receiving AS (
       UPDATE batches SET updated_at = now()
       WHERE id = $1 AND status = 'RECEIVING' AND owner IS NOT DISTINCT FROM $5::uuid RETURNING id
     )
     INSERT INTO batch_chunks (batch_id, first_index, count, inputs) SELECT id, $2, $3, $4 FROM receiving`,
    [batchId, firstIndex, inputs.length, joinInputs(inputs), intake],
  );
  if (rowCount !== 1) throw new Error(`batch ${batchId} is not receiving`);
}

/**
 * Writes down inputs (JSON texts) as they come, holding one chunk in memory and no more.
 * @returns how many. Throws what the iteration throws, and then the batch is still RECEIVING.
 */
export async function writeInputs(
  pool: pg.Pool,
  batchId: string,
  inputs: AsyncIterable<string> | Iterable<string>,
  intake: string | null = null,
): Promise<number> {
  let written = 0;
  let chunk: string[] = [];
  let chars = 0;
  let chunkBegunAtMs = Date.now();
  const write = async (): Promise<void> => {
    await appendInputs(pool, batchId, written, chunk, intake);
    written += chunk.length;
    chunk = [];
    chars = 0;
    chunkBegunAtMs = Date.now();
  };
  for await (const input of inputs) {
    if (chunk.length > 0 && chars + input.length > CHUNK_MAX_CHARS) await write();
    chunk.push(input);
    chars += input.length;
    if (chunk.length === CHUNK_MAX || Date.now() - chunkBegunAtMs > CHUNK_MAX_MS) await write();
  }
  if (chunk.length > 0) await write();
  return written;
}

/**
 * Writes down which executions are the sources, as of one instant.
 * @returns how many.
 */
export async function appendSources(
  pool: pg.Pool,
  batch: Pick<NewBatch, 'batchId' | 'stateMachineId' | 'sourceStateName'>,
  filter: SourceFilter,
): Promise<number> {
  const { text, values } = insertSources(batch, filter, CHUNK_MAX);
  return withTransaction(pool, async (session) => {
    await session.query(`SET LOCAL statement_timeout = ${SOURCES_TIMEOUT_MS}`);
    const statement = { text, values, query_timeout: SOURCES_TIMEOUT_MS };
    const { rows } = await session.query<{ receiving: number; total: number }>(statement);
    if (rows[0]?.receiving !== 1) throw new Error(`batch ${batch.batchId} is not receiving`);
    return rows[0].total;
  });
}

/**
 * Everything is written down: the batch is RUNNING from now on, or SUCCEEDED if there was nothing.
 * The machine's row is locked, so that a deletion either sees the batch or is seen.
 * @throws when it was given up for abandoned, or its machine has been deleted meanwhile.
 */
export async function openBatch(pool: pg.Pool, batchId: string, total: number): Promise<void> {
  const { rowCount } = await pool.query(
    `WITH machine AS MATERIALIZED (
       SELECT m.deleted_at FROM state_machines m JOIN batches b ON b.state_machine_id = m.id
       WHERE b.id = $1
       FOR SHARE OF m
     )
     UPDATE batches SET total = $2, item_total = $2, created_at = now(), updated_at = now(),
       status = CASE WHEN $2 = 0 THEN 'SUCCEEDED' ELSE 'RUNNING' END,
       end_time = CASE WHEN $2 = 0 THEN now() END
     WHERE id = $1 AND status = 'RECEIVING' AND NOT EXISTS (SELECT 1 FROM machine WHERE deleted_at IS NOT NULL)`,
    [batchId, total],
  );
  if (rowCount !== 1) throw new Error(`batch ${batchId} is not receiving`);
}

/** Removes a batch whose sources did not all come in. */
export async function dropReceiving(pool: pg.Pool, batchId: string): Promise<void> {
  await remove(pool, 'id = $1', [batchId]);
}

/** Removes what crashes left of batches that were being received. @returns how many. */
export function sweepReceiving(pool: pg.Pool): Promise<number> {
  return remove(pool, `updated_at < now() - ${ABANDONED_AFTER}`, []);
}

/** The condition on updated_at is checked again under the row's lock, so a chunk that comes in meanwhile saves the batch. */
async function remove(pool: pg.Pool, which: string, values: readonly unknown[]): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `WITH gone AS (
       DELETE FROM batches WHERE status = 'RECEIVING' AND end_time IS NULL AND ${which} RETURNING id
     ), chunks AS (
       DELETE FROM batch_chunks c USING gone g WHERE c.batch_id = g.id
     )
     SELECT count(*)::int AS n FROM gone`,
    [...values],
  );
  return rows[0]?.n ?? 0;
}
