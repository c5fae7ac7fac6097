/** A worker beside one of a later release: what it cannot read it leaves to that one. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answer, type Service, startService, until } from './service.js';

let service: Service;

beforeAll(async () => {
  service = await startService({ workers: 1 });
  const definition = {
    StartAt: 'Hear',
    States: {
      Hear: {
        Type: 'Message',
        CorrelationKey: 'order',
        CorrelationValuePath: '$.order',
        ResultPath: '$.heard',
        End: true,
      },
    },
  };
  const made = await service.call('POST', '/state-machines', { id: 'hearing', name: 'hearing', definition });
  expect(made.status).toBe(201);
}, 60_000);

afterAll(() => service.stop(), 60_000);

const LATER = 99;

const read = async (id: string): Promise<Answer> => (await service.call('GET', `/executions/${id}`)).body;

/** As a later release would have parked it: its frames in a format that nobody here has heard of. */
async function parkedByALaterRelease(order: string): Promise<string> {
  const { body } = await service.call('POST', '/state-machines/hearing/executions', { input: { order } });
  const id: string = body.executionId;
  await until(
    async () => (await service.call('GET', '/state-machines/hearing/waiting')).body.items,
    (items: Answer[]) => items.some(({ executionId }) => executionId === id),
  );
  for (const worker of service.workers.splice(0)) await worker.kill('SIGTERM');
  await rewrite(id, 1, LATER);
  await service.startWorker();
  return id;
}

async function rewrite(id: string, from: number, to: number): Promise<void> {
  const { rowCount } = await service.pool.query(
    'UPDATE journal SET frames = replace(frames, $2, $3) WHERE execution_id = $1 AND strpos(frames, $2) > 0',
    [id, `"v":${from}`, `"v":${to}`],
  );
  expect(rowCount).toBeGreaterThan(0);
}

const wake = (order: string) =>
  service.call('POST', '/messages', { correlationKey: 'order', correlationValue: order, data: 'now' });

test('an execution that a later release has advanced is set aside, listed, and taken up by who can read it', async () => {
  const id = await parkedByALaterRelease('A-1');
  expect((await wake('A-1')).body).toMatchObject({ delivered: 1 });
  const aside = await until(
    () => read(id),
    ({ pausedAt }: Answer) => pausedAt !== null,
  );
  expect(aside).toMatchObject({ status: 'RUNNING', pauseReason: expect.stringContaining('format 99') });
  const listed = (await service.call('GET', '/executions?paused=true')).body.items;
  expect(listed.map(({ executionId }: Answer) => executionId)).toEqual([id]);

  // Sweeps go by, and nobody tries again.
  const tries = async () =>
    (await service.pool.query('SELECT epoch, faults, owner FROM executions WHERE id = $1', [id])).rows;
  const before = await tries();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(await tries()).toEqual(before);
  expect(before).toMatchObject([{ faults: 0, owner: null }]);
  expect((await service.call('GET', '/queues/hearing/dead-letters')).body.items).toEqual([]);

  // To its reader it is in a known format: here that is this worker, with the format made one that it knows.
  await rewrite(id, LATER, 1);
  await service.pool.query('UPDATE executions SET needs_format = 1 WHERE id = $1', [id]);
  const ended = await until(
    () => read(id),
    ({ status }: Answer) => status !== 'RUNNING',
  );
  expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { order: 'A-1', heard: 'now' } });
}, 90_000);

test('one that is resumed by hand too early is set aside again, and one that is stopped is stopped', async () => {
  const id = await parkedByALaterRelease('A-2');
  await wake('A-2');
  const { pausedAt } = await until(
    () => read(id),
    (execution: Answer) => execution.pausedAt !== null,
  );
  expect((await service.call('POST', `/executions/${id}/resume`)).status).toBe(200);
  await until(
    () => read(id),
    (execution: Answer) => execution.pausedAt !== null && execution.pausedAt !== pausedAt,
  );
  expect((await service.call('DELETE', `/executions/${id}`, { error: 'Enough' })).status).toBe(200);
  const stopped = await until(
    () => read(id),
    ({ status }: Answer) => status !== 'RUNNING',
  );
  expect(stopped).toMatchObject({ status: 'ABORTED', error: 'Enough', pausedAt: null });
}, 90_000);

test('what somebody paused is not resumed by a sweep', async () => {
  const { body } = await service.call('POST', '/state-machines/hearing/executions', {
    input: { order: 'A-3' },
  });
  await service.call('POST', `/executions/${body.executionId}/pause`, { reason: 'by hand' });
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(await read(body.executionId)).toMatchObject({ status: 'RUNNING', pauseReason: 'by hand' });
}, 60_000);
