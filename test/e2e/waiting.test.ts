/** What waits for the world, end to end: tokens, activity workers, child executions and messages, over HTTP and processes. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answer, type Service, startService, until } from './service.js';

let service: Service;

beforeAll(async () => {
  service = await startService({ workers: 1 });
});

afterAll(() => service.stop(), 60_000);

async function machine(id: string, states: object, more: object = {}): Promise<void> {
  const definition = { StartAt: Object.keys(states)[0], States: states };
  const made = { id, name: id, definition, ...more };
  const { status, body } = await service.call('POST', '/state-machines', made);
  expect({ status, body }).toMatchObject({ status: 201 });
}

async function start(id: string, input: object = {}): Promise<string> {
  const { body } = await service.call('POST', `/state-machines/${id}/executions`, { input });
  return body.executionId;
}

const read = async (id: string): Promise<Answer> => (await service.call('GET', `/executions/${id}`)).body;
const ended = (id: string): Promise<Answer> =>
  until(
    () => read(id),
    ({ status }) => status !== 'RUNNING',
  );
const parkedIn = (id: string) =>
  until(
    async () =>
      (await service.pool.query('SELECT owner, wake_at, epoch FROM executions WHERE id = $1', [id])).rows[0],
    ({ owner, epoch }) => owner === null && epoch > 0,
  );

/** The token that the handler was given. */
async function tokenOf(id: string): Promise<string> {
  const rows = await until(
    async () =>
      (
        await service.pool.query(
          "SELECT key FROM ledger WHERE execution_id = $1 AND state_name = 'token' ORDER BY at DESC",
          [id],
        )
      ).rows,
    (found) => found.length > 0,
  );
  return rows[0]?.['key'];
}

test('a token is answered after the worker that handed it out was killed', async () => {
  await machine('callback', {
    Ask: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Parameters: { FunctionName: 'handOut', Payload: { 'token.$': '$$.Task.Token' } },
      End: true,
    },
  });
  const id = await start('callback');
  const token = await tokenOf(id);
  await parkedIn(id);
  await service.workers[0]?.kill('SIGKILL');

  expect(await service.call('POST', `/task-tokens/${token}/heartbeat`)).toMatchObject({ status: 204 });
  expect(
    await service.call('POST', `/task-tokens/${token}/success`, { output: { approved: true } }),
  ).toMatchObject({ status: 204 });
  expect(
    await service.call('POST', `/task-tokens/${token}/success`, { output: { approved: true } }),
  ).toMatchObject({
    status: 409,
    body: { code: 'TASK_ENDED' },
  });
  expect(await service.call('POST', '/task-tokens/nobody/failure')).toMatchObject({
    status: 404,
    body: { code: 'TASK_NOT_FOUND' },
  });
  expect((await read(id)).status).toBe('RUNNING');

  await service.startWorker();
  expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', output: { approved: true } });
});

test('an activity worker keeps its task with heartbeats, and loses it without', async () => {
  const made = await service.call('POST', '/activities', { name: 'pick' });
  expect(made).toMatchObject({ status: 201, body: { name: 'pick', waiting: 0 } });
  expect((await service.call('POST', '/activities', { name: 'pick' })).status).toBe(200);
  await machine('picking', {
    Pick: { Type: 'Task', Resource: made.body.activityArn, HeartbeatSeconds: 2, End: true },
  });

  const polling = service.call('GET', '/activities/pick/task?workerName=eve&wait=30');
  const kept = await start('picking', { order: 1 });
  const task = await polling;
  expect(task).toMatchObject({ status: 200, body: { input: { order: 1 } } });
  const token = task.body.taskToken;
  for (let beat = 0; beat < 4; beat++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await service.call('POST', `/task-tokens/${token}/heartbeat`)).status).toBe(204);
  }
  await service.call('POST', `/task-tokens/${token}/success`, { output: 'picked' });
  expect(await ended(kept)).toMatchObject({ status: 'SUCCEEDED', output: 'picked' });
  const { items } = (await service.call('GET', `/executions/${kept}/history`)).body;
  expect(items.map((event: Answer) => event.type)).toContain('ActivitySucceeded');

  expect((await service.call('GET', '/activities/pick/task?wait=0')).status).toBe(204);
  const lost = await start('picking', { order: 2 });
  const silent = await service.call('GET', '/activities/pick/task?wait=30');
  expect(await ended(lost)).toMatchObject({ status: 'FAILED', error: 'States.HeartbeatTimeout' });
  expect(
    await service.call('POST', `/task-tokens/${silent.body.taskToken}/success`, { output: 1 }),
  ).toMatchObject({ status: 409 });
});

test('a child that is waited for tells its parent of its end, and is stopped with it', async () => {
  await machine('child', { W: { Type: 'Wait', SecondsPath: '$.seconds', End: true } });
  await machine('parent', {
    Call: {
      Type: 'Task',
      Resource: 'arn:aws:states:::states:startExecution.sync:2',
      Parameters: {
        StateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:child',
        'Input.$': '$',
      },
      OutputPath: '$.Output',
      End: true,
    },
  });
  const quick = await start('parent', { seconds: 1 });
  const slow = await start('parent', { seconds: 600 });
  expect(await ended(quick)).toMatchObject({ status: 'SUCCEEDED', output: { seconds: 1 } });

  const children = () => service.call('GET', `/executions?parentExecutionId=${slow}`);
  const { body } = await until(children, (answer) => answer.body.items.length === 1);
  const [child] = body.items;
  expect(child).toMatchObject({ stateMachineId: 'child', parentExecutionId: slow, status: 'RUNNING' });
  await parkedIn(slow);
  await service.call('DELETE', `/executions/${slow}`, { error: 'Enough' });
  expect(await ended(slow)).toMatchObject({ status: 'ABORTED', error: 'Enough' });
  expect(await ended(child.executionId)).toMatchObject({ status: 'ABORTED' });
});

test('a message reaches who waits for it, is kept for who comes later, and not for whose time is up', async () => {
  await machine('paying', {
    Await: {
      Type: 'Message',
      CorrelationKey: 'payment',
      CorrelationValuePath: '$.order',
      TimeoutSeconds: 2,
      TimeoutPath: 'Late',
      Next: 'Paid',
    },
    Paid: { Type: 'Succeed' },
    Late: { Type: 'Fail', Error: 'Late' },
  });
  const send = (order: string, more = {}) =>
    service.call('POST', '/messages', {
      correlationKey: 'payment',
      correlationValue: order,
      data: { paid: order },
      ...more,
    });

  const late = await start('paying', { order: 'c' });
  const waiting = await start('paying', { order: 'a' });
  const waits = () => service.call('GET', '/state-machines/paying/waiting');
  const seen = await until(waits, ({ body }) => body.items.length === 2);
  expect(seen.body.items).toContainEqual(
    expect.objectContaining({ executionId: waiting, stateName: 'Await', correlationValue: 'a' }),
  );
  expect(await send('a')).toMatchObject({ status: 200, body: { delivered: 1, kept: false } });
  expect(await ended(waiting)).toMatchObject({ status: 'SUCCEEDED' });

  expect(await send('b')).toMatchObject({ body: { delivered: 0, kept: true } });
  expect(await ended(await start('paying', { order: 'b' }))).toMatchObject({ status: 'SUCCEEDED' });

  expect(await ended(late)).toMatchObject({ status: 'FAILED', error: 'Late' });
  expect(await send('c', { ttlSeconds: 0 })).toMatchObject({ body: { delivered: 0, kept: false } });
  expect((await waits()).body.items).toEqual([]);
});

test('an execution knows its ARNs and its role, of either type of machine', async () => {
  const states = {
    Show: {
      Type: 'Pass',
      Parameters: {
        'execution.$': '$$.Execution.Id',
        'machine.$': '$$.StateMachine.Id',
        'role.$': '$$.Execution.RoleArn',
      },
      End: true,
    },
  };
  const roleArn = 'arn:aws:iam::000000000000:role/r';
  const arn = 'arn:aws:states:us-east-1:000000000000';
  for (const type of ['STANDARD', 'EXPRESS']) {
    const id = `shows-${type.toLowerCase()}`;
    await machine(id, states, { type, roleArn });
    const execution = await ended(await start(id));
    expect(execution.output).toEqual({
      execution:
        type === 'EXPRESS'
          ? `${arn}:express:${id}:${execution.name}:${execution.executionId}`
          : `${arn}:execution:${id}:${execution.name}`,
      machine: `${arn}:stateMachine:${id}`,
      role: roleArn,
    });
    const { body } = await service.call('GET', `/executions/${execution.executionId}/history?limit=1`);
    expect(body.items[0].executionStartedEventDetails).toMatchObject({ roleArn });
  }
});
