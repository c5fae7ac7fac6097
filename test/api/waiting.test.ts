import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { awaitMessage, issueToken, newId, offerTask, type ReturnAddress } from '../../src/store/index.js';
import { askAsPromised } from './asking.js';
import { type ApiDocument, loadDocument } from './document.js';
import type { Answer } from './listening.js';
import { openService, type Service } from './service.js';

let service: Service;
let document: ApiDocument;
beforeAll(async () => {
  [service, document] = await Promise.all([openService(), loadDocument()]);
  const definition = { StartAt: 'A', States: { A: { Type: 'Task', Resource: 'a', End: true } } };
  await service.send('POST', '/state-machines', { id: 'waits', name: 'waits', definition });
});
afterAll(() => service.close());

const ask = (operationId: string, path: string, body?: unknown): Promise<Answer> =>
  askAsPromised(service, document, operationId, path, body);

/** An execution that nobody advances, so that it waits for whatever a test says. */
async function frame(): Promise<ReturnAddress> {
  const { body } = await service.send('POST', '/state-machines/waits/executions', {});
  return { executionId: String(body['executionId']), frameId: 0, key: `${String(body['executionId'])}/3` };
}

async function handedOut(): Promise<string> {
  const token = newId();
  await issueToken(service.database.pool, token, await frame());
  return token;
}

async function offer(activity: string, input: unknown): Promise<string> {
  const token = newId();
  const task = { token, activity, input: JSON.stringify(input), to: await frame() };
  await offerTask(service.database.pool, task);
  return token;
}

const answering = (token: string, what: string) => `/task-tokens/${encodeURIComponent(token)}/${what}`;

describe('a task token', () => {
  test('takes one answer, heartbeats before it, and none after it', async () => {
    const token = await handedOut();
    expect((await ask('sendTaskHeartbeat', answering(token, 'heartbeat'))).status).toBe(204);
    expect((await ask('sendTaskSuccess', answering(token, 'success'), { output: null })).status).toBe(204);
    for (const [operation, what, body] of [
      ['sendTaskSuccess', 'success', { output: 1 }],
      ['sendTaskFailure', 'failure', {}],
      ['sendTaskHeartbeat', 'heartbeat', undefined],
    ] as const) {
      expect(await ask(operation, answering(token, what), body)).toMatchObject({
        status: 409,
        body: { code: 'TASK_ENDED' },
      });
    }
    const reason = { error: 'E', cause: 'because' };
    expect((await ask('sendTaskFailure', answering(await handedOut(), 'failure'), reason)).status).toBe(204);
    // Without a reason there is nothing to say.
    expect((await ask('sendTaskFailure', answering(await handedOut(), 'failure'))).status).toBe(204);
  });

  test('that there is not is refused, and so is an answer that is not one', async () => {
    for (const unknown of ['x', 'a/b', 'ä'.repeat(500)]) {
      expect(await ask('sendTaskSuccess', answering(unknown, 'success'), { output: 1 })).toMatchObject({
        status: 404,
        body: { code: 'TASK_NOT_FOUND', details: [{ pointer: '/token' }] },
      });
    }
    const token = await handedOut();
    expect(await ask('sendTaskSuccess', answering(token, 'success'), {})).toMatchObject({
      status: 400,
      body: { details: [{ pointer: '/output', code: 'REQUIRED' }] },
    });
    expect(
      await ask('sendTaskSuccess', answering(token, 'success'), { output: 'x'.repeat(300_000) }),
    ).toMatchObject({ status: 413 });
    expect(
      await ask('sendTaskFailure', answering(token, 'failure'), { error: 'E'.repeat(257) }),
    ).toMatchObject({ status: 400 });
    expect((await ask('sendTaskHeartbeat', answering(token, 'heartbeat'))).status).toBe(204);
    // The body is not where a token is looked for.
    expect((await service.send('POST', '/task-tokens/success', { token, output: 1 })).status).toBe(404);
  });
});

describe('activities', () => {
  test('are created, found, listed and deleted', async () => {
    const made = await ask('createActivity', '/activities', { name: 'pick goods'.replace(' ', '-') });
    expect(made).toMatchObject({
      status: 201,
      body: {
        name: 'pick-goods',
        activityArn: 'arn:aws:states:us-east-1:000000000000:activity:pick-goods',
        waiting: 0,
      },
    });
    expect(made.headers.get('location')).toBe('/activities/pick-goods');
    expect((await ask('createActivity', '/activities', { name: 'pick-goods' })).status).toBe(200);
    expect(await ask('createActivity', '/activities', { name: 'a b' })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_NAME' },
    });
    await offer('pick-goods', 1);
    expect((await ask('getActivity', '/activities/pick-goods')).body).toMatchObject({ waiting: 1 });
    expect((await ask('listActivities', '/activities?limit=1')).body['items']).toMatchObject([
      { name: 'pick-goods', waiting: 1 },
    ]);
    expect((await ask('deleteActivity', '/activities/pick-goods')).body).toEqual({ name: 'pick-goods' });
    for (const [operation, path] of [
      ['getActivity', '/activities/pick-goods'],
      ['deleteActivity', '/activities/pick-goods'],
      ['getActivityTask', '/activities/pick-goods/task'],
    ] as const) {
      expect(await ask(operation, path)).toMatchObject({ status: 404, body: { code: 'ACTIVITY_NOT_FOUND' } });
    }
  });

  test('hold a poll until there is a task, and give each task to one of many who poll', async () => {
    await ask('createActivity', '/activities', { name: 'held' });
    expect((await ask('getActivityTask', '/activities/held/task')).status).toBe(204);
    const polls = Array.from({ length: 10 }, () =>
      ask('getActivityTask', '/activities/held/task?wait=10&workerName=eve'),
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    const tokens = await Promise.all(Array.from({ length: 10 }, (_, n) => offer('held', { n })));
    const taken = await Promise.all(polls);
    expect(taken.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(taken.map(({ body }) => body['taskToken']).sort()).toEqual([...tokens].sort());
  });

  test('end a poll with nothing when the time is over', async () => {
    await ask('createActivity', '/activities', { name: 'idle' });
    const begun = performance.now();
    expect((await ask('getActivityTask', '/activities/idle/task?wait=1')).status).toBe(204);
    expect(performance.now() - begun).toBeGreaterThan(900);
  });

  test('keep the task for the next when who polled has gone', async () => {
    await ask('createActivity', '/activities', { name: 'left' });
    const gone = new AbortController();
    const polling = fetch(`${service.url}/activities/left/task?wait=30`, { signal: gone.signal });
    await new Promise((resolve) => setTimeout(resolve, 100));
    gone.abort();
    await expect(polling).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await offer('left', 'mine');
    expect(await ask('getActivityTask', '/activities/left/task?wait=5')).toMatchObject({
      status: 200,
      body: { input: 'mine' },
    });
  });
});

describe('a message', () => {
  const message = (correlationValue: unknown) => ({ correlationKey: 'k', correlationValue, data: { a: 1 } });

  test('is compared as JSON, given to who waits, else kept', async () => {
    const to = await frame();
    await awaitMessage(service.database.pool, {
      to,
      stateMachineId: 'waits',
      stateName: 'A',
      correlationKey: 'k',
      correlationValue: '{"x":1,"y":[2]}',
      timeoutAtMs: Date.parse('2030-01-01T00:00:00Z'),
    });
    expect((await ask('listMessageWaits', '/state-machines/waits/waiting')).body).toMatchObject({
      items: [
        {
          executionId: to.executionId,
          stateName: 'A',
          correlationKey: 'k',
          timeoutAt: '2030-01-01T00:00:00.000Z',
        },
      ],
      nextCursor: null,
    });
    expect((await ask('sendMessage', '/messages', message({ y: [2], x: 1 }))).body).toEqual({
      delivered: 1,
      kept: false,
    });
    expect((await ask('sendMessage', '/messages', message({ y: [2], x: 1 }))).body).toEqual({
      delivered: 0,
      kept: true,
    });
    expect((await ask('sendMessage', '/messages', { ...message(1), ttlSeconds: 0 })).body).toEqual({
      delivered: 0,
      kept: false,
    });
    expect((await ask('listMessageWaits', '/state-machines/waits/waiting')).body['items']).toEqual([]);
  });

  test('that is not one is refused', async () => {
    for (const wrong of [{}, { ...message(1), correlationKey: '' }, { ...message(1), ttlSeconds: -1 }])
      expect((await ask('sendMessage', '/messages', wrong)).status).toBe(400);
    const large = { ...message(1), data: 'x'.repeat(300_000) };
    expect(await ask('sendMessage', '/messages', large)).toMatchObject({ status: 413 });
    expect(await ask('listMessageWaits', '/state-machines/nobody/waiting')).toMatchObject({
      status: 404,
      body: { code: 'STATE_MACHINE_NOT_FOUND' },
    });
  });
});

describe('a state machine', () => {
  const definition = { StartAt: 'A', States: { A: { Type: 'Succeed' } } };

  test('has a role, of which each is a version', async () => {
    const roleArn = 'arn:aws:iam::000000000000:role/r';
    const made = { id: 'role', name: 'role', definition, roleArn };
    expect((await ask('createStateMachine', '/state-machines', made)).body).toMatchObject({
      roleArn,
      version: 1,
    });
    const update = (body: object) => ask('updateStateMachine', '/state-machines/role', body);
    expect((await update({ roleArn })).body).toMatchObject({ version: 1 });
    expect((await update({ roleArn: null })).body).toMatchObject({ version: 2, roleArn: null, definition });
    const versions = await ask('listStateMachineVersions', '/state-machines/role/versions');
    expect(versions.body['items']).toMatchObject([
      { version: 2, roleArn: null },
      { version: 1, roleArn },
    ]);
  });

  test('may be EXPRESS, and is then held to what EXPRESS may', async () => {
    const made = { id: 'express', name: 'express', type: 'EXPRESS', definition };
    expect(await ask('createStateMachine', '/state-machines', made)).toMatchObject({
      status: 201,
      body: { type: 'EXPRESS' },
    });
    const waits = {
      StartAt: 'A',
      States: {
        A: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
          Parameters: { FunctionName: 'f', Payload: { 'token.$': '$$.Task.Token' } },
          End: true,
        },
      },
    };
    expect(await ask('updateStateMachine', '/state-machines/express', { definition: waits })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_DEFINITION' },
    });
    expect(
      (await ask('validateDefinition', '/state-machines/validate', { definition: waits, type: 'EXPRESS' }))
        .body,
    ).toMatchObject({ result: 'FAIL' });
    expect(
      (await ask('validateDefinition', '/state-machines/validate', { definition: waits })).body,
    ).toMatchObject({ result: 'OK' });
  });
});
