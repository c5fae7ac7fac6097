import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MAX_COMPLAINTS } from '../../src/api/validation.js';
import { call, type ListeningApi, listen } from './listening.js';

let api: ListeningApi;
beforeAll(async () => {
  api = await listen({ config: { bodyLimit: 16 * 1024 * 1024 } });
});
afterAll(() => api.close());

interface Detail {
  pointer: string;
  code: string;
  message: string;
}

async function complaints(path: string, method = 'GET', body?: unknown): Promise<Detail[]> {
  const answer = await call(`${api.url}${path}`, method, body);
  expect(answer.body['code']).toBe('VALIDATION_FAILED');
  expect(answer.status).toBe(400);
  const details = answer.body['details'];
  if (!Array.isArray(details) || details.length === 0) throw new Error('there are no details');
  expect(answer.body['message']).toContain(details[0].message);
  return details;
}

describe('a body', () => {
  test('gets all complaints at once, each with its place, what was found and what was expected', async () => {
    const details = await complaints('/state-machines', 'POST', {
      id: 'no spaces please',
      name: '',
      definition: 5,
      type: 'FAST',
      queue: ['q'],
      colour: 'red',
      'a/b~c': 1,
    });
    expect(details.sort((a, b) => (a.pointer < b.pointer ? -1 : 1))).toEqual([
      {
        pointer: '/a~1b~0c',
        code: 'UNKNOWN',
        message:
          "There is no field 'a/b~c'; known are id, name, description, definition, type, queue, metadata, roleArn, recovery, maxConcurrentExecutions, startsPerSecond.",
      },
      {
        pointer: '/colour',
        code: 'UNKNOWN',
        message:
          "There is no field 'colour'; known are id, name, description, definition, type, queue, metadata, roleArn, recovery, maxConcurrentExecutions, startsPerSecond.",
      },
      {
        pointer: '/definition',
        code: 'TYPE',
        message: "The field 'definition' is 5; expected an object or text.",
      },
      {
        pointer: '/id',
        code: 'VALUE',
        message: `The field 'id' is "no spaces please"; expected text that matches ^[A-Za-z0-9_-]{1,80}$.`,
      },
      {
        pointer: '/name',
        code: 'VALUE',
        message: `The field 'name' is ""; expected text of 1 to 80 characters.`,
      },
      {
        pointer: '/queue',
        code: 'TYPE',
        message: "The field 'queue' is a list of 1; expected text of 1 to 100 characters.",
      },
      {
        pointer: '/type',
        code: 'VALUE',
        message: `The field 'type' is "FAST"; expected "STANDARD" or "EXPRESS".`,
      },
    ]);
  });

  test('is told what is missing', async () => {
    expect(await complaints('/queues/enqueue', 'POST', { input: 1 })).toEqual([
      {
        pointer: '/stateMachineId',
        code: 'REQUIRED',
        message: "The field 'stateMachineId' is missing; expected text of 1 to 80 characters.",
      },
      {
        pointer: '/queue',
        code: 'REQUIRED',
        message: "The field 'queue' is missing; expected text of 1 to 100 characters.",
      },
    ]);
  });

  test('that changes nothing is told what could be changed', async () => {
    expect(await complaints('/state-machines/m', 'PUT', {})).toEqual([
      {
        pointer: '',
        code: 'VALUE',
        message:
          'The body is an empty object; expected an object with at least one of name, description, definition, queue, metadata, roleArn, recovery, maxConcurrentExecutions, startsPerSecond.',
      },
    ]);
  });

  test.each([[null], [[]], [5], ['text'], [true]])('%j is not an object', async (body) => {
    const [first] = await complaints('/state-machines', 'POST', JSON.stringify(body));
    expect(first).toMatchObject({
      pointer: '',
      code: 'TYPE',
      message: expect.stringContaining('expected an object'),
    });
  });

  test('gets complaints about members of members', async () => {
    const details = await complaints('/state-machines/m/batch', 'POST', {
      filter: { status: 'DONE', limit: 0, sort: 1 },
    });
    expect(details.map(({ pointer }) => pointer).sort()).toEqual([
      '/filter/limit',
      '/filter/sort',
      '/filter/status',
    ]);
    expect(details.find(({ pointer }) => pointer === '/filter/sort')?.message).toMatch(/known are .*limit/);
  });

  test('of very many wrong members gets a limited answer', async () => {
    const many = Object.fromEntries(Array.from({ length: 300_000 }, (_, i) => [`wrong${i}`, i]));
    const details = await complaints('/state-machines/m/batch', 'POST', { inputs: 5, filter: many, ...many });
    expect(details).toHaveLength(MAX_COMPLAINTS);
    expect(details.some(({ pointer }) => pointer === '/inputs' || pointer.startsWith('/wrong'))).toBe(true);
  });

  test('of a very long text is quoted in part only', async () => {
    const [first] = await complaints('/state-machines', 'POST', {
      name: 'x'.repeat(1_000_000),
      definition: {},
    });
    expect(first?.message.length).toBeLessThan(200);
  });
});

describe('a query', () => {
  test.each([
    ['limit=0', '/limit', 'a whole number from 1 to 1000'],
    ['limit=1001', '/limit', 'a whole number from 1 to 1000'],
    ['limit=-1', '/limit', 'a whole number'],
    ['limit=1.5', '/limit', 'a whole number'],
    ['limit=1e2', '/limit', 'a whole number'],
    ['limit=%201', '/limit', 'a whole number'],
    ['limit=', '/limit', 'a whole number'],
    ['limit=99999999999999999999', '/limit', 'a whole number'],
    ['limit=1&limit=2', '/limit', 'a list of 2; expected a whole number'],
    ['status=DONE', '/status', '"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT" or "ABORTED"'],
    ['startedAfter=yesterday', '/startedAfter', 'a time such as'],
    ['startedAfter=2026-02-30T25:00:00Z', '/startedAfter', 'a time such as'],
    ['startedAfter=2016-12-31T23:59:60Z', '/startedAfter', 'a time such as'],
    ['startedAfter=0000-01-01T00:00:00Z', '/startedAfter', 'a time such as'],
    ['startedAfter=2026-01-31T12:00:00', '/startedAfter', 'a time such as'],
    ['startedAfter=2026-02-31T12:00:00Z', '/startedAfter', 'a time such as'],
    ['startedBefore=2025-02-29T12:00Z', '/startedBefore', 'a time such as'],
    ['startedBefore=2025-02-28T24:00:00Z', '/startedBefore', 'a time such as'],
    ['name=', '/name', 'text of 1 to 80 characters'],
    ['order=asc', '/order', "There is no query parameter 'order'"],
    ['__proto__=1', '/__proto__', "There is no query parameter '__proto__'"],
    ['Limit=1', '/Limit', 'known are'],
  ])('%s is refused', async (query, pointer, expected) => {
    const details = await complaints(`/executions?${query}`);
    expect(details).toEqual([
      expect.objectContaining({ pointer, message: expect.stringContaining(expected) }),
    ]);
  });

  test('gets all complaints at once', async () => {
    expect(await complaints('/executions?limit=0&status=x&order=y')).toHaveLength(3);
  });

  test.each(['/health/live', '/queues/stats', '/state-machines/x', '/executions/x'])(
    '%s knows no query parameter at all',
    async (path) => {
      const details = await complaints(`${path}?pretty=true`);
      expect(details).toEqual([expect.objectContaining({ pointer: '/pretty', code: 'UNKNOWN' })]);
    },
  );

  test.each(['force=1', 'force=yes', 'force=TRUE', 'force'])(
    '%s is neither true nor false',
    async (query) => {
      const [first] = await complaints(`/state-machines/x?${query}`, 'DELETE');
      expect(first?.message).toContain('expected true or false');
    },
  );

  test.each(['wait=-1', 'wait=61', 'wait=30s'])('%s is no time to wait', async (query) => {
    const [first] = await complaints(`/state-machines/x/executions?${query}`, 'POST', {});
    expect(first?.message).toContain('expected a whole number from 0 to 60');
  });
});
