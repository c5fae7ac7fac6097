import { readFile } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import path from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { nobody } from '../../src/api/describe.js';
import { API_ERRORS } from '../../src/api/index.js';
import { OperationError } from '../../src/operations/index.js';
import { type Answer, call, type ListeningApi, listen, sendRaw } from './listening.js';

let api: ListeningApi;
beforeAll(async () => {
  api = await listen();
});
afterAll(() => api.close());

function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer.body).toEqual({
    statusCode: status,
    code,
    error: expect.any(String),
    message: expect.any(String),
    details: expect.any(Array),
  });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
}

const machine = { name: 'm', definition: { StartAt: 'A', States: {} } };

describe('what HTTP itself refuses', () => {
  test('a path that does not exist is 404, whatever its body', async () => {
    expectProblem(await call(`${api.url}/nowhere`), 404, 'ROUTE_NOT_FOUND');
    expectProblem(await call(`${api.url}/nowhere`, 'POST', '{broken'), 404, 'ROUTE_NOT_FOUND');
    expectProblem(await call(`${api.url}/executions/`), 404, 'ROUTE_NOT_FOUND');
  });

  test('a wrong method is 405 and says which are right', async () => {
    const answer = await call(`${api.url}/state-machines/x`, 'PATCH', machine);
    expectProblem(answer, 405, 'METHOD_NOT_ALLOWED');
    expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(['DELETE', 'GET', 'HEAD', 'PUT']);
    expectProblem(await call(`${api.url}/queues/stats?x=1`, 'POST', {}), 405, 'METHOD_NOT_ALLOWED');
  });

  test.each([
    ['text/plain', JSON.stringify(machine)],
    ['application/x-www-form-urlencoded', 'a=b'],
    ['application/x-ndjson', '{}'],
    ['application/jsonx', '{}'],
    ['nonsense', '{}'],
  ])('a body of type %s is 415', async (type, body) => {
    const answer = await call(`${api.url}/state-machines`, 'POST', body, { 'content-type': type });
    expectProblem(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
  });

  test('a compressed body is 415', async () => {
    const answer = await call(`${api.url}/state-machines`, 'POST', machine, { 'content-encoding': 'gzip' });
    expectProblem(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
  });

  test('a body that is too large is 413, also when its length is not announced', async () => {
    const large = JSON.stringify({ ...machine, description: 'x'.repeat(70_000) });
    expectProblem(await call(`${api.url}/state-machines`, 'POST', large), 413, 'PAYLOAD_TOO_LARGE');
    const chunk = 'x'.repeat(70_000);
    const text = await sendRaw(
      api.url,
      `POST /state-machines HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n0\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1.1 413 /);
    expect(text).toContain('"code":"PAYLOAD_TOO_LARGE"');
  });

  test.each([
    ['broken', '{"name":'],
    ['nested 100,000 deep', '['.repeat(30_000)],
  ])('a body that is %s is INVALID_JSON', async (_what, body) => {
    expectProblem(await call(`${api.url}/state-machines`, 'POST', body), 400, 'INVALID_JSON');
  });

  test('a __proto__ member is refused with its place', async () => {
    const answer = await call(
      `${api.url}/state-machines`,
      'POST',
      '{"name":"m","metadata":{"__proto__":{}}}',
    );
    expectProblem(answer, 400, 'INVALID_INPUT');
    expect(answer.body['details']).toEqual([expect.objectContaining({ pointer: '/metadata' })]);
  });

  test('a missing body is said to be missing', async () => {
    const answer = await call(`${api.url}/state-machines`, 'POST');
    expectProblem(answer, 400, 'VALIDATION_FAILED');
    expect(answer.body['message']).toMatch(/missing/);
    expectProblem(await call(`${api.url}/state-machines/x/batch`, 'POST'), 400, 'VALIDATION_FAILED');
  });

  test.each([
    '/executions/%ff',
    '/executions/%zz',
    '/executions?name=%ff',
    '/executions?name=%',
    '/%e0%a4%a',
  ])('%s is a malformed URL', async (target) => {
    const text = await sendRaw(
      api.url,
      `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(text).toContain('"code":"MALFORMED_REQUEST"');
  });

  test('U+0000 in a path or a query is refused before anybody looks for it', async () => {
    expectProblem(await call(`${api.url}/executions/a%00b`), 400, 'VALIDATION_FAILED');
    expectProblem(await call(`${api.url}/executions?name=a%00b`), 400, 'VALIDATION_FAILED');
  });

  test('a body that does not have its announced length is 400', async () => {
    const text = await sendRaw(
      api.url,
      'POST /state-machines HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: x\r\n\r\n{}',
    );
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(text).toContain('"code":"MALFORMED_REQUEST"');
  });

  test('headers that are too large are 431', async () => {
    const text = await sendRaw(
      api.url,
      `GET /executions HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1.1 431 /);
    expect(text).toContain('"code":"HEADERS_TOO_LARGE"');
  });

  test('what is not HTTP at all is 400', async () => {
    expect(await sendRaw(api.url, 'BREW /coffee\r\n\r\n')).toContain('"code":"MALFORMED_REQUEST"');
    expect(await sendRaw(api.url, '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n')).toContain(
      '"code":"MALFORMED_REQUEST"',
    );
  });

  test('what is not HTTP is answered on a connection that was used before as well', async () => {
    const text = await sendRaw(
      api.url,
      'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\nBREW /coffee\r\n\r\n',
    );
    expect(text).toContain('{"status":"live"}');
    const other = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (headers: Record<string, string>) =>
      new Promise<string>((resolve, reject) => {
        const sent = httpRequest(`${api.url}/health/live`, { agent: other, headers }, (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            body += chunk;
          });
          response.on('end', () => resolve(body));
        });
        sent.on('error', reject);
        sent.end();
      });
    expect(await ask({})).toBe('{"status":"live"}');
    expect(await ask({ 'transfer-encoding': 'identity', 'content-length': '1' })).toContain(
      '"MALFORMED_REQUEST"',
    );
    other.destroy();
  });

  test('an expectation that nobody promised is no reason to refuse', async () => {
    const text = await sendRaw(
      api.url,
      'GET /health/live HTTP/1.1\r\nHost: localhost\r\nExpect: the-best\r\nConnection: close\r\n\r\n',
    );
    expect(text).toMatch(/^HTTP\/1.1 200 /);
  });

  test('an answer has an id, no server name, and is not to be cached or framed', async () => {
    const { headers } = await call(`${api.url}/health/live`, 'GET', undefined, { 'x-request-id': 'mine-1' });
    expect(headers.get('x-request-id')).toBe('mine-1');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('server')).toBeNull();
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    const other = await call(`${api.url}/health/live`, 'GET', undefined, { 'x-request-id': 'a b' });
    expect(other.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('what operations refuse', () => {
  const refusing = (error: Error) => ({
    ...nobody(),
    executions: { ...nobody().executions, get: () => Promise.reject(error) },
  });

  test('an unexpected fault is a logged INTERNAL that shows nothing of itself', async () => {
    let log = '';
    const sink = new Writable({
      write(chunk, _encoding, done) {
        log += chunk;
        done();
      },
    });
    const faulty = await listen({
      operations: refusing(new Error('password is hunter2')),
      logger: pino({ level: 'info' }, sink),
    });
    const answer = await call(`${faulty.url}/executions/x`);
    await faulty.close();
    expectProblem(answer, 500, 'INTERNAL');
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
    expect(answer.body['message']).toContain(answer.headers.get('x-request-id'));
    expect(log).toContain('hunter2');
    expect(log).toContain(answer.headers.get('x-request-id'));
  });

  test('a database that is down is 503 with Retry-After', async () => {
    const error = new OperationError('DATABASE_UNAVAILABLE', 'PostgreSQL does not answer.', {
      retryAfterSeconds: 4.2,
    });
    const down = await listen({ operations: refusing(error) });
    const answer = await call(`${down.url}/executions/x`);
    await down.close();
    expectProblem(answer, 503, 'DATABASE_UNAVAILABLE');
    expect(answer.headers.get('retry-after')).toBe('5');
  });
});

describe('docs/errors.md', () => {
  test('lists every code with its status and meaning, and no other', async () => {
    const text = await readFile(path.join(import.meta.dirname, '../../docs/errors.md'), 'utf8');
    const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \| (.+) \|$/gm)];
    const listed = Object.fromEntries(
      rows.map(([, code, status, meaning]) => [code, { statusCode: Number(status), meaning }]),
    );
    expect(listed).toEqual(API_ERRORS);
    expect(rows).toHaveLength(Object.keys(API_ERRORS).length);
  });
});
