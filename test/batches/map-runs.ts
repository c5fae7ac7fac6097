import type pg from 'pg';
import { newId } from '../../src/store/ids.js';
import {
  type NewMapRun,
  openMapRun,
  receiveMapRun,
  writeMapRunInputs,
} from '../../src/store/map-run-intake.js';

/** An execution that waits, as the parent of a map run; `owner` advances it. */
export async function insertParent(pool: pg.Pool, owner: string | null = null): Promise<string> {
  const id = newId();
  await pool.query(
    `INSERT INTO executions (id, state_machine_id, version, name, status, input, start_time, queue, owner)
     VALUES ($1::uuid, 'parent', 1, $1::uuid::text, 'RUNNING', '{}', now(), 'high', $2)`,
    [id, owner],
  );
  return id;
}

export interface MapRunOptions extends Partial<NewMapRun> {
  /** Children's inputs; by default their indexes. */
  inputs?: string[];
  /** How many items all children have; by default one each. */
  items?: number;
}

export function newMapRun(options: Partial<NewMapRun> = {}): NewMapRun {
  return {
    mapRunId: crypto.randomUUID(),
    stateMachineId: 'parent/each',
    version: 3,
    queue: 'low',
    parentId: newId(),
    parentFrame: 4,
    parentKey: 'the/key',
    label: 'each',
    mapState: 'Each',
    maxConcurrency: 3,
    toleratedCount: undefined,
    toleratedPercentage: undefined,
    batched: false,
    ...options,
  };
}

/** A RUNNING map run of `total` children. */
export async function insertMapRun(
  pool: pg.Pool,
  total: number,
  { inputs, items, ...options }: MapRunOptions = {},
): Promise<string> {
  const run = newMapRun({ parentId: await insertParent(pool), ...options });
  const attempt = crypto.randomUUID();
  await receiveMapRun(pool, run, attempt);
  const texts = inputs ?? Array.from({ length: total }, (_, index) => String(index));
  await writeMapRunInputs(pool, run.mapRunId, attempt, each(texts));
  await openMapRun(pool, run.mapRunId, attempt, { total, items: items ?? total });
  return run.mapRunId;
}

export async function* each<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}

/** What the parent of a map run was told. */
export async function signalsFor(
  pool: pg.Pool,
  mapRunId: string,
): Promise<{ kind: string; data: unknown }[]> {
  const { rows } = await pool.query<{ kind: string; data: string }>(
    `SELECT i.kind, i.data FROM inbox i JOIN batches b ON b.parent_id = i.execution_id WHERE b.id = $1 ORDER BY i.seq`,
    [mapRunId],
  );
  return rows.map(({ kind, data }) => ({ kind, data: JSON.parse(data) as unknown }));
}
