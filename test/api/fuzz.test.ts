import { Agent, request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { API_ERRORS } from '../../src/api/index.js';
import { type ApiDocument, loadDocument } from './document.js';
import { requests, type WireRequest } from './requests.js';
import { openService, type Service } from './service.js';

const AT_ONCE = 10;
const ROUNDS = 220;

let service: Service;
let document: ApiDocument;
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
beforeAll(async () => {
  const secretsKeys = [Buffer.alloc(32).toString('base64')];
  [service, document] = await Promise.all([openService({ secretsKeys }), loadDocument()]);
});
afterAll(async () => {
  agent.destroy();
  await service.close();
});

/** No input, whatever it is, is a fault of ours. */
test('no request of 2,200 is answered with 5xx, or with anything that the document does not promise', async () => {
  const definition = { StartAt: 'A', States: { A: { Type: 'Task', Resource: 'charge', End: true } } };
  const stateMachineId = ['orders', 'other'];
  const makeMachines = () =>
    Promise.all(
      stateMachineId.map((id) => service.send('POST', '/state-machines', { id, name: id, definition })),
    );
  await makeMachines();
  const idOf = async (path: string, body: unknown, key: string) =>
    String((await service.send('POST', path, body)).body[key]);
  const executionId = [await idOf('/state-machines/orders/executions', { name: 'order-1' }, 'executionId')];
  const batchId = [await idOf('/state-machines/orders/batch', { inputs: [1, 2] }, 'batchId')];
  await service.send('POST', '/transformers', { name: 'orders', expression: '$' });
  const known = { stateMachineId, executionId, batchId, name: ['critical', 'orders'], id: executionId };

  const statuses = new Map<number, number>();
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(requests(document, known).filter(leavesSomething).filter(answersSoon), {
        minLength: AT_ONCE,
        maxLength: AT_ONCE,
      }),
      async (round) => {
        // An earlier round may have deleted them, and then all that follows would be refused.
        await makeMachines();
        await Promise.all(
          round.map(async (request) => {
            const answer = await send(request);
            statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
            const complaint = complaintAbout(request, answer);
            if (complaint !== undefined) throw new Error(`${describe(request)}\n${complaint}`);
            if (answer.status < 300 && request.operationId !== undefined) reached.add(request.operationId);
          }),
        );
      },
    ),
    { numRuns: ROUNDS, endOnFailure: true },
  );

  const live = await service.send('GET', '/health/live');
  expect(live.body).toEqual({ status: 'live' });
  expect((await service.send('GET', '/health/ready')).status).toBe(200);
  // It must not have been refusals only: what was stored meanwhile is listed.
  expect((await service.send('GET', '/executions?limit=1000')).status).toBe(200);
  expect((await service.send('GET', '/batches?limit=1000')).status).toBe(200);
  expect((await service.send('GET', '/state-machines?limit=1000')).status).toBe(200);
  expect(reached.size).toBeGreaterThan(15);
  for (const status of [200, 400, 404, 405, 415])
    expect([status, statuses.get(status) ?? 0]).not.toEqual([status, 0]);
  expect([...statuses.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(2_000);
}, 300_000);

/** Without its machine, whatever follows would be 404. */
function leavesSomething({ method, target }: WireRequest): boolean {
  return !(
    method === 'DELETE' &&
    target.startsWith('/state-machines/orders') &&
    target.includes('force=true')
  );
}

/** Nobody ends what is started here, and nobody offers tasks: a wait would last as long as it may. */
function answersSoon({ target }: WireRequest): boolean {
  return !/[?&]wait=([6-9]|[1-5]\d|60)(&|$)/.test(target);
}

interface WireAnswer {
  status: number;
  type: string;
  text: string;
}

function send({ method, target, headers, body }: WireRequest): Promise<WireAnswer> {
  const { hostname, port } = new URL(service.url);
  return new Promise((resolve, reject) => {
    // Node refuses to send a path with blanks or control characters; the requests have none.
    const sent = httpRequest({ agent, hostname, port, method, path: target, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    sent.setTimeout(20_000, () => sent.destroy(new Error('no answer in 20 s')));
    sent.on('error', (cause) =>
      reject(new Error(`${describe({ method, target, headers, body, operationId: undefined })}`, { cause })),
    );
    sent.end(body);
  });
}

function complaintAbout(
  { operationId, method }: WireRequest,
  { status, type, text }: WireAnswer,
): string | undefined {
  const operation = document.operations.find((one) => one.operationId === operationId);
  if (status >= 500 && status !== 503) return `was answered with ${status}: ${text}`;
  if (method === 'HEAD' || (status < 300 && operation === undefined)) return undefined;
  if (status >= 300 && status < 400)
    return operation === undefined ? undefined : `was answered with ${status}`;
  if (status === 204) return text === '' ? undefined : `was answered with 204 and ${text}`;
  if (!type.startsWith('application/json')) return `was answered with ${type}: ${text}`;
  const body: unknown = JSON.parse(text);
  if (operation === undefined || status === 404 || status === 405) {
    const code =
      isProblem(body) && body.statusCode === status
        ? API_ERRORS[body.code as keyof typeof API_ERRORS]
        : undefined;
    if (code?.statusCode !== status) return `was answered with what is no error: ${text}`;
    if (operation === undefined || text.includes('"ROUTE_NOT_FOUND"')) return undefined;
  }
  return document.complaintAbout(operation, status, body);
}

interface Shape {
  statusCode: number;
  code: string;
}

function isProblem(body: unknown): body is Shape {
  if (typeof body !== 'object' || body === null) return false;
  const names = Object.keys(body).sort().join();
  return (
    names === 'code,details,error,message,statusCode' && 'details' in body && Array.isArray(body.details)
  );
}

function describe({ method, target, headers, body }: WireRequest): string {
  const shown = body === undefined ? '' : `\n${body.slice(0, 2_000)}`;
  return `${method} ${target.slice(0, 2_000)} ${JSON.stringify(headers)}${shown}`;
}
