import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  countExecutions,
  type Database,
  type ExecutionFilter,
  executionStatistics,
  findExecution,
  InvalidCursor,
  listExecutions,
  newId,
} from '../../src/store/index.js';
import { openStore, putExecution, putHistory } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, close } = await openStore());
});

afterAll(() => close());

async function readAll(
  filter: ExecutionFilter,
  limit: number,
  between?: () => Promise<unknown>,
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await listExecutions(database.pool, filter, { limit, cursor });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    ids.push(...page.items.map(({ executionId }) => executionId));
    if (page.nextCursor === null) return ids;
    cursor = page.nextCursor;
    await between?.();
  }
}

describe('listing executions', () => {
  test('pages newest first, complete and without repetition, while rows come in', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 23; index++)
      ids.push(await putExecution(database, { state_machine_id: 'paged' }));
    const read = await readAll({ stateMachineId: 'paged' }, 5, () =>
      putExecution(database, { state_machine_id: 'paged' }),
    );
    expect(read).toEqual(ids.toReversed());
  });

  test('says that there is no more when the last page is exactly full', async () => {
    for (let index = 0; index < 4; index++) await putExecution(database, { state_machine_id: 'full' });
    const page = await listExecutions(
      database.pool,
      { stateMachineId: 'full' },
      { limit: 4, cursor: undefined },
    );
    expect(page).toMatchObject({ items: { length: 4 }, nextCursor: null });
  });

  test('ends a page early rather than carry more than 16 MB of payloads, and goes on with the next', async () => {
    const big = JSON.stringify('x'.repeat(6 * 1024 * 1024));
    for (let index = 0; index < 7; index++)
      await putExecution(database, { state_machine_id: 'big', input: big });
    const page = await listExecutions(
      database.pool,
      { stateMachineId: 'big' },
      { limit: 100, cursor: undefined },
    );
    expect(page.items).toHaveLength(3);
    expect(await readAll({ stateMachineId: 'big' }, 100)).toHaveLength(7);
  });

  test('filters by every field, also together', async () => {
    const batchId = newId();
    const base = { state_machine_id: 'f', queue: 'f' };
    const day = (n: number): Date => new Date(Date.UTC(2026, 0, n));
    const at = (n: number): { id: string; start_time: Date } => ({ id: idAt(day(n)), start_time: day(n) });
    const a = await putExecution(database, {
      ...base,
      ...at(1),
      name: 'alpha_1',
      status: 'SUCCEEDED',
      end_time: day(1),
      current_state: 'Last',
    });
    const b = await putExecution(database, {
      ...base,
      ...at(5),
      name: 'alphaX1',
      status: 'FAILED',
      end_time: day(6),
      batch_id: batchId,
    });
    const c = await putExecution(database, {
      ...base,
      ...at(9),
      name: 'beta',
      current_state: 'Parked',
      epoch: 0,
    });
    const find = (filter: ExecutionFilter): Promise<string[]> =>
      readAll({ stateMachineId: 'f', ...filter }, 10);

    expect(await find({})).toEqual([c, b, a]);
    expect(await find({ status: 'FAILED' })).toEqual([b]);
    expect(await find({ status: 'RUNNING' })).toEqual([c]);
    expect(await find({ name: 'alpha' })).toEqual([b, a]);
    // Neither _ nor % is a wildcard.
    expect(await find({ name: 'a_1' })).toEqual([a]);
    expect(await find({ name: '%' })).toEqual([]);
    expect(await find({ currentState: 'Last' })).toEqual([a]);
    expect(await find({ currentState: 'Parked' })).toEqual([c]);
    expect(await find({ batchId })).toEqual([b]);
    expect(await find({ batchId: 'not-a-uuid' })).toEqual([]);
    expect(await find({ startedAfter: day(1) })).toEqual([c, b]);
    expect(await find({ startedBefore: day(9) })).toEqual([b, a]);
    expect(await find({ startedAfter: day(2), startedBefore: day(8), status: 'FAILED' })).toEqual([b]);
    expect(await find({ startedAfter: new Date('9999-12-31T00:00:00Z') })).toEqual([]);
    expect(await find({ startedBefore: new Date('0001-01-01T00:00:00Z') })).toEqual([]);
    expect(await countExecutions(database.pool, { stateMachineId: 'f', name: 'alpha' })).toBe(2);
  });

  test("shows the journal's state while an execution is under way, and its own row's once it has ended", async () => {
    const event = { id: 1, previousEventId: 0, type: 'ExecutionStarted' as const, timestamp: 0 };
    const running = await putExecution(database, {
      state_machine_id: 's',
      epoch: 1,
      owner: newId(),
      current_state: 'Old',
    });
    await putHistory(database, running, [event], 1, 'New');
    const ended = await putExecution(database, {
      state_machine_id: 's',
      epoch: 1,
      current_state: 'End',
      end_time: new Date(),
      status: 'SUCCEEDED',
    });
    await putHistory(database, ended, [event], 1, 'Before');

    expect(await findExecution(database.pool, running)).toMatchObject({ currentState: 'New' });
    expect(await findExecution(database.pool, ended)).toMatchObject({ currentState: 'End' });
    expect(await readAll({ stateMachineId: 's', currentState: 'New' }, 10)).toEqual([running]);
    expect(await readAll({ stateMachineId: 's', currentState: 'Old' }, 10)).toEqual([]);
  });

  test.each([
    '',
    'x',
    'bnVsbA',
    Buffer.from('["executions","no"]').toString('base64url'),
    Buffer.from('["history",1,2]').toString('base64url'),
  ])('refuses the cursor %p', async (cursor) => {
    await expect(listExecutions(database.pool, {}, { limit: 1, cursor })).rejects.toThrow(InvalidCursor);
  });

  test('finds nothing, and does not fail, for an id that is no UUID', async () => {
    expect(await findExecution(database.pool, "x'; DROP TABLE executions; --")).toBeUndefined();
    expect(await findExecution(database.pool, newId())).toBeUndefined();
  });

  test('reads a page of a machine through an index, without counting or sorting the table', async () => {
    await database.pool.query(
      `INSERT INTO executions (id, state_machine_id, version, name, status, input, start_time, end_time, queue)
       SELECT gen_random_uuid(), 'plan-' || n % 20, 1, 'p' || n, 'SUCCEEDED', '{}', now(), now(), 'q' FROM generate_series(1, 20000) n`,
    );
    await database.pool.query('VACUUM ANALYZE executions');
    let asked: { text: string; values: unknown[] } | undefined;
    const asking = Object.assign(Object.create(database.pool), {
      query: (text: string, values: unknown[]) => {
        asked = { text, values };
        return database.pool.query(text, values);
      },
    });
    // A part of the name is a filter on top; it does not tempt the planner into reading the table.
    for (const name of [undefined, 'P1']) {
      const filter = { stateMachineId: 'plan-3', ...(name !== undefined && { name }) };
      const { items } = await listExecutions(asking, filter, { limit: 50, cursor: undefined });
      expect(items).toHaveLength(50);
      const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN ${asked?.text}`,
        asked?.values,
      );
      const plan = rows.map((line) => line['QUERY PLAN']).join('\n');
      expect(plan).toMatch(/Index Scan Backward using executions_state_machine_id_id_idx/);
      expect(plan).not.toMatch(/Seq Scan/);
    }
  });
});

describe('statistics', () => {
  test('are exact, by status, and only of the time that was asked for', async () => {
    const start = Date.UTC(2026, 5, 1);
    for (let ms = 1; ms <= 100; ms++) {
      const times = { start_time: new Date(start + ms), end_time: new Date(start + ms + ms * 10) };
      await putExecution(database, {
        id: idAt(times.start_time),
        state_machine_id: 'st',
        status: 'SUCCEEDED',
        ...times,
      });
    }
    await putExecution(database, { state_machine_id: 'st' });
    await putExecution(database, { state_machine_id: 'other', status: 'FAILED', end_time: new Date() });

    const rows = await executionStatistics(database.pool, { stateMachineId: 'st' });
    expect(rows.find(({ status }) => status === 'SUCCEEDED')).toEqual({
      status: 'SUCCEEDED',
      count: 100,
      averageMs: 505,
      minMs: 10,
      maxMs: 1000,
      p50Ms: 505,
      p95Ms: expect.closeTo(950.5, 6),
      p99Ms: expect.closeTo(990.1, 6),
      first: new Date(start + 1),
      last: new Date(start + 100),
    });
    expect(rows.find(({ status }) => status === 'RUNNING')).toMatchObject({
      count: 1,
      averageMs: null,
      p99Ms: null,
    });
    expect(rows).toHaveLength(2);

    const range = { startedAfter: new Date(start + 90), startedBefore: new Date(start + 100) };
    expect(await executionStatistics(database.pool, { stateMachineId: 'st', ...range })).toMatchObject([
      { count: 9, minMs: 910 },
    ]);
  });
});

/** An id as it would have been made then. */
function idAt(date: Date): string {
  const time = date.getTime().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-${newId().slice(14)}`;
}
