import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/store/index.js';
import { eventually } from '../setup/eventually.js';
import { openService, type Service } from './service.js';

let service: Service;
beforeAll(async () => {
  service = await openService({
    sessionWaitLimitMs: 300,
    loopDelayLimitMs: 200,
    waitsLimit: 2,
    batchLimit: 3,
  });
  const definition = { StartAt: 'A', States: { A: { Type: 'Succeed' } } };
  await service.send('POST', '/state-machines', { id: 'limited', name: 'limited', definition });
});
afterAll(() => service.close());

const started = () => service.send('POST', '/state-machines/limited/executions');

test('no more requests are held than may be; who does not wait is served', async () => {
  await service.send('POST', '/activities', { name: 'weigh' });
  const gone = new AbortController();
  const held = [1, 2].map(() =>
    fetch(`${service.url}/activities/weigh/task?wait=30`, { signal: gone.signal }).catch(() => undefined),
  );
  await eventually(async () => {
    expect(await service.send('POST', '/state-machines/limited/executions?wait=1')).toMatchObject({
      status: 503,
      body: { code: 'TOO_MANY_WAITS' },
    });
  });
  expect(await service.send('GET', '/activities/weigh/task')).toMatchObject({ status: 204 });
  expect(await started()).toMatchObject({ status: 202 });
  gone.abort();
  await Promise.all(held);
  await eventually(async () => {
    expect((await service.send('GET', '/activities/weigh/task?wait=1')).status).toBe(204);
  });
});

describe('a server that is behind with its work', () => {
  test('refuses requests by name while sessions of the database are waited for, but for those that are urgent', async () => {
    const { body } = await started();
    const sessions = await Promise.all(Array.from({ length: 8 }, () => service.database.pool.connect()));
    const late = service.send('GET', `/executions/${String(body['executionId'])}`);
    try {
      await eventually(async () => {
        const refused = await service.send('GET', '/state-machines?limit=0');
        expect(refused).toMatchObject({ status: 503, body: { code: 'OVERLOADED' } });
        expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      });
      expect(await service.send('GET', '/health/live')).toMatchObject({ status: 200 });
      const stop = service.send('DELETE', `/executions/${String(body['executionId'])}`);
      expect(await service.send('GET', '/openapi.json')).toMatchObject({ status: 200 });
      for (const session of sessions.splice(0)) session.release();
      expect((await stop).status).toBe(200);
    } finally {
      for (const session of sessions) session.release();
    }
    expect(await late).toMatchObject({ status: 200 });
    await eventually(async () => expect(await started()).toMatchObject({ status: 202 }));
  });

  test('refuses them while its event loop is late, too, and takes them again when it is not', async () => {
    let busy = true;
    const work = (): void => {
      const until = performance.now() + 600;
      while (performance.now() < until);
      if (busy) setTimeout(work, 5);
    };
    work();
    await eventually(async () => {
      expect(await started()).toMatchObject({ status: 503, body: { code: 'OVERLOADED' } });
    }, 10_000);
    busy = false;
    await eventually(async () => expect(await started()).toMatchObject({ status: 202 }));
  }, 30_000);
});

describe('what is too much is refused by name, and nothing is left of it', () => {
  const LARGE = 'x'.repeat(300_000);

  test.each([
    ['the input of a start', 'POST', '/state-machines/limited/executions', { input: LARGE }],
    [
      'a member of a batch',
      'POST',
      '/state-machines/limited/batch',
      { inputs: [1, LARGE], mode: 'distributed' },
    ],
    ['the data of a message', 'POST', '/messages', { correlationKey: 'k', correlationValue: 1, data: LARGE }],
    ['the output of a task', 'POST', `/task-tokens/${newId()}/success`, { output: LARGE }],
  ])('%s', async (_what, method, path, body) => {
    const { rows: before } = await service.database.pool.query(COUNTS);
    expect(await service.send(method, path, body)).toMatchObject({
      status: 413,
      body: { code: 'PAYLOAD_TOO_LARGE' },
    });
    const { rows: after } = await service.database.pool.query(COUNTS);
    expect(after).toEqual(before);
  });

  test('sources of a batch, whether they are listed, sent by line, or found', async () => {
    const path = '/state-machines/limited/batch';
    const { rows: before } = await service.database.pool.query(COUNTS);
    const refused = { status: 413, body: { code: 'BATCH_TOO_LARGE' } };
    expect(await service.send('POST', path, { inputs: [1, 2, 3, 4], mode: 'distributed' })).toMatchObject(
      refused,
    );
    const lines = await fetch(`${service.url}${path}?mode=distributed`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: '1\n2\n3\n4\n',
    });
    expect(await lines.json()).toMatchObject({ code: 'BATCH_TOO_LARGE' });
    await service.database.pool.query(
      "UPDATE executions SET status = 'SUCCEEDED', end_time = now(), output = '1'",
    );
    for (let n = 0; n < 4; n++) await started();
    await service.database.pool.query(
      "UPDATE executions SET status = 'SUCCEEDED', end_time = now(), output = '1'",
    );
    const filter = { stateMachineId: 'limited' };
    expect(await service.send('POST', path, { filter, mode: 'distributed' })).toMatchObject(refused);
    const { rows: after } = await service.database.pool.query(COUNTS);
    expect(after[0]).toMatchObject({ batches: before[0].batches, chunks: before[0].chunks });
    expect(await service.send('POST', path, { inputs: [1, 2, 3], mode: 'distributed' })).toMatchObject({
      status: 202,
    });
  });
});

const COUNTS = `SELECT (SELECT count(*) FROM executions) AS executions, (SELECT count(*) FROM batches) AS batches,
  (SELECT count(*) FROM batch_chunks) AS chunks, (SELECT count(*) FROM messages) AS messages`;
