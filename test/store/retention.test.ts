import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  clearSpentChunks,
  createBulkRedrive,
  createStarts,
  type Database,
  newId,
  type Retention,
  retireBatches,
  retireExecutions,
} from '../../src/store/index.js';
import { withTransaction } from '../../src/store/own-session.js';
import { makeMachine, openStore, putExecution, putHistory } from './fixtures.js';

const DAY = 86_400_000;
const WEEK: Retention = { SUCCEEDED: 7 * DAY, FAILED: 30 * DAY };

let database: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, close } = await openStore());
});

afterAll(() => close());

beforeEach(async () => {
  await database.pool.query('TRUNCATE executions, journal, batches, batch_chunks, bulk_redrives, inbox');
  await due();
});

/** The next walks are due at once. */
const due = () => database.pool.query("UPDATE chores SET next_at = now() - interval '1 s'");

/** Walks to the end; answers how many were deleted. */
async function retire(retention = WEEK): Promise<number> {
  await due();
  let deleted = 0;
  for (let more = true; more; ) {
    const step = await retireExecutions(database.pool, retention);
    if (step === undefined) throw new Error('the walk was not due');
    deleted += step.deleted;
    more = step.more;
  }
  return deleted;
}

async function retireAllBatches(): Promise<number> {
  await due();
  return (await retireBatches(database.pool, WEEK))?.deleted ?? 0;
}

const ago = (days: number): Date => new Date(Date.now() - days * DAY);

/** An execution that ended so many days ago, and took an hour. */
function put(days: number, columns: Record<string, unknown> = {}): Promise<string> {
  const endTime = ago(days);
  const startTime = new Date(endTime.getTime() - 3_600_000);
  return putExecution(database, {
    id: newId(startTime.getTime()).replace(/^.{13}/, newIdAt(startTime)),
    status: 'SUCCEEDED',
    start_time: startTime,
    end_time: endTime,
    ...columns,
  });
}

/** The beginning of an id of that time: newId does not go back. */
function newIdAt(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

async function left(): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>('SELECT id FROM executions ORDER BY id');
  return rows.map(({ id }) => id);
}

async function putBatch(columns: Record<string, unknown>): Promise<string> {
  const row: Record<string, unknown> = {
    id: newId(),
    state_machine_id: 'm',
    version: 1,
    mode: 'distributed',
    status: 'SUCCEEDED',
    name_prefix: 'b',
    concurrency: 1,
    stop_on_error: false,
    queue: 'm',
    total: 2,
    started: 2,
    created_at: ago(20),
    updated_at: ago(20),
    end_time: ago(20),
    ...columns,
  };
  const names = Object.keys(row);
  await database.pool.query(
    `INSERT INTO batches (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
  return String(row['id']);
}

const putChunk = (batchId: string, firstIndex: number, sources: string[] | null, inputs: string | null) =>
  database.pool.query('INSERT INTO batch_chunks VALUES ($1, $2, $3, $4, $5)', [
    batchId,
    firstIndex,
    sources?.length ?? 2,
    inputs,
    sources,
  ]);

async function chunksOf(batchId: string): Promise<number> {
  const { rowCount } = await database.pool.query('SELECT 1 FROM batch_chunks WHERE batch_id = $1', [batchId]);
  return rowCount ?? 0;
}

describe('retention', () => {
  test('deletes what ended long enough ago, by its status, and keeps what has none', async () => {
    await put(8);
    await put(31, { status: 'FAILED' });
    const young = await put(6);
    const failed = await put(8, { status: 'FAILED' });
    const stopped = await put(400, { status: 'ABORTED' });
    const running = await put(400, { status: 'RUNNING', end_time: null });
    const longRunning = await put(400, { end_time: ago(1) });
    expect(await retire()).toBe(2);
    expect(await left()).toEqual([young, failed, stopped, running, longRunning].toSorted());
  });

  test('leaves nothing behind of what it deletes, and keeps the rest whole', async () => {
    const gone = await put(8);
    const stays = await put(1);
    for (const id of [gone, stays]) {
      await putHistory(
        database,
        id,
        [{ id: 1, previousEventId: 0, type: 'ExecutionStarted', timestamp: 0, details: {} }],
        1,
      );
      await database.pool.query(
        `INSERT INTO inbox (execution_id, seq, kind, data, created_at) VALUES ($1, 1, 'stop', '{}', now())`,
        [id],
      );
      await database.pool.query(`INSERT INTO redrives VALUES ($1, 1, NULL, now())`, [id]);
      await database.pool.query(
        `INSERT INTO dead_letters VALUES (gen_random_uuid(), 'm', $1, 'x', 1, now())`,
        [id],
      );
      await database.pool.query(
        `INSERT INTO message_correlations (execution_id, frame_id, key, state_machine_id, state_name, correlation_key,
           correlation_value, hash, created_at) VALUES ($1, 0, 'k', 'm', 's', 'k', 'v', 1, now())`,
        [id],
      );
    }
    expect(await retire()).toBe(1);
    for (const table of ['journal', 'inbox', 'redrives', 'dead_letters', 'message_correlations']) {
      const { rows } = await database.pool.query(`SELECT execution_id AS id FROM ${table}`);
      expect(rows).toEqual([{ id: stays }]);
    }
  });

  test('comes to the end however much there is, a bounded step at a time', async () => {
    for (let n = 0; n < 700; n++) await put(8 + n / 1000);
    const kept = await put(1);
    await due();
    const first = await retireExecutions(database.pool, WEEK);
    expect(first?.more).toBe(true);
    expect(first?.deleted).toBeGreaterThan(0);
    expect(first?.deleted).toBeLessThan(500);
    expect((first?.deleted ?? 0) + (await retire())).toBe(700);
    expect(await left()).toEqual([kept]);
  });

  test('takes few executions at once when their histories are long, and goes on with the rest', async () => {
    for (let n = 0; n < 3; n++) {
      const id = await put(9 - n / 10);
      await database.pool.query(
        `INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, events, frames)
         SELECT $1, n, 1, n, 1, '[]', '{}' FROM generate_series(1, 5000) n`,
        [id],
      );
    }
    expect(await retireExecutions(database.pool, WEEK)).toEqual({ deleted: 1, more: true });
    expect(await retire()).toBe(2);
  });

  test('is done by one at a time, and rests after a walk', async () => {
    await put(8);
    await withTransaction(database.pool, async (session) => {
      await session.query("SELECT 1 FROM chores WHERE name = 'executions' FOR UPDATE");
      expect(await retireExecutions(database.pool, WEEK)).toBeUndefined();
    });
    expect(await retireExecutions(database.pool, WEEK)).toEqual({ deleted: 1, more: false });
    expect(await retireExecutions(database.pool, WEEK)).toBeUndefined();
  });

  test('keeps what something that runs still needs, until it does not any more', async () => {
    const untold = await put(8, { parent_id: newId(), parent_key: 'k', notify_parent: true });
    const batchId = await putBatch({ status: 'RUNNING', end_time: null, total: 3, started: 1 });
    const member = await put(8, { batch_id: batchId, batch_index: 0 });
    const read = await put(9);
    const unread = await put(8.5);
    await putChunk(batchId, 0, [read], null);
    await putChunk(batchId, 1, [unread], null);
    const parent = await put(9, { status: 'RUNNING', end_time: null });
    const child = await put(8, { parent_id: parent, parent_key: 'k' });
    const elder = await put(9);
    await put(0, {
      status: 'RUNNING',
      end_time: null,
      parent_id: elder,
      parent_key: 'k',
      notify_parent: true,
    });
    const mapper = await put(9);
    const run = await putBatch({ mode: 'mapRun', status: 'CANCELLING', end_time: null, parent_id: mapper });
    expect(await retire()).toBe(1);
    const kept = await left();
    for (const id of [untold, member, unread, child, elder, mapper]) expect(kept).toContain(id);
    expect(kept).not.toContain(read);

    await database.pool.query('UPDATE batches SET end_time = now() WHERE id = ANY($1)', [[batchId, run]]);
    await database.pool.query('UPDATE executions SET notify_parent = false');
    await database.pool.query("UPDATE executions SET status = 'FAILED', end_time = now() WHERE id = $1", [
      parent,
    ]);
    expect(await retire()).toBe(6);
  });

  test('keeps what a redrive by filter has yet to look at', async () => {
    const failed = await put(31, { status: 'FAILED' });
    const succeeded = await put(8);
    await createBulkRedrive(database.pool, {});
    expect(await retire()).toBe(1);
    expect(await left()).toEqual([failed]);
    expect(await left()).not.toContain(succeeded);
    await database.pool.query('UPDATE bulk_redrives SET cursor = $1', [failed]);
    expect(await retire()).toBe(1);
  });

  test('frees the name', async () => {
    await makeMachine(database, 'named');
    const old = await put(8, { state_machine_id: 'named', name: 'n', input: '{"old":true}' });
    expect(await retire()).toBe(1);
    const answer = await createStarts(database).start({
      stateMachineId: 'named',
      name: 'n',
      input: '{}',
      queue: undefined,
      at: undefined,
      waited: false,
      sourceExecutionId: undefined,
      sourceStateName: undefined,
    });
    expect(answer.kind).toBe('created');
    expect(await left()).not.toContain(old);
  });

  test('deletes a batch when its members are gone, with its sources', async () => {
    const batchId = await putBatch({});
    await putChunk(batchId, 0, null, '[\n1,\n2\n]');
    await put(8, { batch_id: batchId, batch_index: 0 });
    expect(await retireAllBatches()).toBe(0);
    expect(await retire()).toBe(1);
    expect(await retireAllBatches()).toBe(1);
    expect(await chunksOf(batchId)).toBe(0);
  });

  test('keeps a batch that is open, young, or a map run of an execution that is there', async () => {
    await putBatch({ status: 'RUNNING', end_time: null });
    await putBatch({ end_time: ago(1) });
    const parent = await put(1);
    await putBatch({ mode: 'mapRun', parent_id: parent });
    expect(await retireAllBatches()).toBe(0);
  });
});

describe('sources of batches', () => {
  const NO_ID = '00000000-0000-0000-0000-000000000000';

  test('are deleted when nobody will read them again, however much is kept', async () => {
    const whole = await putBatch({ total: 4, started: 4 });
    await putChunk(whole, 0, [newId(), newId()], null);
    await putChunk(whole, 2, [newId(), newId()], null);
    const stopped = await putBatch({ status: 'ABORTED', started: 1 });
    await putChunk(stopped, 0, null, '[\n1,\n2\n]');
    expect(await clearSpentChunks(database.pool, NO_ID)).toBeUndefined();
    expect(await chunksOf(whole)).toBe(0);
    expect(await chunksOf(stopped)).toBe(0);
  });

  test('stay for a batch that is open, for the list of what was never run, and for results yet to be written', async () => {
    const open = await putBatch({ status: 'RUNNING', end_time: null });
    await putChunk(open, 0, null, '[\n1,\n2\n]');
    const stopped = await putBatch({ status: 'ABORTED', started: 1 });
    await putChunk(stopped, 0, [newId(), newId()], null);
    const parent = await put(1, { status: 'RUNNING', end_time: null });
    const run = await putBatch({ mode: 'mapRun', status: 'FAILED', started: 1, parent_id: parent });
    await putChunk(run, 0, null, '[\n1,\n2\n]');
    await clearSpentChunks(database.pool, NO_ID);
    for (const id of [open, stopped, run]) expect(await chunksOf(id)).toBe(1);
    await database.pool.query("UPDATE executions SET status = 'SUCCEEDED', end_time = now() WHERE id = $1", [
      parent,
    ]);
    await clearSpentChunks(database.pool, NO_ID);
    expect(await chunksOf(run)).toBe(0);
  });
});
