/** HTTP tasks and functions behind URLs, as a worker makes the calls: real servers, real secrets, a real database. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type Authorization,
  type Call,
  type ConnectionParameters,
  createArns,
  type HttpRequestCall,
  type InvokeEffect,
  type TaskOutcome,
} from '../../src/engine/index.js';
import {
  createTaskEndpoint,
  createVault,
  type Database,
  rotateTaskEndpoint,
  type Vault,
  writeConnection,
} from '../../src/store/index.js';
import { createFunctions, type Handlers } from '../../src/tasks/index.js';
import type { HttpSettings } from '../../src/worker/services/http.js';
import { createServices } from '../../src/worker/services/index.js';
import type { MapRuns } from '../../src/worker/services/map-runs.js';
import { rememberingLog } from '../setup/log.js';
import { openStore } from '../store/fixtures.js';
import { type Answering, type Asked, json, serve, type TestServer } from '../tasks/http/servers.js';

const KEY = randomBytes(32).toString('base64');
const sealing: Vault = vaultOf(KEY);
const arns = createArns({ region: 'us-east-1', accountId: '000000000000' });
const PATIENT = new AbortController().signal;
const ABOUT = {
  executionId: 'x-1',
  executionName: 'Bestellung ä',
  stateMachineId: 'm',
  version: 1,
  queue: 'm',
};

/** Map runs have tests of their own. */
const mapRuns: MapRuns = {
  start: () => Promise.reject(new Error('not here')),
  redrive: () => Promise.reject(new Error('not here')),
  finish: () => Promise.reject(new Error('not here')),
  cancel: () => Promise.reject(new Error('not here')),
};

let database: Database;
let close: () => Promise<void>;
let answering: Answering;
let server: TestServer;

beforeAll(async () => {
  ({ database, close } = await openStore(8));
  server = await serve((asked, response) => answering(asked, response));
});
afterAll(async () => {
  await server.close();
  await close();
});
beforeEach(() => {
  server.asked.length = 0;
});

function vaultOf(key: string): Vault {
  const vault = createVault([key]);
  if (vault === undefined) throw new Error('no vault');
  return vault;
}

const url = (path = '/') => `http://127.0.0.1:${server.port}${path}`;
const SETTINGS: HttpSettings = { secretsKeys: [KEY], allow: ['127.0.0.1'] };

function services(http: HttpSettings | undefined = SETTINGS, handlers: Handlers = {}) {
  const log = rememberingLog();
  const functions = createFunctions({ handlers, arnOf: arns.function, logFor: () => log });
  return createServices({ database, functions, mapRuns, arns, ring: () => undefined, log, http });
}

function invoke(call: Call, tasks = services(), signal = PATIENT): Promise<TaskOutcome> {
  const effect: InvokeEffect = {
    kind: 'invoke',
    frameId: 0,
    key: 'x-1/3',
    call,
    stateName: 'Zahlung prüfen',
    attempt: 2,
    timeoutAtMs: Date.UTC(2030, 0, 1),
  };
  return tasks.invoke(effect, ABOUT, { signal, heartbeat: () => undefined });
}

async function connect(
  name: string,
  authorization: Authorization,
  parameters: Partial<ConnectionParameters> = {},
  hosts: string[] = [],
): Promise<void> {
  const all = { headers: {}, query: {}, body: {}, ...parameters };
  const connection = { name, description: null, authorization, parameters: all, hosts, shown: {} };
  await writeConnection(database.pool, sealing, connection, 'create');
}

function request(connection: string, more: Partial<HttpRequestCall> = {}): HttpRequestCall {
  return {
    kind: 'httpRequest',
    connection,
    url: url('/orders'),
    method: 'GET',
    headers: {},
    query: [],
    ...more,
  };
}

describe('an HTTP task', () => {
  test('is sent with what its connection adds, and answers with what came back', async () => {
    answering = (_, response) => json(response, 200, { id: 7 });
    const authorization = { type: 'API_KEY', name: 'X-Key', value: 's3cret' } as const;
    await connect('shop', authorization, { query: { v: '2' }, body: { from: 'here' } });
    const outcome = await invoke(
      request('arn:aws:events:us-east-1:0:connection/shop/1-2', { method: 'PUT', body: { id: 7 } }),
    );
    expect(outcome).toMatchObject({
      ok: true,
      output: { StatusCode: 200, StatusText: 'OK', ResponseBody: { id: 7 } },
    });
    expect(server.asked).toMatchObject([
      { method: 'PUT', url: '/orders?v=2', body: '{"id":7,"from":"here"}', headers: { 'x-key': 's3cret' } },
    ]);
  });

  test('whose connection is not there, cannot be opened, or is not for that host, fails by name', async () => {
    expect(await invoke(request('nobody'))).toMatchObject({
      ok: false,
      error: 'Events.ConnectionResource.ResourceNotFound',
    });
    await connect('sealed', { type: 'BASIC', username: 'u', password: 'p' });
    for (const secretsKeys of [[], [randomBytes(32).toString('base64')]]) {
      const outcome = await invoke(request('sealed'), services({ ...SETTINGS, secretsKeys }));
      expect(outcome).toMatchObject({ ok: false, error: 'Events.ConnectionResource.InternalError' });
      expect(JSON.stringify(outcome)).toContain('SECRETS_KEY');
    }
    await connect('elsewhere', { type: 'API_KEY', name: 'K', value: 'v' }, {}, ['api.example']);
    expect(await invoke(request('elsewhere'))).toMatchObject({
      ok: false,
      error: 'Events.ConnectionResource.AccessDenied',
    });
    expect(server.asked).toEqual([]);
  });

  test('reaches nothing that only this machine can reach, unless the list says so', async () => {
    await connect('open', { type: 'NONE' });
    for (const allow of [[], ['10.0.0.0/8', 'elsewhere.example']]) {
      const outcome = await invoke(request('open'), services({ secretsKeys: [], allow }));
      expect(outcome).toMatchObject({ ok: false, error: 'States.Permissions' });
    }
    expect(server.asked).toEqual([]);
  });

  test('that gets no answer in its time, or none at all, or too much, fails as AWS has it', async () => {
    await connect('slow', { type: 'NONE' });
    answering = () => undefined;
    expect(await invoke(request('slow'), services({ ...SETTINGS, timeoutMs: 100 }))).toMatchObject({
      ok: false,
      error: 'States.Http.Socket',
    });
    answering = (_, response) => response.destroy();
    expect(await invoke(request('slow'))).toMatchObject({ ok: false, error: 'States.Http.Socket' });
    answering = (_, response) => response.end('x'.repeat(300_000));
    expect(await invoke(request('slow'))).toMatchObject({ ok: false, error: 'States.DataLimitExceeded' });
    answering = (_, response) => json(response, 429, { wait: true });
    expect(await invoke(request('slow'))).toEqual({
      ok: false,
      error: 'States.Http.StatusCode.429',
      cause: '{"wait":true}',
    });
  });
});

/** A server that gives out tokens, and takes only the newest. */
function tokenServer(given: { count: number; expiresIn?: number }): Answering {
  return (asked, response) => {
    if (asked.url === '/token') {
      given.count++;
      return json(response, 200, {
        access_token: `token-${given.count}`,
        token_type: 'Bearer',
        ...(given.expiresIn !== undefined && { expires_in: given.expiresIn }),
      });
    }
    const fits = asked.headers.authorization === `Bearer token-${given.count}`;
    json(response, fits ? 200 : 401, { fits });
  };
}

function client(more: object = {}): Authorization {
  return {
    type: 'OAUTH_CLIENT_CREDENTIALS',
    tokenUrl: url('/token'),
    clientId: 'orders',
    clientSecret: 's3cret',
    clientAuthentication: 'BASIC',
    ...more,
  };
}

const called = (path: string): Asked[] => server.asked.filter((one) => one.url === path);

describe('a connection with OAuth client credentials', () => {
  test('gets one token for many calls', async () => {
    const given = { count: 0, expiresIn: 3600 };
    answering = tokenServer(given);
    await connect('many', client({ scope: 'read' }));
    const tasks = services();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => invoke(request('many'), tasks)));
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect((await invoke(request('many'), tasks)).ok).toBe(true);
    expect(called('/token')).toMatchObject([
      {
        method: 'POST',
        body: 'grant_type=client_credentials&scope=read',
        headers: { authorization: `Basic ${Buffer.from('orders:s3cret').toString('base64')}` },
      },
    ]);
  });

  test('gets another one when a token is refused, once for all who were refused, and tries once more', async () => {
    const given = { count: 0 };
    answering = tokenServer(given);
    await connect('revoked', client());
    const tasks = services();
    expect((await invoke(request('revoked'), tasks)).ok).toBe(true);
    given.count = 50; // what was given out so far is not taken any more
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => invoke(request('revoked'), tasks)));
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true, true, true]);
    expect(called('/token')).toHaveLength(2);
  });

  test('whose tokens are never taken fails with what the server says, after two tries', async () => {
    answering = (asked, response) =>
      json(response, asked.url === '/token' ? 200 : 401, { access_token: 't', token_type: 'Bearer' });
    await connect('vain', client());
    expect(await invoke(request('vain'))).toMatchObject({ ok: false, error: 'States.Http.StatusCode.401' });
    expect(called('/orders').length).toBeLessThanOrEqual(2);
  });

  test('asks for a new token when the old one is about to run out', async () => {
    const given = { count: 0, expiresIn: 0.001 };
    answering = tokenServer(given);
    await connect('short', client());
    const tasks = services();
    expect((await invoke(request('short'), tasks)).ok).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await invoke(request('short'), tasks)).ok).toBe(true);
    expect(called('/token')).toHaveLength(2);
  });

  test('that gets no token fails by name, and shows no secret', async () => {
    await connect('refused', client());
    for (const refusal of [
      (_: Asked, response: Parameters<Answering>[1]) => json(response, 401, { error: 'invalid_client' }),
      (_: Asked, response: Parameters<Answering>[1]) => response.end('<html>'),
      (_: Asked, response: Parameters<Answering>[1]) => response.destroy(),
      (_: Asked, response: Parameters<Answering>[1]) => response.writeHead(302, { location: '/x' }).end(),
    ]) {
      answering = refusal;
      const outcome = await invoke(request('refused'));
      expect(outcome).toMatchObject({ error: 'Events.ConnectionResource.InvalidConnectionState' });
      expect(JSON.stringify(outcome)).not.toContain('s3cret');
    }
    expect(called('/orders')).toEqual([]);
  });
});

/** As docs/guides/http-tasks.md shows it. */
function isSigned({ headers, body }: Asked, secret: string): boolean {
  const parts = String(headers['escapement-signature']).split(',');
  const timestamp = parts.find((part) => part.startsWith('t='))?.slice(2) ?? '';
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const expected = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest();
  return parts
    .filter((part) => part.startsWith('v1='))
    .map((part) => Buffer.from(part.slice(3), 'hex'))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}

function call(functionName: string, input: Record<string, string | number> = { total: 3 }): Call {
  return { kind: 'function', functionName, input };
}

async function endpoint(name: string, timeoutSeconds = 10): Promise<string> {
  const secret = `esk_${name}`;
  await createTaskEndpoint(database.pool, sealing, { name, url: url('/run'), timeoutSeconds, secret });
  return secret;
}

describe('a function behind a URL', () => {
  test('is called with the input, who asks, and a signature; what it answers is its result', async () => {
    answering = (_, response) => json(response, 200, { paid: true });
    const secret = await endpoint('charge');
    expect(await invoke(call('charge', { total: 'drei €' }))).toEqual({ ok: true, output: { paid: true } });
    const [asked] = server.asked;
    expect(asked).toMatchObject({
      method: 'POST',
      url: '/run',
      body: '{"total":"drei €"}',
      headers: {
        'content-type': 'application/json; charset=UTF-8',
        'idempotency-key': 'x-1/3',
        'escapement-function': 'charge',
        'escapement-execution-id': 'x-1',
        'escapement-execution-name': encodeURIComponent('Bestellung ä'),
        'escapement-state-machine-id': 'm',
        'escapement-state-name': encodeURIComponent('Zahlung prüfen'),
        'escapement-attempt': '2',
        'escapement-timeout-at': '2030-01-01T00:00:00.000Z',
      },
    });
    if (asked === undefined) throw new Error('nobody asked');
    expect(isSigned(asked, secret)).toBe(true);
    expect(isSigned(asked, 'esk_other')).toBe(false);
    expect(isSigned({ ...asked, body: '{"total":0}' }, secret)).toBe(false);
  });

  test('is signed for with the secret before, too, for a while after a rotation', async () => {
    answering = (_, response) => response.end();
    const before = await endpoint('rotated');
    const rotate = (secret: string, overlapSeconds: number) =>
      rotateTaskEndpoint(database.pool, sealing, { name: 'rotated', secret, overlapSeconds });
    await rotate('esk_second', 3600);
    expect(await invoke(call('rotated'))).toEqual({ ok: true, output: null });
    const signed = (secret: string) => server.asked.map((asked) => isSigned(asked, secret));
    expect([signed(before), signed('esk_second')]).toEqual([[true], [true]]);
    await rotate('esk_third', 0);
    await invoke(call('rotated'));
    expect([signed('esk_second'), signed('esk_third')]).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  test('is asked for only when the handlers module has no function of that name', async () => {
    answering = (_, response) => json(response, 200, 'from afar');
    await endpoint('both');
    const tasks = services(SETTINGS, { both: () => 'from here' });
    expect(await invoke(call('both'), tasks)).toEqual({ ok: true, output: 'from here' });
    expect(server.asked).toEqual([]);
    expect(await invoke(call('both'))).toEqual({ ok: true, output: 'from afar' });
    expect(await invoke(call('neither'))).toMatchObject({
      ok: false,
      error: 'Lambda.ResourceNotFoundException',
    });
  });

  test.each<[string, number, string, object]>([
    [
      'an error and a cause',
      422,
      '{"error":"CardDeclined","cause":"no money"}',
      { error: 'CardDeclined', cause: 'no money' },
    ],
    ['a cause that is no text', 500, '{"error":"E","cause":{"a":1}}', { error: 'E', cause: '{"a":1}' }],
    ['an error alone', 500, '{"error":"E"}', { error: 'E', cause: '' }],
    ['some text', 502, 'bad gateway', { error: 'TaskEndpoint.StatusCode.502', cause: 'bad gateway' }],
    ['nothing', 503, '', { error: 'TaskEndpoint.StatusCode.503', cause: 'Service Unavailable' }],
    ['a redirect', 307, '', { error: 'TaskEndpoint.StatusCode.307', cause: 'Temporary Redirect' }],
    ['what is not JSON', 200, 'fine', { error: 'TaskEndpoint.InvalidResponse' }],
    ['what is too large', 200, JSON.stringify('x'.repeat(300_000)), { error: 'States.DataLimitExceeded' }],
  ])('fails the task when it answers with %s', async (what, status, body, failure) => {
    answering = (_, response) => response.writeHead(status, { location: url('/x') }).end(body);
    const name = what.replaceAll(' ', '-');
    await endpoint(name);
    expect(await invoke(call(name))).toMatchObject({ ok: false, ...failure });
    expect(server.asked).toHaveLength(1);
  });

  test('that does not answer in its time, or cannot be reached, or may not be, fails the task by name', async () => {
    answering = () => undefined;
    await endpoint('late', 1);
    expect(await invoke(call('late'))).toMatchObject({ ok: false, error: 'TaskEndpoint.Timeout' });
    answering = (_, response) => response.destroy();
    expect(await invoke(call('late'))).toMatchObject({ ok: false, error: 'TaskEndpoint.Unreachable' });
    const guarded = services({ secretsKeys: [KEY], allow: [] });
    expect(await invoke(call('late'), guarded)).toMatchObject({ ok: false, error: 'States.Permissions' });
    const keyless = services({ secretsKeys: [], allow: [] });
    expect(await invoke(call('late'), keyless)).toMatchObject({
      ok: false,
      error: 'TaskEndpoint.SecretUnreadable',
    });
  });

  test('is let go when nobody waits for it any more', async () => {
    const controller = new AbortController();
    let ended: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => {
      ended = resolve;
    });
    answering = (_, response) => {
      response.on('close', ended);
      controller.abort();
    };
    await endpoint('stopped');
    expect(await invoke(call('stopped'), services(), controller.signal)).toMatchObject({ ok: false });
    await closed;
  });
});
