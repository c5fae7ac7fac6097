import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { BatchStore, LedBatch } from '../../src/batches/index.js';
import { createMemberSource } from '../../src/batches/members.js';
import { appendSources, openBatch, receiveBatch } from '../../src/store/batch-intake.js';
import { type Database, newId } from '../../src/store/index.js';
import { openStore, putExecution, putHistory } from '../store/fixtures.js';
import { createTestWorker, type TestWorker } from './house.js';
import { batchRow } from './rows.js';

let database: Database;
let close: () => Promise<void>;
let worker: TestWorker;
beforeAll(async () => {
  ({ database, close } = await openStore(10));
  worker = await createTestWorker(database.pool);
});
afterAll(() => close());

let sources: string;
beforeEach(() => {
  sources = `sources-${newId()}`;
});

function putSource(output: unknown, more: Record<string, unknown> = {}): Promise<string> {
  return putExecution(database, {
    state_machine_id: sources,
    status: 'SUCCEEDED',
    output: JSON.stringify(output),
    end_time: new Date(),
    ...more,
  });
}

/** Leads a batch over all sources to its end; answers its members. */
async function run(
  sourceTransformer: string,
  {
    mode = 'concurrent',
    sourceStateName,
  }: { mode?: 'concurrent' | 'sequential'; sourceStateName?: string } = {},
) {
  const batch = {
    batchId: newId(),
    stateMachineId: `target-${sources}`,
    version: 1,
    mode,
    namePrefix: 'p',
    concurrency: mode === 'sequential' ? 1 : 3,
    stopOnError: false,
    queue: 'low',
    sourceStateName,
    sourceTransformer,
    filter: undefined,
  };
  await receiveBatch(database.pool, batch);
  await openBatch(
    database.pool,
    batch.batchId,
    await appendSources(database.pool, batch, { stateMachineId: sources }),
  );
  await worker.lead(batch.batchId);
  expect(worker.faults).toEqual([]);
  const { rows } = await database.pool.query(
    `SELECT status, error, cause, input, source_execution_id AS source FROM executions
     WHERE batch_id = $1 ORDER BY batch_index`,
    [batch.batchId],
  );
  return { members: rows, batch: await batchRow(database.pool, batch.batchId) };
}

describe('a batch with a transformer', () => {
  test('gives each member what the expression makes of its source', async () => {
    const first = await putSource({ order: { id: 1 } }, { name: 'one' });
    const second = await putSource({ order: { id: 2 } }, { name: 'two' });
    const { members, batch } = await run('{% { "id": order.id, "from": $source.name, "sid": $source.id } %}');
    expect(members.map(({ input }) => JSON.parse(input))).toEqual([
      { id: 1, from: 'one', sid: first },
      { id: 2, from: 'two', sid: second },
    ]);
    expect(members.map(({ source }) => source)).toEqual([first, second]);
    expect(batch).toMatchObject({ status: 'SUCCEEDED', total: 2, succeeded: 2 });
  });

  test('fails a member for whose source the expression fails, and no other', async () => {
    await putSource({ price: 1 });
    await putSource({ price: 'much' });
    await putSource({});
    await putSource({ price: 4 });
    const { members, batch } = await run('price + 1');
    expect(members).toMatchObject([
      { status: 'SUCCEEDED', input: '2', error: null },
      {
        status: 'FAILED',
        error: 'Escapement.TransformerFailed',
        cause: expect.stringMatching(/^The transformer failed: T2001: /),
      },
      {
        status: 'FAILED',
        error: 'Escapement.TransformerFailed',
        cause: 'The transformer gave nothing (undefined).',
      },
      { status: 'SUCCEEDED', input: '5' },
    ]);
    expect(batch).toMatchObject({ status: 'FAILED', total: 4, succeeded: 2, failed: 2 });
  });

  test('says so in the history of a member that failed', async () => {
    const id = await putSource({});
    await run('$error("no \\u0000 here")');
    const { rows } = await database.pool.query(
      `SELECT j.events FROM journal j JOIN executions e ON e.id = j.execution_id WHERE e.source_execution_id = $1`,
      [id],
    );
    expect(JSON.parse(rows[0].events)).toMatchObject([
      { type: 'ExecutionStarted' },
      { type: 'ExecutionFailed', details: { cause: 'The transformer failed: D3137: no \uFFFD here' } },
    ]);
  });

  test("transforms a state's output, and says which state it was", async () => {
    const id = await putSource({ whole: true });
    await putHistory(
      database,
      id,
      [
        { id: 1, previousEventId: 0, type: 'ExecutionStarted', timestamp: 0 },
        {
          id: 2,
          previousEventId: 1,
          type: 'TaskStateExited',
          timestamp: 0,
          details: { name: 'Charge', output: { cents: 99 } },
        },
      ],
      10,
    );
    const { members } = await run('{ "cents": cents, "state": $source.stateName }', {
      sourceStateName: 'Charge',
    });
    expect(members.map(({ input }) => JSON.parse(input))).toEqual([{ cents: 99, state: 'Charge' }]);
  });

  test('does not touch sources without an output', async () => {
    await putExecution(database, { state_machine_id: sources, status: 'FAILED', end_time: new Date() });
    const { members } = await run('1', { mode: 'sequential' });
    expect(members).toMatchObject([{ status: 'FAILED', error: 'Escapement.SourceHasNoOutput' }]);
  });

  test('hands on what is done while a slow expression works on the rest, so that a stop is heard', async () => {
    const ids = [newId(), newId(), newId()];
    const store = {
      readChunk: async () => ({ kind: 'sources' as const, firstIndex: 0, executionIds: ids }),
      readSources: async (asked: readonly string[]) =>
        asked.map((executionId) => ({
          executionId,
          name: 'n',
          stateMachineId: 'm',
          status: 'SUCCEEDED',
          output: '1',
          events: [],
        })),
    } as unknown as BatchStore;
    // Runs until its second is over.
    const sourceTransformer = '($f := function() { $f() }; $f())';
    const members = createMemberSource(store, { sourceTransformer } as LedBatch);
    for (const [from, id] of ids.entries()) {
      expect(await members.take(from, 100)).toEqual([
        {
          kind: 'failed',
          error: 'Escapement.TransformerFailed',
          cause: expect.stringMatching(/^The transformer failed: /),
          sourceExecutionId: id,
        },
      ]);
    }
  });
});
