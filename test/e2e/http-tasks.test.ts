/** HTTP tasks and functions behind URLs, end to end: over HTTP and processes, with a worker that is killed in the middle. */
import { createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answering, json, serve, type TestServer } from '../tasks/http/servers.js';
import { type Answer, type Service, startService, until } from './service.js';

let service: Service;
let outside: TestServer;
let answering: Answering;

beforeAll(async () => {
  outside = await serve((asked, response) => answering(asked, response));
  const env = { SECRETS_KEY: randomBytes(32).toString('base64'), HTTP_TASKS_ALLOW: '127.0.0.1' };
  service = await startService({ workers: 1, env });
});

afterAll(async () => {
  await service.stop();
  await outside.close();
});

const url = (path: string) => `http://127.0.0.1:${outside.port}${path}`;

async function make(path: string, body: object): Promise<Answer> {
  const answer = await service.call('POST', path, body);
  expect(answer).toMatchObject({ status: 201 });
  return answer.body;
}

async function start(id: string, state: object, input: object): Promise<string> {
  const definition = { StartAt: 'Call', States: { Call: { Type: 'Task', ...state, End: true } } };
  await make('/state-machines', { id, name: id, definition });
  const { executionId } = (await service.call('POST', `/state-machines/${id}/executions`, { input })).body;
  return executionId;
}

const ended = (id: string): Promise<Answer> =>
  until(
    async () => (await service.call('GET', `/executions/${id}`)).body,
    ({ status }) => status !== 'RUNNING',
  );

test('an HTTP task is sent by a worker, with the secret that the API took', async () => {
  answering = (asked, response) => json(response, 200, { got: JSON.parse(asked.body), path: asked.url });
  await make('/connections', {
    name: 'shop',
    type: 'BASIC',
    basic: { username: 'orders', password: 's3cret' },
    hosts: [`127.0.0.1:${outside.port}`],
  });
  const id = await start(
    'http',
    {
      Resource: 'arn:aws:states:::http:invoke',
      Parameters: {
        ApiEndpoint: url('/orders'),
        Method: 'POST',
        Authentication: { ConnectionArn: 'arn:aws:events:us-east-1:000000000000:connection/shop' },
        QueryParameters: { 'page.$': '$.page' },
        RequestBody: { 'order.$': '$.order' },
      },
    },
    { page: 2, order: { id: 7 } },
  );
  expect(await ended(id)).toMatchObject({
    status: 'SUCCEEDED',
    output: { StatusCode: 200, ResponseBody: { got: { order: { id: 7 } }, path: '/orders?page=2' } },
  });
  expect(outside.asked[0]?.headers.authorization).toBe(
    `Basic ${Buffer.from('orders:s3cret').toString('base64')}`,
  );
  const history = JSON.stringify((await service.call('GET', `/executions/${id}/history`)).body);
  expect(history).toContain('TaskSucceeded');
  expect(history).not.toContain('s3cret');
});

test('a function behind a URL is called again, under the same key, when its worker was killed meanwhile', async () => {
  const { secret } = await make('/task-endpoints', { name: 'charge-card', url: url('/charge') });
  outside.asked.length = 0;
  answering = () => void service.workers[0]?.kill('SIGKILL');
  const id = await start('charge', { Resource: 'charge-card' }, { total: 3 });
  await until(
    async () => outside.asked.length,
    (count) => count === 1,
  );
  answering = (_, response) => json(response, 200, { paid: true });
  await service.startWorker();
  expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', output: { paid: true } });
  const keys = outside.asked.map(({ headers }) => headers['idempotency-key']);
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
  for (const { headers, body } of outside.asked) {
    const [, timestamp, mark] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['escapement-signature'])) ?? [];
    expect(mark).toBe(createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex'));
  }
});

test('a function behind a URL says which error it is', async () => {
  answering = (_, response) => json(response, 402, { error: 'CardDeclined', cause: 'no money' });
  const id = await start(
    'declined',
    { Resource: 'arn:aws:states:::lambda:invoke', Parameters: { FunctionName: 'charge-card' } },
    {},
  );
  expect(await ended(id)).toMatchObject({ status: 'FAILED', error: 'CardDeclined', cause: 'no money' });
});
