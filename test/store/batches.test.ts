import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import {
  appendInputs,
  appendSources,
  dropReceiving,
  openBatch,
  sweepReceiving,
  writeInputs,
} from '../../src/store/batch-intake.js';
import { createBatchStore, openBatches } from '../../src/store/batch-leading.js';
import { cancelBatch, getBatch, listBatches, listMembers, pageMembers } from '../../src/store/batches.js';
import { newId } from '../../src/store/ids.js';
import { insertBatch, insertReceiving } from '../batches/rows.js';
import { createDatabase } from '../setup/database.js';

let database: Awaited<ReturnType<typeof createDatabase>>;
let pool: pg.Pool;

const ALL = { limit: 1000, cursor: undefined };

beforeAll(async () => {
  database = await createDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 10 });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function chunksOf(batchId: string): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query(
    'SELECT first_index, count, inputs, source_ids FROM batch_chunks WHERE batch_id = $1 ORDER BY first_index',
    [batchId],
  );
  return rows;
}

async function sourceIdsOf(batchId: string): Promise<unknown[]> {
  return (await chunksOf(batchId)).flatMap((chunk) => chunk['source_ids'] as string[]);
}

/** Executions of a machine of their own; answers the machine and their ids, oldest first. */
async function insertSources(
  count: number,
  about: { status?: string; currentState?: string; name?: string; ageMs?: number } = {},
  machine = `m-${newId()}`,
): Promise<{ machine: string; ids: string[] }> {
  const ids = Array.from({ length: count }, () => newId());
  await pool.query(
    `INSERT INTO executions (id, state_machine_id, version, name, status, input, output, start_time, end_time, queue, current_state)
     SELECT id, $2, 1, $4 || id::text, $3, '{}', '{"ok":true}', now() - $6 * interval '1 ms',
       CASE WHEN $3 <> 'RUNNING' THEN now() END, 'default', $5
     FROM unnest($1::uuid[]) t (id)`,
    [
      ids,
      machine,
      about.status ?? 'SUCCEEDED',
      about.name ?? 'order-',
      about.currentState ?? null,
      about.ageMs ?? 0,
    ],
  );
  return { machine, ids };
}

describe('taking in a batch', () => {
  test('nobody sees it before all of its sources are written down', async () => {
    const batchId = await insertReceiving(pool);
    await appendInputs(pool, batchId, 0, ['1', '2']);
    expect(await getBatch(pool, batchId)).toBeUndefined();
    expect(await cancelBatch(pool, batchId)).toBeUndefined();
    expect((await listBatches(pool, {}, ALL)).items.map((batch) => batch.batchId)).not.toContain(batchId);
    expect((await openBatches(pool)).map((batch) => batch.batchId)).not.toContain(batchId);

    await openBatch(pool, batchId, 2);
    expect(await getBatch(pool, batchId)).toMatchObject({
      status: 'RUNNING',
      total: 2,
      started: 0,
      endTime: null,
    });
    expect(await openBatches(pool)).toContainEqual({ batchId, queue: 'low', stopping: false });
  });

  test('one without any source has succeeded at once', async () => {
    const batchId = await insertReceiving(pool);
    await openBatch(pool, batchId, 0);
    expect(await getBatch(pool, batchId)).toMatchObject({ status: 'SUCCEEDED', total: 0 });
    expect((await getBatch(pool, batchId))?.endTime).toBeInstanceOf(Date);
  });

  test('a stream of inputs is written in chunks of 1,000, and a member finds its own', async () => {
    const batchId = await insertReceiving(pool);
    async function* inputs(): AsyncGenerator<string> {
      for (let n = 0; n < 2_345; n++) yield JSON.stringify({ n, text: 'a,\\n"b"]\n,\n[' });
    }
    expect(await writeInputs(pool, batchId, inputs())).toBe(2_345);
    expect((await chunksOf(batchId)).map((chunk) => [chunk['first_index'], chunk['count']])).toEqual([
      [0, 1000],
      [1000, 1000],
      [2000, 345],
    ]);
    const chunk = await createBatchStore({ pool }).readChunk(batchId, 1999);
    if (chunk.kind !== 'inputs') throw new Error('not a chunk of inputs');
    expect(chunk.firstIndex).toBe(1000);
    expect(chunk.inputs).toHaveLength(1000);
    expect(chunk.inputs[999]).toBe(JSON.stringify({ n: 1999, text: 'a,\\n"b"]\n,\n[' }));
    // What is stored is one JSON array, for whoever reads it by hand.
    expect(JSON.parse(String((await chunksOf(batchId))[2]?.['inputs']))).toHaveLength(345);
  });

  test('large inputs make smaller chunks', async () => {
    const batchId = await insertReceiving(pool);
    const large = JSON.stringify('x'.repeat(400_000));
    expect(await writeInputs(pool, batchId, [large, large, large, '1'])).toBe(4);
    expect((await chunksOf(batchId)).map((chunk) => chunk['count'])).toEqual([2, 2]);
  });

  test('never more than a chunk of a stream is held: what came before is in the database already', async () => {
    const batchId = await insertReceiving(pool);
    let writtenBefore = -1;
    async function* inputs(): AsyncGenerator<string> {
      for (let n = 0; n < 1_500; n++) yield '{}';
      writtenBefore = (await chunksOf(batchId)).length;
    }
    await writeInputs(pool, batchId, inputs());
    expect(writtenBefore).toBe(1);
  });

  test('a stream that breaks midway leaves a batch that can be dropped whole, and was never seen', async () => {
    const batchId = await insertReceiving(pool);
    async function* inputs(): AsyncGenerator<string> {
      for (let n = 0; n < 1_200; n++) yield '{}';
      throw new Error('the line is cut');
    }
    await expect(writeInputs(pool, batchId, inputs())).rejects.toThrow('the line is cut');
    expect(await chunksOf(batchId)).toHaveLength(1);
    expect(await getBatch(pool, batchId)).toBeUndefined();
    await dropReceiving(pool, batchId);
    expect(await chunksOf(batchId)).toEqual([]);
    await expect(appendInputs(pool, batchId, 1000, ['1'])).rejects.toThrow('not receiving');
    await expect(openBatch(pool, batchId, 1000)).rejects.toThrow('not receiving');
  });

  test('a batch that is open cannot be dropped', async () => {
    const batchId = await insertBatch(pool, 3);
    await dropReceiving(pool, batchId);
    expect(await getBatch(pool, batchId)).toMatchObject({ total: 3 });
    expect(await chunksOf(batchId)).toHaveLength(1);
  });

  test('what a crash left half received is swept after 10 minutes, what is being received is not', async () => {
    const abandoned = await insertReceiving(pool);
    await appendInputs(pool, abandoned, 0, ['1']);
    const receiving = await insertReceiving(pool);
    const open = await insertBatch(pool, 1);
    await pool.query("UPDATE batches SET updated_at = now() - interval '11 minutes' WHERE id = ANY($1)", [
      [abandoned, open],
    ]);
    expect(await sweepReceiving(pool)).toBe(1);
    expect(await chunksOf(abandoned)).toEqual([]);
    await expect(openBatch(pool, abandoned, 1)).rejects.toThrow('not receiving');
    await openBatch(pool, receiving, 0);
    expect(await getBatch(pool, open)).toMatchObject({ status: 'RUNNING' });
  });
});

describe('the sources that a filter finds', () => {
  async function sourcesFor(
    filter: Parameters<typeof appendSources>[2],
    options: Parameters<typeof insertReceiving>[1] = {},
  ): Promise<unknown[]> {
    const batchId = await insertReceiving(pool, options);
    const about = {
      batchId,
      stateMachineId: options.stateMachineId ?? 'target',
      sourceStateName: options.sourceStateName,
    };
    const total = await appendSources(pool, about, filter);
    const ids = await sourceIdsOf(batchId);
    expect(ids).toHaveLength(total);
    return ids;
  }

  test('they come oldest first, in chunks of 1,000', async () => {
    const { machine, ids } = await insertSources(1_050);
    const batchId = await insertReceiving(pool);
    const total = await appendSources(
      pool,
      { batchId, stateMachineId: 'target', sourceStateName: undefined },
      { stateMachineId: machine },
    );
    expect(total).toBe(1_050);
    expect((await chunksOf(batchId)).map((chunk) => [chunk['first_index'], chunk['count']])).toEqual([
      [0, 1000],
      [1000, 50],
    ]);
    expect(await sourceIdsOf(batchId)).toEqual(ids);
  });

  test('limit and offset cut the list, and finding nothing is no fault', async () => {
    const { machine, ids } = await insertSources(10);
    expect(await sourcesFor({ stateMachineId: machine, limit: 3, offset: 4 })).toEqual(ids.slice(4, 7));
    expect(await sourcesFor({ stateMachineId: machine, offset: 8 })).toEqual(ids.slice(8));
    expect(await sourcesFor({ stateMachineId: machine, limit: 0 })).toEqual([]);
    expect(await sourcesFor({ stateMachineId: 'no-such-machine' })).toEqual([]);
  });

  test('by status, part of the name, start, and the state where they ended', async () => {
    const { machine, ids } = await insertSources(2);
    const failed = await insertSources(
      1,
      { status: 'FAILED', currentState: 'Ship%', name: 'Other_' },
      machine,
    );
    const old = await insertSources(1, { ageMs: 3_600_000 }, machine);
    expect(await sourcesFor({ stateMachineId: machine, status: 'FAILED' })).toEqual(failed.ids);
    expect(await sourcesFor({ stateMachineId: machine, currentState: 'Ship%' })).toEqual(failed.ids);
    expect(await sourcesFor({ stateMachineId: machine, currentState: 'Ship' })).toEqual([]);
    expect(await sourcesFor({ stateMachineId: machine, name: 'ther_' })).toEqual(failed.ids);
    expect(await sourcesFor({ stateMachineId: machine, name: 'OTHER' })).toEqual(failed.ids);
    // Not patterns: '%' and '_' are characters like others.
    expect(await sourcesFor({ stateMachineId: machine, name: '%' })).toEqual([]);
    const anHourAgo = new Date(Date.now() - 1_800_000);
    expect(await sourcesFor({ stateMachineId: machine, startedBefore: anHourAgo })).toEqual(old.ids);
    expect(await sourcesFor({ stateMachineId: machine, startedAfter: anHourAgo })).toEqual([
      ...ids,
      ...failed.ids,
    ]);
  });

  test('where one that is under way stands is what its journal says', async () => {
    const { machine, ids } = await insertSources(2, { status: 'RUNNING', currentState: 'Before' });
    await pool.query(
      `INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, current_state, events, frames)
       VALUES ($1, 1, 1, 1, 1, 'Before', '[]', '{}'), ($1, 2, 1, 2, 1, 'Now', '[]', '{}')`,
      [ids[0]],
    );
    await pool.query('UPDATE executions SET epoch = 1 WHERE id = $1', [ids[0]]);
    expect(await sourcesFor({ stateMachineId: machine, currentState: 'Now' })).toEqual([ids[0]]);
    expect(await sourcesFor({ stateMachineId: machine, currentState: 'Before' })).toEqual([ids[1]]);
  });

  test('applyUnique leaves out what the machine was run for, before limit and offset count', async () => {
    const { machine, ids } = await insertSources(4);
    const target = `t-${newId()}`;
    await pool.query(
      `INSERT INTO executions (id, state_machine_id, version, name, status, input, start_time, queue, source_execution_id, source_state_name)
       VALUES (gen_random_uuid(), $1, 1, 'a', 'FAILED', '{}', now(), 'q', $2, NULL),
         (gen_random_uuid(), $1, 1, 'b', 'RUNNING', '{}', now(), 'q', $3, 'Charge'),
         (gen_random_uuid(), 'another', 1, $2::text, 'SUCCEEDED', '{}', now(), 'q', $4, NULL)`,
      [target, ids[0], ids[1], ids[2]],
    );
    const filter = { stateMachineId: machine, applyUnique: true };
    expect(await sourcesFor(filter, { stateMachineId: target })).toEqual([ids[1], ids[2], ids[3]]);
    expect(await sourcesFor({ ...filter, limit: 1, offset: 1 }, { stateMachineId: target })).toEqual([
      ids[2],
    ]);
    expect(await sourcesFor(filter, { stateMachineId: target, sourceStateName: 'Charge' })).toEqual([
      ids[0],
      ids[2],
      ids[3],
    ]);
  });

  test('a source is left out while its member waits, runs, or once it has run, however it ended', async () => {
    const { machine, ids } = await insertSources(3);
    const target = `t-${newId()}`;
    await insertRuns(target, [
      [ids[0], 'RUNNING', null],
      [ids[1], 'FAILED', 'Charge'],
      [ids[2], 'ABORTED', 'Charge'],
    ]);
    const filter = { stateMachineId: machine, applyUnique: true };
    expect(await sourcesFor(filter, { stateMachineId: target })).toEqual([]);
  });

  test('a source whose member ended without entering a state is there again', async () => {
    const { machine, ids } = await insertSources(3);
    const target = `t-${newId()}`;
    await insertRuns(target, [
      [ids[0], 'FAILED', null],
      [ids[1], 'ABORTED', null],
      [ids[2], 'SUCCEEDED', 'Done'],
    ]);
    const filter = { stateMachineId: machine, applyUnique: true };
    expect(await sourcesFor(filter, { stateMachineId: target })).toEqual(ids.slice(0, 2));
  });

  /** Executions of the target with these sources, status and last state. */
  async function insertRuns(
    target: string,
    runs: readonly (readonly [source: string | undefined, status: string, state: string | null])[],
  ): Promise<void> {
    for (const [source, status, state] of runs) {
      await pool.query(
        `INSERT INTO executions (id, state_machine_id, version, name, status, input, start_time, end_time, queue, source_execution_id, current_state)
         VALUES (gen_random_uuid(), $1, 1, $2::text, $3, '{}', now(), CASE WHEN $3 <> 'RUNNING' THEN now() END, 'q', $2::uuid, $4)`,
        [target, source, status, state],
      );
    }
  }
});

describe('reading batches', () => {
  test('lists are newest first, by machine and status; RUNNING finds what is being stopped too', async () => {
    const stateMachineId = `m-${newId()}`;
    const first = await insertBatch(pool, 1, { stateMachineId });
    const stopping = await insertBatch(pool, 1, { stateMachineId });
    const over = await insertBatch(pool, 0, { stateMachineId });
    await pool.query("UPDATE batches SET status = 'STOPPING' WHERE id = $1", [stopping]);
    const idsOf = async (filter: { status?: string } = {}) =>
      (await listBatches(pool, { stateMachineId, ...filter }, ALL)).items.map(({ batchId }) => batchId);
    expect(await idsOf()).toEqual([over, stopping, first]);
    expect(await idsOf({ status: 'RUNNING' })).toEqual([stopping, first]);
    expect(await idsOf({ status: 'SUCCEEDED' })).toEqual([over]);
    const page = await listBatches(pool, { stateMachineId }, { limit: 2, cursor: undefined });
    expect(page.items.map(({ batchId }) => batchId)).toEqual([over, stopping]);
    const rest = await listBatches(pool, { stateMachineId }, { limit: 2, cursor: page.nextCursor ?? '' });
    expect(rest).toMatchObject({ items: [{ batchId: first }], nextCursor: null });
  });

  test('a batch that nobody had begun is over as soon as it is cancelled, and shows every member', async () => {
    const { machine, ids } = await insertSources(1_003);
    const batchId = await insertReceiving(pool);
    const about = { batchId, stateMachineId: 'target', sourceStateName: undefined };
    await openBatch(pool, batchId, await appendSources(pool, about, { stateMachineId: machine }));
    expect(await cancelBatch(pool, batchId)).toMatchObject({
      over: false,
      batch: { status: 'ABORTED', total: 1_003, started: 0, aborted: 1_003 },
    });
    expect(await cancelBatch(pool, batchId)).toMatchObject({ over: true, batch: { status: 'ABORTED' } });

    const batch = await getBatch(pool, batchId);
    if (batch === undefined) throw new Error('no batch');
    const lines = await listMembers(pool, batch, 998, 3);
    expect(lines).toEqual(
      [998, 999, 1000].map((index) => ({
        index,
        sourceExecutionId: ids[index],
        executionId: null,
        status: 'ABORTED',
        error: null,
      })),
    );
    expect(await listMembers(pool, batch, 1_001, 1000)).toHaveLength(2);
    expect(await listMembers(pool, batch, 1_003, 1000)).toEqual([]);

    const page = await pageMembers(pool, batch, ALL);
    expect(page.items).toHaveLength(1000);
    const rest = await pageMembers(pool, batch, { limit: 3, cursor: page.nextCursor ?? '' });
    expect(rest.items.map(({ index }) => index)).toEqual([1000, 1001, 1002]);
    expect(rest.nextCursor).toBeNull();
  });

  test('while it runs, members that are yet to be created are not shown', async () => {
    const batchId = await insertBatch(pool, 5);
    const batch = await getBatch(pool, batchId);
    if (batch === undefined) throw new Error('no batch');
    expect(await listMembers(pool, batch, 0, 10)).toEqual([]);
  });
});
