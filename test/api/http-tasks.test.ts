import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createVault, openConnection, openTaskEndpoint } from '../../src/store/index.js';
import { askAsPromised } from './asking.js';
import { type ApiDocument, loadDocument } from './document.js';
import type { Answer } from './listening.js';
import { openService, type Service } from './service.js';

const KEY = randomBytes(32).toString('base64');

let service: Service;
let keyless: Service;
let document: ApiDocument;
beforeAll(async () => {
  [service, keyless, document] = await Promise.all([
    openService({ secretsKeys: [KEY] }),
    openService(),
    loadDocument(),
  ]);
});
afterAll(() => Promise.all([service.close(), keyless.close()]));

const ask = (operationId: string, path: string, body?: unknown, of = service): Promise<Answer> =>
  askAsPromised(of, document, operationId, path, body);

const OAUTH = {
  type: 'OAUTH_CLIENT_CREDENTIALS',
  oauth: {
    tokenUrl: 'https://login.example/token',
    clientId: 'orders',
    clientSecret: 'S3CRET-client',
    scope: 'read',
    parameters: { audience: 'S3CRET-audience' },
  },
};

/** The codes of complaints in docs/errors.md. */
const DETAIL = /^(REQUIRED|UNKNOWN|TYPE|VALUE|TEXT)$/;

describe('a connection', () => {
  test.each([
    ['key', { type: 'API_KEY', apiKey: { name: 'X-Key', value: 'S3CRET' } }, { apiKeyName: 'X-Key' }],
    ['basic', { type: 'BASIC', basic: { username: 'me', password: 'S3CRET' } }, { username: 'me' }],
    [
      'oauth',
      OAUTH,
      {
        tokenUrl: 'https://login.example/token',
        clientId: 'orders',
        clientAuthentication: 'BASIC',
        scope: 'read',
      },
    ],
    ['none', { type: 'NONE' }, {}],
    [
      'adding',
      {
        type: 'NONE',
        parameters: { headers: { 'x-a': 'S3CRET' }, query: { q: 'S3CRET' }, body: { b: { c: 'S3CRET' } } },
      },
      { parameters: { headers: ['x-a'], query: ['q'], body: ['b'] } },
    ],
  ])(
    '%s is created, found, listed and deleted, and its secrets are not shown, nor stored as they are',
    async (name, made, settings) => {
      const created = await ask('createConnection', '/connections', { name, ...made });
      expect(created).toMatchObject({
        status: 201,
        body: {
          name,
          type: made.type,
          connectionArn: `arn:aws:events:us-east-1:000000000000:connection/${name}`,
          settings,
          hosts: [],
          description: null,
        },
      });
      expect(created.headers.get('location')).toBe(`/connections/${name}`);
      const found = await ask('getConnection', `/connections/${name}`);
      expect(found.body).toEqual(created.body);
      const listed = await ask('listConnections', '/connections?limit=1');
      expect(listed.body['items']).toEqual([created.body]);
      const { rows } = await service.database.pool.query<{ row: string }>(
        'SELECT connections::text AS row FROM connections',
      );
      for (const text of [JSON.stringify([created, found, listed]), rows[0]?.row])
        expect(text).not.toContain('S3CRET');
      expect((await ask('deleteConnection', `/connections/${name}`)).body).toEqual({ name });
      expect(await ask('getConnection', `/connections/${name}`)).toMatchObject({
        status: 404,
        body: { code: 'CONNECTION_NOT_FOUND' },
      });
      expect((await ask('deleteConnection', `/connections/${name}`)).status).toBe(404);
    },
  );

  test('is replaced as a whole, and another one of its name is refused', async () => {
    const key = { type: 'API_KEY', apiKey: { name: 'K', value: 'first' } };
    await ask('createConnection', '/connections', { name: 'twice', description: 'old', ...key });
    expect(await ask('createConnection', '/connections', { name: 'twice', ...key })).toMatchObject({
      status: 409,
      body: { code: 'CONNECTION_EXISTS', details: [{ pointer: '/name' }] },
    });
    const vault = createVault([KEY]);
    const before = await openConnection(service.database.pool, vault, 'twice');
    expect(before).toMatchObject({ authorization: { value: 'first' } });
    const basic = { type: 'BASIC', basic: { username: 'u', password: 'p' }, hosts: ['API.example:8443'] };
    expect(await ask('replaceConnection', '/connections/twice', basic)).toMatchObject({
      status: 200,
      body: { type: 'BASIC', description: null, hosts: ['api.example:8443'], settings: { username: 'u' } },
    });
    const after = await openConnection(service.database.pool, vault, 'twice');
    expect(after).toMatchObject({ authorization: { password: 'p' }, hosts: ['api.example:8443'] });
    expect(after?.version).not.toBe(before?.version);
    expect((await ask('replaceConnection', '/connections/nobody', basic)).status).toBe(404);
  });

  test.each([
    [{ type: 'API_KEY' }, '/apiKey'],
    [{ type: 'NONE', basic: { username: 'u', password: 'p' } }, '/basic'],
    [{ type: 'BASIC', basic: { username: 'a:b', password: 'p' } }, '/basic/username'],
    [{ type: 'API_KEY', apiKey: { name: 'a b', value: 'S3CRET' } }, '/apiKey'],
    [{ type: 'API_KEY', apiKey: { name: 'Host', value: 'S3CRET' } }, '/apiKey'],
    [{ type: 'API_KEY', apiKey: { name: 'X', value: 'S3CRET\r\nY: z' } }, '/apiKey'],
    [{ ...OAUTH, oauth: { ...OAUTH.oauth, tokenUrl: 'ftp://login.example' } }, '/oauth/tokenUrl'],
    [{ ...OAUTH, oauth: { ...OAUTH.oauth, tokenUrl: 'https://u:S3CRET@login.example' } }, '/oauth/tokenUrl'],
    [{ ...OAUTH, oauth: { ...OAUTH.oauth, parameters: { a: 1 } } }, '/oauth/parameters/a'],
    [{ type: 'NONE', parameters: { headers: { a: ['S3CRET'] } } }, '/parameters/headers/a'],
    [{ type: 'NONE', hosts: ['https://api.example/'] }, '/hosts/0'],
    [{ type: 'BASIC', basic: 'me:S3CRET' }, '/basic'],
    [{ type: 'BASIC', basic: { username: 'u', password: ['S3CRET'] } }, '/basic/password'],
    [{ type: 'API_KEY', apiKey: { name: 'K', value: `S3CRET${'x'.repeat(20_000)}` } }, '/apiKey/value'],
    [{ type: 'NONE', parameters: { headers: 'S3CRET' } }, '/parameters/headers'],
  ])('that is %j is refused where it is wrong, without a secret in the answer', async (wrong, pointer) => {
    const answer = await ask('createConnection', '/connections', { name: 'wrong', ...wrong });
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'VALIDATION_FAILED', details: [{ pointer, code: expect.stringMatching(DETAIL) }] },
    });
    expect(JSON.stringify(answer.body)).not.toContain('S3CRET');
  });

  test("whose header's name and value were confused is refused without showing either", async () => {
    const apiKey = { name: 'Bearer S3CRET', value: 'Authorization' };
    const { status, body } = await ask('createConnection', '/connections', {
      name: 'confused',
      type: 'API_KEY',
      apiKey,
    });
    expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'VALIDATION_FAILED' });
    expect(JSON.stringify(body)).not.toContain('S3CRET');
  });

  test('with a name that AWS does not allow is refused', async () => {
    expect(await ask('createConnection', '/connections', { name: 'a b', type: 'NONE' })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_NAME' },
    });
  });
});

describe('a task endpoint', () => {
  test('is created with a secret that is shown once, found, listed, changed and deleted', async () => {
    const created = await ask('createTaskEndpoint', '/task-endpoints', {
      name: 'charge',
      url: 'https://handlers.example/charge',
    });
    expect(created).toMatchObject({
      status: 201,
      body: {
        name: 'charge',
        url: 'https://handlers.example/charge',
        timeoutSeconds: 60,
        rotatedAt: null,
        previousUntil: null,
        secret: expect.stringMatching(/^esk_[\w-]{43}$/),
      },
    });
    const { secret, ...view } = created.body;
    expect((await ask('getTaskEndpoint', '/task-endpoints/charge')).body).toEqual(view);
    expect((await ask('listTaskEndpoints', '/task-endpoints')).body).toMatchObject({ items: [view] });
    expect(
      await ask('createTaskEndpoint', '/task-endpoints', { name: 'charge', url: 'https://x.example' }),
    ).toMatchObject({ status: 409, body: { code: 'TASK_ENDPOINT_EXISTS' } });

    expect(
      (await ask('updateTaskEndpoint', '/task-endpoints/charge', { timeoutSeconds: 5 })).body,
    ).toMatchObject({ url: 'https://handlers.example/charge', timeoutSeconds: 5 });
    const opened = await openTaskEndpoint(service.database.pool, createVault([KEY]), 'charge');
    expect(opened).toEqual({
      name: 'charge',
      url: 'https://handlers.example/charge',
      timeoutMs: 5_000,
      secrets: [secret],
    });

    const rotated = await ask('rotateTaskEndpointSecret', '/task-endpoints/charge/secret?overlapSeconds=60');
    expect(rotated.body['secret']).not.toBe(secret);
    expect(rotated.body).toMatchObject({
      rotatedAt: expect.any(String),
      previousUntil: expect.any(String),
    });
    expect(await openTaskEndpoint(service.database.pool, createVault([KEY]), 'charge')).toMatchObject({
      secrets: [rotated.body['secret'], secret],
    });

    expect((await ask('deleteTaskEndpoint', '/task-endpoints/charge')).body).toEqual({ name: 'charge' });
    for (const [operation, path, body] of [
      ['getTaskEndpoint', '', undefined],
      ['updateTaskEndpoint', '', {}],
      ['rotateTaskEndpointSecret', '/secret', undefined],
      ['deleteTaskEndpoint', '', undefined],
    ] as const) {
      expect(await ask(operation, `/task-endpoints/charge${path}`, body)).toMatchObject({
        status: 404,
        body: { code: 'TASK_ENDPOINT_NOT_FOUND' },
      });
    }
  });

  test.each([
    [{ name: 'a/b', url: 'https://x.example' }, 'INVALID_NAME', '/name'],
    [{ name: 'a', url: 'x.example' }, 'VALIDATION_FAILED', '/url'],
    [{ name: 'a', url: 'https://u:p@x.example' }, 'VALIDATION_FAILED', '/url'],
    [{ name: 'a', url: 'https://x.example', timeoutSeconds: 901 }, 'VALIDATION_FAILED', '/timeoutSeconds'],
  ])('that is %j is refused', async (body, code, pointer) => {
    expect(await ask('createTaskEndpoint', '/task-endpoints', body)).toMatchObject({
      status: 400,
      body: { code, details: [{ pointer }] },
    });
  });
});

describe('without SECRETS_KEY', () => {
  test('what has secrets is refused in so many words, and what has none is not', async () => {
    const key = { name: 'a', type: 'API_KEY', apiKey: { name: 'K', value: 'v' } };
    for (const [operation, path, body] of [
      ['createConnection', '/connections', key],
      ['createTaskEndpoint', '/task-endpoints', { name: 'a', url: 'https://x.example' }],
      ['rotateTaskEndpointSecret', '/task-endpoints/a/secret', undefined],
    ] as const) {
      expect(await ask(operation, path, body, keyless)).toMatchObject({
        status: 409,
        body: { code: 'SECRETS_KEY_MISSING', message: expect.stringContaining('SECRETS_KEY') },
      });
    }
    const open = { name: 'open', type: 'NONE' };
    expect((await ask('createConnection', '/connections', open, keyless)).status).toBe(201);
    expect((await ask('listConnections', '/connections', undefined, keyless)).body['items']).toHaveLength(1);
    expect((await ask('listTaskEndpoints', '/task-endpoints', undefined, keyless)).status).toBe(200);
  });
});
