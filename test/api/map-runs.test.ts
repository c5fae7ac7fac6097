import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBatchStore } from '../../src/store/index.js';
import { insertMapRun } from '../batches/map-runs.js';
import { endMember } from '../batches/rows.js';
import { insertWorker } from '../store/rows.js';
import { askAsPromised } from './asking.js';
import { type ApiDocument, loadDocument } from './document.js';
import type { Answer } from './listening.js';
import { openService, type Service } from './service.js';

let service: Service;
let document: ApiDocument;
beforeAll(async () => {
  [service, document] = await Promise.all([openService(), loadDocument()]);
});
afterAll(() => service.close());

const ask = (path: string, operationId: string): Promise<Answer> =>
  askAsPromised(service, document, operationId, path);

async function startParent(): Promise<string> {
  const definition = { StartAt: 'A', States: { A: { Type: 'Task', Resource: 'a', End: true } } };
  const machine = await service.send('POST', '/state-machines', { name: 'parent', definition });
  const path = `/state-machines/${String(machine.body['stateMachineId'])}/executions`;
  return String((await service.send('POST', path, {})).body['executionId']);
}

describe('a map run', () => {
  test('is told as it stands: its children and items in counts that add up', async () => {
    const { pool } = service.database;
    const parentId = await startParent();
    const mapRunId = await insertMapRun(pool, 4, {
      parentId,
      batched: true,
      items: 7,
      maxConcurrency: 5,
      toleratedPercentage: 60.5,
    });
    const store = createBatchStore({ pool });
    const workerId = await insertWorker(pool);
    await store.claim(workerId, mapRunId);
    const members = [2, 2, 2].map((items, n) => ({
      kind: 'runnable' as const,
      input: String(n),
      sourceExecutionId: undefined,
      items,
    }));
    const ids = (await store.createMembers({ workerId, batchId: mapRunId, from: 0, members })) ?? [];
    await endMember(pool, ids[0] ?? '', 'TIMED_OUT');
    await endMember(pool, ids[1] ?? '', 'SUCCEEDED');

    const { status, body } = await ask(`/map-runs/${mapRunId}`, 'getMapRun');
    expect(status).toBe(200);
    expect(body).toEqual({
      mapRunId,
      mapRunArn: `arn:aws:states:us-east-1:000000000000:mapRun:parent/each:${mapRunId}`,
      executionId: parentId,
      stateName: 'Each',
      stateMachineId: 'parent/each',
      status: 'RUNNING',
      maxConcurrency: 5,
      redriveCount: 0,
      redriveDate: null,
      toleratedFailureCount: 0,
      toleratedFailurePercentage: 60.5,
      executionCounts: { total: 4, pending: 1, running: 1, succeeded: 1, failed: 0, timedOut: 1, aborted: 0 },
      itemCounts: { total: 7, pending: 1, running: 2, succeeded: 2, failed: 0, timedOut: 2, aborted: 0 },
      startTime: expect.any(String),
      endTime: null,
    });
    const children = await ask(`/executions?batchId=${mapRunId}`, 'listExecutions');
    expect(children.body['items']).toHaveLength(3);
    expect(children.body['items']).toContainEqual(
      expect.objectContaining({
        stateMachineId: 'parent/each',
        parentExecutionId: parentId,
        batchId: mapRunId,
      }),
    );
  });

  test('is in the list of its execution, and not among the batches', async () => {
    const { pool } = service.database;
    const parentId = await startParent();
    expect((await ask(`/executions/${parentId}/map-runs`, 'listMapRuns')).body).toEqual({
      items: [],
      nextCursor: null,
    });
    const ids = [await insertMapRun(pool, 1, { parentId }), await insertMapRun(pool, 0, { parentId })];
    const first = await ask(`/executions/${parentId}/map-runs?limit=1`, 'listMapRuns');
    expect(first.body['items']).toMatchObject([{ mapRunId: ids[1], status: 'SUCCEEDED' }]);
    const next = `/executions/${parentId}/map-runs?limit=1&cursor=${String(first.body['nextCursor'])}`;
    expect((await ask(next, 'listMapRuns')).body).toMatchObject({
      items: [{ mapRunId: ids[0] }],
      nextCursor: null,
    });
    expect((await ask('/batches', 'listBatches')).body['items']).toEqual([]);
    expect((await ask(`/batches/${ids[0] ?? ''}`, 'getBatch')).body['code']).toBe('BATCH_NOT_FOUND');
  });

  test.each(['nonsense', '0198c1a2-7d4e-7c3a-9f0b-5a4b3c2d1e0f'])(
    'that does not exist is not found: %s',
    async (id) => {
      expect((await ask(`/map-runs/${id}`, 'getMapRun')).body).toMatchObject({
        statusCode: 404,
        code: 'MAP_RUN_NOT_FOUND',
      });
      expect((await ask(`/executions/${id}/map-runs`, 'listMapRuns')).body['code']).toBe(
        'EXECUTION_NOT_FOUND',
      );
    },
  );
});
