import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ApiDocument, loadDocument, type Operation } from './document.js';
import type { Answer } from './listening.js';
import { openService, type Service } from './service.js';

let service: Service;
let document: ApiDocument;
beforeAll(async () => {
  [service, document] = await Promise.all([openService(), loadDocument()]);
});
afterAll(() => service.close());

/** Sends a request, and checks that the answer is one that the document promises. */
async function send(method: string, path: string, body?: unknown, type?: string): Promise<Answer> {
  const answer = await service.send(method, path, body, type === undefined ? {} : { 'content-type': type });
  const operation = operationOf(method, path);
  expect(document.complaintAbout(operation, answer.status, answer.body)).toBeUndefined();
  return answer;
}

function operationOf(method: string, path: string): Operation {
  const segments = path.replace(/\?.*/, '').split('/');
  const fits = (template: string, exact: boolean) =>
    template.split('/').length === segments.length &&
    template.split('/').every((part, i) => part === segments[i] || (!exact && part.startsWith('{')));
  const candidates = document.operations.filter((one) => one.method === method);
  const found =
    candidates.find(({ path: template }) => fits(template, true)) ??
    candidates.find(({ path: template }) => fits(template, false));
  if (found === undefined) throw new Error(`the document has no ${method} ${path}`);
  return found;
}

async function refused(status: number, code: string, ...request: Parameters<typeof send>): Promise<Answer> {
  const answer = await send(...request);
  expect({ status: answer.status, code: answer.body['code'] }).toEqual({ status, code });
  return answer;
}

const definition = {
  StartAt: 'Charge',
  States: { Charge: { Type: 'Task', Resource: 'charge', End: true } },
};
const NOBODY = '0198c1a2-7d4e-7c3a-9f0b-5a4b3c2d1e0f';

let made = 0;
async function makeMachine(more: Record<string, unknown> = {}): Promise<string> {
  const answer = await send('POST', '/state-machines', { name: `machine ${++made}`, definition, ...more });
  expect(answer.status).toBe(201);
  return String(answer.body['stateMachineId']);
}

async function start(machine: string, body: unknown = {}): Promise<string> {
  const answer = await send('POST', `/state-machines/${machine}/executions`, body);
  expect(answer.status).toBe(202);
  return String(answer.body['executionId']);
}

describe('state machines', () => {
  test('are created, read, changed and deleted', async () => {
    const created = await send('POST', '/state-machines', {
      name: 'Order processing',
      description: 'Ships orders',
      definition,
      metadata: { owner: 'fulfilment', nested: [1, { a: null }] },
    });
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe('/state-machines/order-processing');
    expect(created.body).toEqual({
      stateMachineId: 'order-processing',
      name: 'Order processing',
      description: 'Ships orders',
      definition,
      type: 'STANDARD',
      queue: 'order-processing',
      metadata: { owner: 'fulfilment', nested: [1, { a: null }] },
      version: 1,
      roleArn: null,
      recovery: null,
      maxConcurrentExecutions: null,
      startsPerSecond: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: created.body['createdAt'],
    });
    expect((await send('GET', '/state-machines/order-processing')).body).toEqual(created.body);

    const other = { StartAt: 'Done', States: { Done: { Type: 'Succeed' } } };
    const changed = await send('PUT', '/state-machines/order-processing', {
      definition: other,
      description: null,
    });
    expect(changed.body).toMatchObject({
      version: 2,
      definition: other,
      description: null,
      name: 'Order processing',
    });
    const versions = await send('GET', '/state-machines/order-processing/versions');
    expect(versions.body).toMatchObject({
      items: [
        { version: 2, definition: other },
        { version: 1, definition },
      ],
      nextCursor: null,
    });

    expect((await send('DELETE', '/state-machines/order-processing')).body).toEqual({
      stateMachineId: 'order-processing',
      stopped: 0,
    });
    await refused(404, 'STATE_MACHINE_NOT_FOUND', 'GET', '/state-machines/order-processing');
    await refused(404, 'STATE_MACHINE_NOT_FOUND', 'DELETE', '/state-machines/order-processing');
  });

  test.each([
    ['JSON text', JSON.stringify(definition)],
    [
      'YAML text',
      'StartAt: Charge\nStates:\n  Charge:\n    Type: Task\n    Resource: charge\n    End: true\n',
    ],
  ])('take their definition as %s', async (_what, text) => {
    const id = await makeMachine({ definition: text });
    expect((await send('GET', `/state-machines/${id}`)).body['definition']).toEqual(definition);
  });

  test('refuse a definition with everything that is wrong with it', async () => {
    const wrong = { StartAt: 'Nowhere', States: { A: { Type: 'Task', Next: 'B' } } };
    const answer = await refused(400, 'INVALID_DEFINITION', 'POST', '/state-machines', {
      name: 'wrong',
      definition: wrong,
    });
    const details = answer.body['details'];
    expect(Array.isArray(details) && details.length).toBeGreaterThan(2);
    await refused(404, 'STATE_MACHINE_NOT_FOUND', 'GET', '/state-machines/wrong');

    const validated = await send('POST', '/state-machines/validate', { definition: wrong });
    expect(validated.status).toBe(200);
    expect(validated.body['result']).toBe('FAIL');
    expect((await send('POST', '/state-machines/validate', { definition })).body['result']).toBe('OK');
  });

  test('refuse what exists, what is no name, and what is not there', async () => {
    const id = await makeMachine({ id: 'taken' });
    await refused(409, 'STATE_MACHINE_EXISTS', 'POST', '/state-machines', { id, name: 'other', definition });
    await refused(400, 'INVALID_NAME', 'POST', '/state-machines', { name: 'two\nlines', definition });
    await refused(404, 'QUEUE_NOT_FOUND', 'POST', '/state-machines', {
      name: 'q',
      definition,
      queue: 'nowhere',
    });
    await refused(400, 'VALIDATION_FAILED', 'POST', '/state-machines', {
      name: 'x',
      definition,
      type: 'FAST',
    });
    await refused(404, 'STATE_MACHINE_NOT_FOUND', 'PUT', '/state-machines/nobody', { name: 'x' });
    await refused(404, 'STATE_MACHINE_NOT_FOUND', 'GET', '/state-machines/nobody/versions');
    await refused(404, 'STATE_MACHINE_NOT_FOUND', 'GET', '/state-machines/nobody/statistics');
    await refused(404, 'STATE_MACHINE_NOT_FOUND', 'GET', '/state-machines/nobody/executions');
    await refused(404, 'STATE_MACHINE_NOT_FOUND', 'GET', '/state-machines/nobody/executions/count');
    await refused(404, 'STATE_MACHINE_NOT_FOUND', 'POST', '/state-machines/nobody/executions', {});
    await refused(404, 'STATE_MACHINE_NOT_FOUND', 'POST', '/state-machines/nobody/batch', { inputs: [1] });
  });

  test('are listed page by page, and found by id, name and time', async () => {
    for (const name of ['Red list', 'Green list', 'Blue list']) await makeMachine({ name });
    const first = await send('GET', '/state-machines?name=LIST&limit=2');
    expect(first.body['items']).toMatchObject([{ name: 'Blue list' }, { name: 'Green list' }]);
    const cursor = String(first.body['nextCursor']);
    const second = await send(
      'GET',
      `/state-machines?name=LIST&limit=2&cursor=${encodeURIComponent(cursor)}`,
    );
    expect(second.body).toMatchObject({ items: [{ name: 'Red list' }], nextCursor: null });
    expect((await send('GET', '/state-machines?id=red-list')).body['items']).toHaveLength(1);
    const future = await send('GET', '/state-machines?createdAfter=2999-01-01T00:00:00Z');
    expect(future.body).toEqual({ items: [], nextCursor: null });
    const past = await send(
      'GET',
      '/state-machines?name=list&createdBefore=2999-01-01T00:00:00%2B02:00&type=STANDARD',
    );
    expect(past.body['items']).toHaveLength(3);
    await refused(400, 'INVALID_CURSOR', 'GET', '/state-machines?cursor=nonsense');
  });

  test('are not deleted while executions run, unless force stops them', async () => {
    const id = await makeMachine();
    await start(id);
    await refused(409, 'STATE_MACHINE_IN_USE', 'DELETE', `/state-machines/${id}`);
    await refused(409, 'STATE_MACHINE_IN_USE', 'DELETE', `/state-machines/${id}?force=false`);
    expect((await send('DELETE', `/state-machines/${id}?force=true`)).body).toEqual({
      stateMachineId: id,
      stopped: 1,
    });
  });

  test('count their executions by status', async () => {
    const id = await makeMachine();
    await start(id);
    const { body } = await send('GET', `/state-machines/${id}/statistics?startedAfter=2020-01-01T00:00:00Z`);
    expect(body['statuses']).toContainEqual({
      status: 'RUNNING',
      count: 1,
      averageMs: null,
      minMs: null,
      maxMs: null,
      p50Ms: null,
      p95Ms: null,
      p99Ms: null,
      first: expect.stringMatching(/Z$/),
      last: expect.stringMatching(/Z$/),
    });
  });
});

describe('executions', () => {
  test('start with a body or without, and are read again', async () => {
    const id = await makeMachine();
    const bare = await send('POST', `/state-machines/${id}/executions`);
    expect(bare.status).toBe(202);
    expect(bare.headers.get('location')).toBe(`/executions/${bare.body['executionId']}`);
    expect(bare.body).toMatchObject({
      stateMachineId: id,
      status: 'RUNNING',
      input: {},
      output: null,
      queue: id,
    });

    const input = {
      orderId: 1,
      'ünïcode 😀': [null, 1.5, { constructor: { prototype: 1 } }],
      deep: [[[[]]]],
    };
    const named = await start(id, { name: 'order-1', input, queue: 'critical' });
    const read = await send('GET', `/executions/${named}`);
    expect(read.body).toMatchObject({
      executionId: named,
      name: 'order-1',
      input,
      queue: 'critical',
      version: 1,
    });
  });

  test('start once for a name: the same input answers the same, another is refused', async () => {
    const id = await makeMachine();
    const first = await start(id, { name: 'once', input: { a: 1 } });
    expect(await start(id, { name: 'once', input: { a: 1 } })).toBe(first);
    await refused(409, 'EXECUTION_EXISTS', 'POST', `/state-machines/${id}/executions`, {
      name: 'once',
      input: { a: 2 },
    });
    expect((await send('GET', `/state-machines/${id}/executions/count`)).body).toEqual({ count: 1 });
  });

  test('refuse what cannot be started', async () => {
    const path = `/state-machines/${await makeMachine()}/executions`;
    await refused(400, 'INVALID_NAME', 'POST', path, { name: 'no spaces' });
    await refused(404, 'QUEUE_NOT_FOUND', 'POST', path, { queue: 'nowhere' });
    await refused(404, 'EXECUTION_NOT_FOUND', 'POST', path, { sourceExecutionId: NOBODY });
    await refused(404, 'EXECUTION_NOT_FOUND', 'POST', path, { sourceExecutionId: 'no-uuid' });
    await refused(400, 'VALIDATION_FAILED', 'POST', path, { input: 1, sourceExecutionId: NOBODY });
    await refused(413, 'PAYLOAD_TOO_LARGE', 'POST', path, { input: 'x'.repeat(300_000) });
    await refused(413, 'PAYLOAD_TOO_LARGE', 'POST', path, { input: 'x'.repeat(600_000) });
    await refused(400, 'INVALID_INPUT', 'POST', path, '{"input":"\\u0000"}');
    const running = await start(path.split('/')[2] ?? '');
    await refused(409, 'SOURCE_HAS_NO_OUTPUT', 'POST', path, { sourceExecutionId: running });
  });

  test('wait for their end at most as long as asked', async () => {
    const id = await makeMachine();
    const started = performance.now();
    const answer = await send('POST', `/state-machines/${id}/executions?wait=1`, {});
    expect(answer.status).toBe(202);
    expect(answer.body['status']).toBe('RUNNING');
    expect(performance.now() - started).toBeGreaterThan(900);
  });

  test('are queued by name, now or at a time', async () => {
    const stateMachineId = await makeMachine();
    const now = await send('POST', '/queues/enqueue', { stateMachineId, queue: 'low', input: [1] });
    expect(now.status).toBe(202);
    expect(now.body).toMatchObject({ queue: 'low', input: [1], status: 'RUNNING' });
    const later = await send('POST', '/queues/enqueue', {
      stateMachineId,
      queue: 'low',
      at: '2999-01-01T00:00:00+01:00',
    });
    expect(later.status).toBe(202);
    await refused(404, 'QUEUE_NOT_FOUND', 'POST', '/queues/enqueue', { stateMachineId, queue: 'nowhere' });
    await refused(404, 'STATE_MACHINE_NOT_FOUND', 'POST', '/queues/enqueue', {
      stateMachineId: 'nobody',
      queue: 'low',
    });
  });

  test('are listed newest first, page by page, and found by what is asked', async () => {
    const id = await makeMachine();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift(await start(id, { name: `member-${i}` }));
    const path = `/state-machines/${id}/executions`;
    const seen: unknown[] = [];
    for (let cursor: unknown = ''; cursor !== null; ) {
      const page = await send('GET', `${path}?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      const { items, nextCursor } = page.body;
      seen.push(...(Array.isArray(items) ? items.map(({ executionId }) => executionId) : []));
      cursor = nextCursor;
    }
    expect(seen).toEqual(ids);
    expect((await send('GET', `/executions?stateMachineId=${id}&name=member-3`)).body['items']).toHaveLength(
      1,
    );
    expect((await send('GET', `${path}?status=SUCCEEDED`)).body['items']).toEqual([]);
    expect((await send('GET', `${path}?startedAfter=2999-01-01T00:00:00Z`)).body['items']).toEqual([]);
    expect((await send('GET', `${path}?currentState=Charge`)).status).toBe(200);
    expect((await send('GET', `${path}?batchId=${NOBODY}`)).body['items']).toEqual([]);
    expect((await send('GET', `/executions?batchId=no-uuid`)).body['items']).toEqual([]);
    expect((await send('GET', `${path}/count?status=RUNNING`)).body).toEqual({ count: 5 });
    expect((await send('GET', `/executions/count?stateMachineId=${id}`)).body).toEqual({ count: 5 });
    await refused(404, 'STATE_MACHINE_NOT_FOUND', 'GET', '/executions?stateMachineId=nobody');
    await refused(400, 'INVALID_CURSOR', 'GET', `${path}?cursor=AAAA`);
    await refused(400, 'VALIDATION_FAILED', 'GET', `${path}?stateMachineId=${id}`);
  });

  test('show a history and records of their states', async () => {
    const executionId = await start(await makeMachine());
    expect((await send('GET', `/executions/${executionId}/history?reverse=true&limit=1000`)).status).toBe(
      200,
    );
    expect((await send('GET', `/executions/${executionId}/states`)).body).toEqual({
      items: [],
      nextCursor: null,
    });
    await refused(400, 'INVALID_CURSOR', 'GET', `/executions/${executionId}/history?cursor=x`);
    await refused(400, 'INVALID_CURSOR', 'GET', `/executions/${executionId}/states?cursor=x`);
  });

  test('are stopped: the request stands, and a worker ends them', async () => {
    const executionId = await start(await makeMachine());
    const answer = await send('DELETE', `/executions/${executionId}`, {
      error: 'Order.Withdrawn',
      cause: 'called',
    });
    expect(answer.status).toBe(200);
    expect(answer.body['executionId']).toBe(executionId);
    expect((await send('DELETE', `/executions/${executionId}`)).status).toBe(200);
  });

  test('that are not there are 404, whatever the id looks like', async () => {
    for (const id of [
      NOBODY,
      'x',
      '%20',
      "'%3B--",
      '00000000-0000-0000-0000-00000000000g',
      'ä'.repeat(500),
    ]) {
      await refused(404, 'EXECUTION_NOT_FOUND', 'GET', `/executions/${encodeURI(decodeURI(id))}`);
      await refused(404, 'EXECUTION_NOT_FOUND', 'DELETE', `/executions/${encodeURI(decodeURI(id))}`);
      await refused(404, 'EXECUTION_NOT_FOUND', 'GET', `/executions/${encodeURI(decodeURI(id))}/history`);
      await refused(404, 'EXECUTION_NOT_FOUND', 'GET', `/executions/${encodeURI(decodeURI(id))}/states`);
    }
  });
});

describe('batches', () => {
  test('are made from a list, read, listed and cancelled', async () => {
    const id = await makeMachine();
    const created = await send('POST', `/state-machines/${id}/batch`, {
      inputs: [{ a: 1 }, null, 'x'],
      mode: 'sequential',
      namePrefix: 'mine',
      stopOnError: true,
    });
    expect(created.status).toBe(202);
    expect(created.body).toMatchObject({
      stateMachineId: id,
      mode: 'sequential',
      namePrefix: 'mine',
      stopOnError: true,
      total: 3,
      status: 'RUNNING',
    });
    const batch = String(created.body['batchId']);
    expect(created.headers.get('location')).toBe(`/batches/${batch}`);
    expect((await send('GET', `/batches/${batch}`)).body).toMatchObject({ batchId: batch, total: 3 });
    expect((await send('GET', `/batches?stateMachineId=${id}&status=RUNNING`)).body['items']).toHaveLength(1);
    // Nobody leads it here, so nothing was started.
    expect((await send('GET', `/batches/${batch}/results?limit=2`)).body).toEqual({
      items: [],
      nextCursor: null,
    });
    expect((await send('DELETE', `/batches/${batch}`)).status).toBe(200);
  });

  test('are made from NDJSON, and nothing is left of one with a bad line', async () => {
    const id = await makeMachine();
    const path = `/state-machines/${id}/batch?mode=concurrent&concurrency=2`;
    const lines = Array.from({ length: 2_500 }, (_, i) => `{"order":${i}}\n`);
    const created = await send('POST', path, lines.join(''), 'application/x-ndjson');
    expect(created.status).toBe(202);
    expect(created.body).toMatchObject({ total: 2_500, mode: 'concurrent', concurrency: 2 });

    const broken = [...lines.slice(0, 2_000), '{"order":\n', ...lines].join('');
    const answer = await refused(400, 'INVALID_INPUT', 'POST', path, broken, 'application/x-ndjson');
    expect(answer.body['details']).toEqual([expect.objectContaining({ pointer: '/2001' })]);
    expect((await send('GET', `/batches?stateMachineId=${id}`)).body['items']).toHaveLength(1);
    const left = await service.database.pool.query(
      'SELECT count(*)::int AS n FROM batch_chunks WHERE batch_id NOT IN (SELECT id FROM batches)',
    );
    expect(left.rows[0].n).toBe(0);
  });

  test('are made from a filter', async () => {
    const source = await makeMachine();
    await start(source);
    const path = `/state-machines/${await makeMachine()}/batch`;
    const created = await send('POST', path, {
      filter: {
        stateMachineId: source,
        status: 'SUCCEEDED',
        startedAfter: '2020-01-01T00:00:00Z',
        limit: 10,
      },
    });
    expect(created.status).toBe(202);
    expect(created.body['total']).toBe(0);
  });

  test('refuse what cannot be made', async () => {
    const path = `/state-machines/${await makeMachine()}/batch`;
    await refused(400, 'VALIDATION_FAILED', 'POST', path, { inputs: [1], filter: {} });
    await refused(400, 'VALIDATION_FAILED', 'POST', path, { inputs: [1], mode: 'parallel' });
    await refused(404, 'QUEUE_NOT_FOUND', 'POST', path, { inputs: [1], queue: 'nowhere' });
    await refused(400, 'INVALID_NAME', 'POST', path, { inputs: [1], namePrefix: 'a b' });
    await refused(413, 'PAYLOAD_TOO_LARGE', 'POST', path, { inputs: ['x'.repeat(300_000)] });
    for (const id of [NOBODY, 'x']) {
      await refused(404, 'BATCH_NOT_FOUND', 'GET', `/batches/${id}`);
      await refused(404, 'BATCH_NOT_FOUND', 'DELETE', `/batches/${id}`);
      await refused(404, 'BATCH_NOT_FOUND', 'GET', `/batches/${id}/results`);
    }
  });
});

describe('queues and health', () => {
  test('show what waits and who works', async () => {
    const { status, body } = await send('GET', '/queues/stats');
    expect(status).toBe(200);
    expect(body['workers']).toEqual([]);
    expect(body['queues']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'critical', weight: 6 }),
        expect.objectContaining({ name: 'low', weight: 1 }),
      ]),
    );
  });

  test('list, show, retry and drop dead letters', async () => {
    const executionId = await start(await makeMachine(), { queue: 'low' });
    const other = await start(await makeMachine(), { queue: 'low' });
    for (const [id, execution] of [
      [NOBODY, executionId],
      [NOBODY.replace('0198', '0199'), other],
    ]) {
      await service.database.pool.query(
        `INSERT INTO dead_letters (id, queue, execution_id, error, attempts, failed_at) VALUES ($1, 'low', $2, 'it broke', 5, now())`,
        [id, execution],
      );
    }
    const listed = await send('GET', '/queues/low/dead-letters');
    expect(listed.body['items']).toMatchObject([
      { id: NOBODY, executionId, error: 'it broke', attempts: 5 },
      {},
    ]);
    expect((await send('GET', `/queues/low/dead-letters/${NOBODY}`)).body).toMatchObject({ executionId });
    expect((await send('POST', `/queues/low/dead-letters/${NOBODY}/retry`)).status).toBe(202);
    await refused(404, 'DEAD_LETTER_NOT_FOUND', 'GET', `/queues/low/dead-letters/${NOBODY}`);
    const dropped = `/queues/low/dead-letters/${NOBODY.replace('0198', '0199')}`;
    expect((await send('DELETE', dropped)).body).toMatchObject({ executionId: other });
    await refused(404, 'DEAD_LETTER_NOT_FOUND', 'DELETE', dropped);
    await refused(404, 'DEAD_LETTER_NOT_FOUND', 'POST', '/queues/low/dead-letters/x/retry');
    await refused(404, 'QUEUE_NOT_FOUND', 'GET', '/queues/nowhere/dead-letters');
  });

  test('say that all is well', async () => {
    expect((await send('GET', '/health/live')).body).toEqual({ status: 'live' });
    const ready = await send('GET', '/health/ready');
    expect(ready.body).toEqual({ ready: true, database: 'up', queue: 'up' });
  });
});
