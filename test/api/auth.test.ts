import { afterEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { nobody } from '../../src/api/describe.js';
import { startServer } from '../../src/api/index.js';
import { isLoopbackHost } from '../../src/api/plugins/auth.js';
import { call, type ListeningApi, listen, sendRaw } from './listening.js';

let api: ListeningApi | undefined;
afterEach(() => api?.close());

const KEYS = ['first-key-0123456789', 'second-key-0123456789'];
/** A route behind the guard that needs no operation to refuse: so 404 means that the guard let it pass. */
const guarded = () => `${api?.url}/nowhere`;

describe('with API keys', () => {
  test.each([
    ['Authorization: Bearer', { authorization: `Bearer ${KEYS[0]}` }],
    ['another key, for rotation', { authorization: `bearer ${KEYS[1]}` }],
    ['X-API-Key', { 'x-api-key': `${KEYS[1]}` }],
    ['a good X-API-Key beside a bad bearer', { authorization: 'Bearer no', 'x-api-key': `${KEYS[0]}` }],
  ])('a key opens as %s', async (_how, headers) => {
    api = await listen({ config: { apiKeys: KEYS } });
    expect((await call(guarded(), 'GET', undefined, headers)).status).toBe(404);
  });

  test.each([
    ['no key', {}],
    ['an unknown key', { 'x-api-key': 'first-key-0123456788' }],
    ['the beginning of a key', { 'x-api-key': 'first-key' }],
    ['an empty key', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${KEYS[0]}` }],
    ['both keys in one', { 'x-api-key': KEYS.join(', ') }],
  ])('%s is 401', async (_how, headers: Record<string, string>) => {
    api = await listen({ config: { apiKeys: KEYS } });
    for (const path of ['/executions', '/nowhere', '/queues/stats']) {
      const answer = await call(`${api.url}${path}`, 'GET', undefined, headers);
      expect(answer.status).toBe(401);
      expect(answer.body['code']).toBe('UNAUTHORIZED');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  });

  test('a body is not read before the key was seen', async () => {
    api = await listen({ config: { apiKeys: KEYS } });
    const answer = await call(`${api.url}/state-machines`, 'POST', '{broken');
    expect(answer.body['code']).toBe('UNAUTHORIZED');
  });

  test('health and documentation need no key', async () => {
    api = await listen({ config: { apiKeys: KEYS } });
    for (const path of ['/health/live', '/openapi.json', '/docs', '/docs/static/swagger-ui.css']) {
      const response = await fetch(`${api.url}${path}`);
      expect(response.status).toBe(200);
      expect(await response.text()).not.toBe('');
    }
  });

  test('any Host will do', async () => {
    api = await listen({ config: { apiKeys: KEYS } });
    const text = await sendRaw(
      api.url,
      `GET /nowhere HTTP/1.1\r\nHost: api.example\r\nX-API-Key: ${KEYS[0]}\r\nConnection: close\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1.1 404 /);
  });
});

describe('without API keys', () => {
  const get = (headers: string) =>
    sendRaw(api?.url ?? '', `GET /nowhere HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`);

  test.each(['localhost', 'LOCALHOST:3000', '127.0.0.1:3000', '127.9.9.9', '[::1]:3000', 'api.localhost'])(
    'Host %s is this machine',
    async (host) => {
      api = await listen();
      expect(await get(`Host: ${host}\r\n`)).toMatch(/^HTTP\/1.1 404 /);
    },
  );

  test.each([
    'evil.example',
    'evil.example:3000',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '',
  ])('Host %j is refused: a name that was rebound to this machine', async (host) => {
    api = await listen();
    const text = await get(`Host: ${host}\r\n`);
    expect(text).toMatch(/^HTTP\/1.1 403 /);
    expect(text).toContain('"code":"HOST_NOT_ALLOWED"');
  });

  test('a request without any Host is refused in the same shape', async () => {
    api = await listen();
    expect(await get('')).toContain('"code":"HOST_NOT_ALLOWED"');
  });

  test('another web site is refused, and our own documentation page is not', async () => {
    api = await listen();
    expect(await get('Host: localhost\r\nOrigin: https://evil.example\r\n')).toMatch(/^HTTP\/1.1 403 /);
    expect(await get('Host: localhost\r\nOrigin: null\r\n')).toMatch(/^HTTP\/1.1 403 /);
    expect(await get('Host: localhost:3000\r\nOrigin: http://localhost:3000\r\n')).toMatch(/^HTTP\/1.1 404 /);
  });

  test('AUTH=none lets in any Host', async () => {
    api = await listen({ config: { authNone: true } });
    expect(await get('Host: evil.example\r\n')).toMatch(/^HTTP\/1.1 404 /);
  });

  test('the server does not listen where others could reach it', async () => {
    const start = (host: string, authNone: boolean) =>
      startServer({
        operations: nobody(),
        config: { apiKeys: [], authNone, bodyLimit: 1024, batchBodyLimit: 1024, host, port: 0 },
        logger: pino({ level: 'silent' }),
      });
    await expect(start('0.0.0.0', false)).rejects.toThrow(/loopback only/);
    await expect(start('::', false)).rejects.toThrow(/loopback only/);
    api = await start('0.0.0.0', true);
    expect((await call(`${api.url}/health/live`)).status).toBe(200);
  });
});

test('isLoopbackHost knows loopback from what only looks like it', () => {
  for (const host of ['localhost', '127.0.0.1', '::1', '[::1]']) expect(isLoopbackHost(host)).toBe(true);
  for (const host of ['0.0.0.0', '::', 'localhost.example', '127.0.0.1.nip.io', '128.0.0.1', '::2']) {
    expect(isLoopbackHost(host)).toBe(false);
  }
});
