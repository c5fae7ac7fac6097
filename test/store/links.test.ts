import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Database, listExecutions, listOutcomes, newId, readOrigins } from '../../src/store/index.js';
import { LIST_OUTCOMES } from '../../src/store/links.js';
import { openStore, putExecution } from './fixtures.js';
import { planOf } from './plans.js';

let database: Database;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ database, close } = await openStore());
});
afterAll(() => close());

async function putBatch(columns: Record<string, unknown>): Promise<string> {
  const row: Record<string, unknown> = {
    id: newId(),
    state_machine_id: 'm',
    version: 1,
    mode: 'distributed',
    status: 'RUNNING',
    name_prefix: 'b',
    concurrency: 0,
    stop_on_error: false,
    queue: 'm',
    total: 1,
    created_at: new Date(),
    updated_at: new Date(),
    ...columns,
  };
  const names = Object.keys(row);
  await database.pool.query(
    `INSERT INTO batches (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
  return String(row['id']);
}

describe('what an execution came from', () => {
  test('is nothing for one that somebody started', async () => {
    expect(await readOrigins(database.pool, await putExecution(database, {}))).toEqual([]);
  });

  test('is its source, with the state, and the batch that it is a member of', async () => {
    const source = await putExecution(database, { status: 'SUCCEEDED', name: 'origin' });
    const batch = await putBatch({ name_prefix: 'run', status: 'CANCELLING' });
    const id = await putExecution(database, {
      source_execution_id: source,
      source_state_name: 'Charge',
      batch_id: batch,
      batch_index: 0,
    });
    expect(await readOrigins(database.pool, id)).toEqual([
      {
        relation: 'source',
        id: source,
        stateMachineId: 'm',
        name: 'origin',
        status: 'SUCCEEDED',
        stateName: 'Charge',
        startTime: expect.any(Date),
      },
      expect.objectContaining({ relation: 'batch', id: batch, name: 'run', status: 'RUNNING' }),
    ]);
  });

  test('is its parent, and the map run that it is a child of', async () => {
    const parent = await putExecution(database, {});
    const run = await putBatch({ mode: 'mapRun', parent_id: parent, map_state: 'Each', status: 'SUCCEEDED' });
    const id = await putExecution(database, { parent_id: parent, batch_id: run, batch_index: 0 });
    expect(await readOrigins(database.pool, id)).toMatchObject([
      { relation: 'parent', id: parent, stateName: null },
      { relation: 'mapRun', id: run, name: 'Each', status: 'SUCCEEDED' },
    ]);
    // The child of a map run is the run's, and not its parent's.
    expect((await listOutcomes(database.pool, parent, { limit: 10, cursor: undefined })).items).toMatchObject(
      [{ relation: 'mapRun', id: run }],
    );
  });
});

describe('what came of an execution', () => {
  test('is paged, newest first, whatever it is, also where many began at the same time', async () => {
    const id = await putExecution(database, {});
    const at = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, n));
    const made: string[] = [];
    for (let n = 0; n < 12; n++) {
      const start_time = at(Math.floor(n / 4));
      if (n % 4 === 0) made.push(await putExecution(database, { start_time, source_execution_id: id }));
      else if (n % 4 === 1)
        made.push(await putExecution(database, { start_time, parent_id: id, parent_key: `k${n}` }));
      else
        made.push(
          await putBatch({ created_at: start_time, mode: 'mapRun', parent_id: id, map_state: 'Each' }),
        );
    }
    // Its items are still being read: it is not there yet.
    await putBatch({ mode: 'mapRun', parent_id: id, map_state: 'Each', status: 'RECEIVING' });
    const seen: string[] = [];
    const times: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await listOutcomes(database.pool, id, { limit: 5, cursor });
      expect(page.items.length).toBeLessThanOrEqual(5);
      seen.push(...page.items.map((link) => link.id));
      times.push(...page.items.map(({ startTime }) => startTime.getTime()));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect([...seen].sort()).toEqual([...made].sort());
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });
});

describe('the plans', () => {
  beforeAll(async () => {
    // 20,000 sources of one machine; of every hundredth something came.
    await database.pool.query(
      `INSERT INTO executions (id, state_machine_id, version, name, status, input, output, start_time, end_time, queue)
       SELECT ('01990000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'plan-source', 1, 's' || n, 'SUCCEEDED', '{}', '{}', now(), now(), 'q'
       FROM generate_series(1, 20000) n`,
    );
    await database.pool.query(
      `INSERT INTO executions (id, state_machine_id, version, name, status, input, start_time, queue, source_execution_id)
       SELECT gen_random_uuid(), 'plan-target', 1, 't' || n, 'RUNNING', '{}', now(), 'q',
         ('01990000-0000-7000-8000-' || lpad((n * 100)::text, 12, '0'))::uuid
       FROM generate_series(1, 200) n`,
    );
    await database.pool.query('VACUUM ANALYZE executions');
  });

  test.each(['chainedInto', 'notChainedInto'] as const)(
    'of a list with %s read no whole table',
    async (field) => {
      const asked: { text: string; values: unknown[] }[] = [];
      const pool = {
        query: async (text: string, values: unknown[]) => {
          asked.push({ text, values });
          return { rows: [] };
        },
      } as unknown as Database['pool'];
      const filter = { stateMachineId: 'plan-source', [field]: 'plan-target' };
      await listExecutions(pool, filter, { limit: 50, cursor: undefined });
      const { text = '', values = [] } = asked[0] ?? {};
      const plan = await planOf(database.pool, text, values);
      expect(plan).toContain('executions_chained_idx');
      expect(plan).not.toMatch(/Seq Scan/);
    },
  );

  test('of what came of an execution go by its id', async () => {
    const plan = await planOf(database.pool, LIST_OUTCOMES, [newId(), null, null, 51]);
    expect(plan).toMatch(/executions_source_execution_id_idx/);
    expect(plan).toMatch(/executions_parent_id_parent_key_key/);
    expect(plan).not.toMatch(/Seq Scan on executions/);
  });
});
