import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answer, type Service, startService, until } from './service.js';

let service: Service;
beforeAll(async () => {
  service = await startService({ workers: 2, env: { CONCURRENCY: '10' } });
});
afterAll(() => service.stop());

const ITEMS = 400;
const LIMIT = 8;

const definition = {
  StartAt: 'Each',
  States: {
    Each: {
      Type: 'Map',
      Label: 'each',
      MaxConcurrency: LIMIT,
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'Validate',
        States: {
          Validate: { Type: 'Task', Resource: 'validateOrder', ResultPath: '$.validated', Next: 'Keep' },
          Keep: { Type: 'Pass', Parameters: { 'n.$': '$.n' }, End: true },
        },
      },
      End: true,
    },
  },
};

async function start(input: unknown): Promise<string> {
  const machine = await service.call('POST', '/state-machines', { name: 'map', definition });
  expect(machine.status).toBe(201);
  const { body } = await service.call('POST', `/state-machines/${machine.body.stateMachineId}/executions`, {
    input,
  });
  return body.executionId;
}

async function mapRunOf(executionId: string): Promise<Answer> {
  const found = await until(
    async () => (await service.call('GET', `/executions/${executionId}/map-runs`)).body.items,
    (items) => items.length > 0,
  );
  return found[0];
}

/** The process that leads the map run, ended as by kill -9. */
async function killLeader(mapRunId: string): Promise<void> {
  const { rows } = await until(
    () =>
      service.pool.query('SELECT w.pid FROM batches b JOIN workers w ON w.id = b.owner WHERE b.id = $1', [
        mapRunId,
      ]),
    ({ rows }) => rows.length > 0,
  );
  const leader = service.workers.find(({ child }) => child.pid === rows[0].pid);
  if (leader === undefined) throw new Error('the leader is no worker of ours');
  await leader.kill('SIGKILL');
}

test('a map run outlives its leaders, with no child lost, none twice, and never more at once than allowed', async () => {
  const id = await start(Array.from({ length: ITEMS }, (_, n) => ({ n, delayMs: 40 })));
  const { mapRunId } = await mapRunOf(id);
  const open = async (): Promise<number> => {
    const { rows } = await service.pool.query(
      'SELECT count(*)::int AS n FROM executions WHERE batch_id = $1 AND end_time IS NULL',
      [mapRunId],
    );
    return rows[0].n;
  };
  let peak = 0;
  const watching = setInterval(() => void open().then((n) => (peak = Math.max(peak, n))), 20);
  for (const ended of [60, 200]) {
    await until(
      async () => (await service.call('GET', `/map-runs/${mapRunId}`)).body,
      ({ executionCounts }) => executionCounts.succeeded >= ended,
    );
    await killLeader(mapRunId);
    await service.startWorker();
  }
  const execution = await until(
    async () => (await service.call('GET', `/executions/${id}`)).body,
    ({ status }) => status !== 'RUNNING',
  );
  clearInterval(watching);
  expect(execution).toMatchObject({ status: 'SUCCEEDED' });
  expect(execution.output).toEqual(Array.from({ length: ITEMS }, (_, n) => ({ n })));
  expect(peak).toBeLessThanOrEqual(LIMIT);
  expect((await service.call('GET', `/map-runs/${mapRunId}`)).body).toMatchObject({
    status: 'SUCCEEDED',
    executionCounts: { total: ITEMS, succeeded: ITEMS, failed: 0, aborted: 0, running: 0, pending: 0 },
  });
  // Each child's task ran once, but for those that a killed worker had in hand.
  const { rows } = await service.pool.query(
    'SELECT count(*)::int AS calls, count(DISTINCT key)::int AS tasks, count(DISTINCT execution_id)::int AS children FROM ledger',
  );
  expect(rows[0]).toMatchObject({ tasks: ITEMS, children: ITEMS });
  expect(rows[0].calls).toBeLessThanOrEqual(ITEMS + 2 * LIMIT);
  // The machine has one execution; its children are not among them.
  const { body } = await service.call('GET', `/state-machines/${execution.stateMachineId}/executions/count`);
  expect(body.count).toBe(1);
});
