import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { askAsPromised } from './asking.js';
import { type ApiDocument, loadDocument } from './document.js';
import type { Answer } from './listening.js';
import { openService, type Service } from './service.js';

let service: Service;
let document: ApiDocument;
beforeAll(async () => {
  [service, document] = await Promise.all([openService(), loadDocument()]);
  const definition = { StartAt: 'A', States: { A: { Type: 'Succeed' } } };
  for (const id of ['orders', 'invoices', 'letters'])
    await service.send('POST', '/state-machines', { id, name: id, definition });
});
afterAll(() => service.close());

const ask = (operationId: string, path: string, body?: unknown): Promise<Answer> =>
  askAsPromised(service, document, operationId, path, body);

const create = (body: object) => ask('createTransformer', '/transformers', body);
const start = (machine: string, body: object) =>
  ask('startExecution', `/state-machines/${machine}/executions`, body);

/** An order that has SUCCEEDED with this output; nobody works here, so it is written down as such. */
async function order(output: unknown, more: object = {}): Promise<string> {
  const { body } = await start('orders', more);
  await service.database.pool.query(
    `UPDATE executions SET status = 'SUCCEEDED', output = $2, end_time = now(), wake_at = NULL, current_state = 'A' WHERE id = $1`,
    [body['executionId'], JSON.stringify(output)],
  );
  return String(body['executionId']);
}

describe('transformers', () => {
  test('are created, found, listed and deleted', async () => {
    const expression = '{ "id": order.id }';
    const made = await create({ name: 'order-id', expression, description: 'its id' });
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'order-id', expression, description: 'its id' },
    });
    expect(made.headers.get('location')).toBe('/transformers/order-id');
    expect(await create({ name: 'order-id', expression, description: 'its id' })).toMatchObject({
      status: 200,
      body: made.body,
    });
    for (const other of [{ expression: '1', description: 'its id' }, { expression }]) {
      expect(await create({ name: 'order-id', ...other })).toMatchObject({
        status: 409,
        body: { code: 'TRANSFORMER_EXISTS', details: [{ pointer: '/name' }] },
      });
    }
    await create({ name: 'zeta', expression: '{% $ %}' });
    expect((await ask('getTransformer', '/transformers/zeta')).body).toMatchObject({ description: null });
    const first = (await ask('listTransformers', '/transformers?limit=1')).body;
    expect(first).toMatchObject({ items: [made.body] });
    const rest = await ask('listTransformers', `/transformers?cursor=${String(first['nextCursor'])}`);
    expect(rest.body).toMatchObject({ items: [{ name: 'zeta', expression: '{% $ %}' }], nextCursor: null });

    expect((await ask('deleteTransformer', '/transformers/zeta')).body).toEqual({ name: 'zeta' });
    for (const operation of ['getTransformer', 'deleteTransformer']) {
      for (const name of ['zeta', 'a%2Fb']) {
        expect(await ask(operation, `/transformers/${name}`)).toMatchObject({
          status: 404,
          body: { code: 'TRANSFORMER_NOT_FOUND' },
        });
      }
    }
  });

  test('are checked when they are created', async () => {
    expect(await create({ name: 'wrong', expression: '{ "a": order. }' })).toMatchObject({
      status: 400,
      body: {
        code: 'INVALID_TRANSFORMER',
        details: [{ pointer: '/expression', message: expect.stringMatching(/\(at character \d+\)\.$/) }],
      },
    });
    for (const name of ['1a', 'a b', '{% a %}', 'a.b', '-a', 'ä'])
      expect(await create({ name, expression: '1' })).toMatchObject({
        status: 400,
        body: { code: 'INVALID_NAME', details: [{ pointer: '/name' }] },
      });
    expect((await create({ name: 'long', expression: ' '.repeat(40_000) })).status).toBe(400);
    expect((await ask('getTransformer', '/transformers/wrong')).status).toBe(404);
  });
});

describe('a start from a source', () => {
  test('gets what the expression, or the stored one of the name, makes of the output', async () => {
    const source = await order({ order: { id: 7 }, noise: [1, 2] });
    await create({ name: 'stored', expression: '{ "stored": order.id, "by": $source.stateMachineId }' });
    for (const [sourceInputTransformer, input] of [
      ['{% { "id": order.id, "of": $source.id } %}', { id: 7, of: source }],
      ['$.order', { id: 7 }],
      ['{% order %}', { id: 7 }],
      ['stored', { stored: 7, by: 'orders' }],
    ] as const) {
      const made = await start('invoices', { sourceExecutionId: source, sourceInputTransformer });
      expect(made).toMatchObject({ status: 202, body: { input, sourceExecutionId: source } });
    }
    const queued = { stateMachineId: 'invoices', queue: 'low', sourceExecutionId: source };
    expect(
      await ask('enqueueExecution', '/queues/enqueue', {
        ...queued,
        sourceInputTransformer: '$count(noise)',
      }),
    ).toMatchObject({ status: 202, body: { input: 2 } });
  });

  test('is refused, and nothing started, when there is no such transformer, or it gives nothing', async () => {
    const sourceExecutionId = await order({ n: 'x' });
    const count = async () => (await service.send('GET', '/executions/count')).body['count'];
    const before = await count();
    for (const [sourceInputTransformer, status, code, message] of [
      ['storred', 404, 'TRANSFORMER_NOT_FOUND', /write \{% storred %\}/],
      ['{% n + %}', 400, 'INVALID_TRANSFORMER', /at character/],
      ['{% n + 1 %}', 409, 'TRANSFORMER_FAILED', /T2001/],
      ['{% missing %}', 409, 'TRANSFORMER_FAILED', /gave nothing/],
      ['{% ($f := function() { $f() }; $f()) %}', 409, 'TRANSFORMER_FAILED', /failed/],
    ] as const) {
      expect(await start('invoices', { sourceExecutionId, sourceInputTransformer })).toMatchObject({
        status,
        body: {
          code,
          details: [{ pointer: '/sourceInputTransformer', message: expect.stringMatching(message) }],
        },
      });
    }
    expect(await start('invoices', { sourceInputTransformer: '$' })).toMatchObject({
      status: 400,
      body: { code: 'VALIDATION_FAILED', details: [{ pointer: '/sourceInputTransformer' }] },
    });
    expect(await count()).toBe(before);
  });
});

describe('a batch from a filter', () => {
  const batch = (filter: object) => ask('createBatch', '/state-machines/letters/batch', { filter });

  test('keeps the expression of the stored transformer that it names', async () => {
    await create({ name: 'short-lived', expression: 'order.id' });
    const { body } = await batch({ stateMachineId: 'orders', sourceInputTransformer: 'short-lived' });
    await ask('deleteTransformer', '/transformers/short-lived');
    const { rows } = await service.database.pool.query(
      'SELECT source_transformer, filter FROM batches WHERE id = $1',
      [body['batchId']],
    );
    expect(rows).toMatchObject([
      { source_transformer: 'order.id', filter: { sourceInputTransformer: 'short-lived' } },
    ]);
  });

  test('is refused with a transformer that is none, or of which there is none', async () => {
    expect(await batch({ sourceInputTransformer: 'short-lived' })).toMatchObject({
      status: 404,
      body: { code: 'TRANSFORMER_NOT_FOUND', details: [{ pointer: '/filter/sourceInputTransformer' }] },
    });
    expect(await batch({ sourceInputTransformer: '{% ) %}' })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_TRANSFORMER', details: [{ pointer: '/filter/sourceInputTransformer' }] },
    });
    expect(await batch({ notChainedInto: 'leters' })).toMatchObject({
      status: 404,
      body: { code: 'STATE_MACHINE_NOT_FOUND', details: [{ pointer: '/filter/notChainedInto' }] },
    });
  });

  test('takes what has, or has not, been chained into another machine', async () => {
    const one = await order(1, { name: 'pair-1' });
    const two = await order(2, { name: 'pair-2' });
    await start('invoices', { sourceExecutionId: one });
    const sourcesOf = async (filter: object) => {
      const { body } = await batch({ stateMachineId: 'orders', name: 'pair-', ...filter });
      const { rows } = await service.database.pool.query(
        'SELECT source_ids FROM batch_chunks WHERE batch_id = $1',
        [body['batchId']],
      );
      return { total: body['total'], ids: rows.flatMap((row) => row.source_ids) };
    };
    expect(await sourcesOf({ chainedInto: 'invoices' })).toEqual({ total: 1, ids: [one] });
    expect(await sourcesOf({ notChainedInto: 'invoices' })).toEqual({ total: 1, ids: [two] });
  });
});

describe('lists', () => {
  test('show what has, or has not yet, been chained into a machine; a member that never ran does not count', async () => {
    const [done, failed, untouched] = [await order({ n: 1 }), await order({ n: 2 }), await order({ n: 3 })];
    await start('letters', { sourceExecutionId: done });
    const { body } = await start('letters', { sourceExecutionId: failed });
    await service.database.pool.query(
      `UPDATE executions SET status = 'FAILED', end_time = now() WHERE id = $1`,
      [body['executionId']],
    );
    const idsOf = async (query: string) => {
      const { body: page } = await ask(
        'listExecutions',
        `/executions?stateMachineId=orders&limit=1000&${query}`,
      );
      return (page['items'] as { executionId: string }[]).map(({ executionId }) => executionId);
    };
    const chained = await idsOf('chainedInto=letters');
    const open = await idsOf('notChainedInto=letters');
    expect(chained).toEqual([done]);
    expect(open).toEqual(expect.arrayContaining([failed, untouched]));
    expect(open).not.toContain(done);
    expect(
      (
        await ask(
          'countStateMachineExecutions',
          '/state-machines/orders/executions/count?chainedInto=letters',
        )
      ).body,
    ).toEqual({ count: 1 });
    for (const operation of ['listExecutions', 'countExecutions']) {
      const path = operation === 'listExecutions' ? '/executions' : '/executions/count';
      expect(await ask(operation, `${path}?chainedInto=nobody`)).toMatchObject({
        status: 404,
        body: { code: 'STATE_MACHINE_NOT_FOUND', details: [{ pointer: '/chainedInto' }] },
      });
    }
  });
});

describe('the links of an execution', () => {
  test('are where it came from, and a page of what came of it', async () => {
    const source = await order({ n: 1 });
    const made: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { body } = await start('invoices', { sourceExecutionId: source, name: `${source}-${n}` });
      made.push(String(body['executionId']));
    }
    const path = `/executions/${source}/links`;
    const first = await ask('getExecutionLinks', `${path}?limit=2`);
    const rest = await ask('getExecutionLinks', `${path}?limit=2&cursor=${String(first.body['nextCursor'])}`);
    const items = [first, rest].flatMap(({ body }) => body['items'] as Record<string, unknown>[]);
    expect(items.map(({ executionId }) => executionId).sort()).toEqual([...made].sort());
    expect(items[0]).toEqual({
      relation: 'chained',
      executionId: expect.any(String),
      batchId: null,
      mapRunId: null,
      stateMachineId: 'invoices',
      name: expect.stringContaining(source),
      status: 'RUNNING',
      sourceStateName: null,
      startTime: expect.any(String),
    });
    expect(rest.body['nextCursor']).toBe(null);
    expect((await ask('getExecutionLinks', `/executions/${made[0]}/links`)).body).toMatchObject({
      from: [{ relation: 'source', executionId: source, stateMachineId: 'orders', status: 'SUCCEEDED' }],
      items: [],
      nextCursor: null,
    });
  });

  test('of one that there is not are refused', async () => {
    for (const id of ['nobody', '0198c1a2-7d4e-7c3a-9f0b-5a4b3c2d1e0f'])
      expect(await ask('getExecutionLinks', `/executions/${id}/links`)).toMatchObject({
        status: 404,
        body: { code: 'EXECUTION_NOT_FOUND' },
      });
  });
});
