/** Chaining, end to end: transformers, links, and what is left to chain, over HTTP and processes. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answer, type Service, startService, until } from './service.js';

let service: Service;
beforeAll(async () => {
  service = await startService({ workers: 2 });
  await machine('orders', { Make: { Type: 'Pass', End: true } });
  await machine('invoices', { Write: { Type: 'Pass', End: true } });
});
afterAll(() => service.stop(), 60_000);

async function machine(id: string, states: object): Promise<void> {
  const definition = { StartAt: Object.keys(states)[0], States: states };
  const { status, body } = await service.call('POST', '/state-machines', { id, name: id, definition });
  expect({ status, body }).toMatchObject({ status: 201 });
}

async function run(id: string, body: object): Promise<Answer> {
  const { body: started } = await service.call('POST', `/state-machines/${id}/executions?wait=30`, body);
  expect(started.status).not.toBe('RUNNING');
  return started;
}

const links = async (id: string): Promise<Answer> =>
  (await service.call('GET', `/executions/${id}/links`)).body;

const countOf = async (query: string): Promise<number> =>
  (await service.call('GET', `/executions/count?${query}`)).body.count;

test('a batch makes of each order an invoice, but of those that the transformer fails on', async () => {
  for (const cents of [100, 200, 'much', 400]) await run('orders', { input: { cents } });
  const stored = await service.call('POST', '/transformers', {
    name: 'with-tax',
    expression: '{% { "gross": cents * 1.25, "order": $source.id } %}',
  });
  expect(stored.status).toBe(201);
  expect(await countOf('stateMachineId=orders&notChainedInto=invoices')).toBe(4);

  const request = { filter: { stateMachineId: 'orders', sourceInputTransformer: 'with-tax' } };
  const { body: batch } = await service.call('POST', '/state-machines/invoices/batch?wait=30', request);
  expect(batch).toMatchObject({ status: 'FAILED', total: 4, succeeded: 3, failed: 1 });
  const { items } = (await service.call('GET', `/executions?batchId=${batch.batchId}`)).body;
  const good = items.filter(({ status }: Answer) => status === 'SUCCEEDED');
  expect(good.map(({ output }: Answer) => output.gross).sort((a: number, b: number) => a - b)).toEqual([
    125, 250, 500,
  ]);
  for (const { output, sourceExecutionId } of good) expect(output.order).toBe(sourceExecutionId);
  const [bad] = items.filter(({ status }: Answer) => status === 'FAILED');
  expect(bad).toMatchObject({
    error: 'Escapement.TransformerFailed',
    cause: expect.stringMatching(/^The transformer failed: T2001/),
  });
  const { items: history } = (await service.call('GET', `/executions/${bad.executionId}/history`)).body;
  expect(history.map(({ type }: Answer) => type)).toEqual(['ExecutionStarted', 'ExecutionFailed']);

  // The one on which it failed is still to be done, and only that one.
  expect(await countOf('stateMachineId=orders&chainedInto=invoices')).toBe(3);
  const { body: open } = await service.call(
    'GET',
    '/executions?stateMachineId=orders&notChainedInto=invoices',
  );
  expect(open.items.map(({ executionId }: Answer) => executionId)).toEqual([bad.sourceExecutionId]);
  const { body: again } = await service.call('POST', '/state-machines/invoices/batch?wait=30', {
    filter: {
      stateMachineId: 'orders',
      notChainedInto: 'invoices',
      sourceInputTransformer: '{% {"raw": $} %}',
    },
  });
  expect(again).toMatchObject({ status: 'SUCCEEDED', total: 1 });
  expect(await countOf('stateMachineId=orders&notChainedInto=invoices')).toBe(0);

  // An order knows what came of it, and an invoice where it came from.
  expect((await links(good[0].sourceExecutionId)).items).toMatchObject([
    {
      relation: 'chained',
      executionId: good[0].executionId,
      stateMachineId: 'invoices',
      status: 'SUCCEEDED',
    },
  ]);
  expect((await links(good[0].executionId)).from).toMatchObject([
    { relation: 'source', executionId: good[0].sourceExecutionId, stateMachineId: 'orders' },
    { relation: 'batch', batchId: batch.batchId, executionId: null, status: 'FAILED' },
  ]);
});

test('children and map runs are links of their parent, and it is one of theirs', async () => {
  await machine('parents', {
    Call: {
      Type: 'Task',
      Resource: 'arn:aws:states:::states:startExecution.sync:2',
      Parameters: { StateMachineArn: 'invoices', Input: { a: 1 } },
      ResultPath: null,
      Next: 'Each',
    },
    Each: {
      Type: 'Map',
      ItemsPath: '$.items',
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'One',
        States: { One: { Type: 'Pass', End: true } },
      },
      End: true,
    },
  });
  const parent = await run('parents', { input: { items: [1, 2] } });
  expect(parent.status).toBe('SUCCEEDED');
  const { from, items } = await links(parent.executionId);
  expect(from).toEqual([]);
  expect(items).toMatchObject([
    { relation: 'mapRun', name: 'Each', status: 'SUCCEEDED', executionId: null },
    { relation: 'child', stateMachineId: 'invoices', status: 'SUCCEEDED', mapRunId: null },
  ]);
  expect((await links(items[1].executionId)).from).toMatchObject([
    { relation: 'parent', executionId: parent.executionId },
  ]);
  const children = await until(
    async () => (await service.call('GET', `/executions?batchId=${items[0].mapRunId}`)).body.items,
    (found) => found.length === 2,
  );
  expect((await links(children[0].executionId)).from).toMatchObject([
    { relation: 'parent', executionId: parent.executionId },
    { relation: 'mapRun', mapRunId: items[0].mapRunId },
  ]);
});
