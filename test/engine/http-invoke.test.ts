import { describe, expect, test } from '@jest/globals';
import type { HttpRequestCall } from '../../src/engine/index.js';
import type { JsonObject } from '../../src/std/json.js';
import { type Answer, type Played, play } from './driver.js';
import { machineOf } from './machines.js';

const OK: Answer = { output: { StatusCode: 200, StatusText: 'OK', Headers: {}, ResponseBody: { id: 1 } } };

function invoke(Parameters: JsonObject, http: (call: HttpRequestCall) => Answer = () => OK): Promise<Played> {
  return play({
    definition: machineOf({
      Call: {
        Type: 'Task',
        Resource: 'arn:aws:states:::http:invoke',
        Parameters,
        Retry: [{ ErrorEquals: ['States.Http.StatusCode.503'], MaxAttempts: 1 }],
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }],
        End: true,
      },
      Caught: { Type: 'Pass', Parameters: { 'caught.$': '$.Error', 'why.$': '$.Cause' }, End: true },
    }),
    input: { url: 'https://api.example/orders', id: 7, headers: { 'X-A': ['b', 1] }, query: 'a=1&b=%20' },
    http,
  });
}

const REQUEST: JsonObject = {
  'ApiEndpoint.$': '$.url',
  Method: 'POST',
  Authentication: { ConnectionArn: 'arn:aws:events:us-east-1:1:connection/shop/81210c42' },
};

function callOf({ calls: [first] }: Played): unknown {
  return first?.call;
}

describe('an HTTP task', () => {
  test('asks for the request that its parameters describe, and gives back what was answered', async () => {
    const played = await invoke({
      ...REQUEST,
      'Headers.$': '$.headers',
      QueryParameters: { page: 2, tag: ['x', 'y'], none: null },
      RequestBody: { 'id.$': '$.id' },
      Transform: { RequestBodyEncoding: 'URL_ENCODED' },
    });
    expect(callOf(played)).toEqual({
      kind: 'httpRequest',
      connection: 'arn:aws:events:us-east-1:1:connection/shop/81210c42',
      url: 'https://api.example/orders',
      method: 'POST',
      headers: { 'X-A': 'b, 1' },
      query: [
        ['page', '2'],
        ['tag', 'x'],
        ['tag', 'y'],
        ['none', ''],
      ],
      body: { id: 7 },
      form: 'INDICES',
    });
    expect(played.end?.output).toMatchObject({ StatusCode: 200, ResponseBody: { id: 1 } });
    expect(played.history.map(({ type }) => type).slice(2, 5)).toEqual([
      'TaskScheduled',
      'TaskStarted',
      'TaskSucceeded',
    ]);
    expect(played.history[2]).toMatchObject({ details: { resourceType: 'http', resource: 'invoke' } });
  });

  test('has no body, no headers and no query when it says nothing of them', async () => {
    expect(callOf(await invoke(REQUEST))).toEqual({
      kind: 'httpRequest',
      connection: 'arn:aws:events:us-east-1:1:connection/shop/81210c42',
      url: 'https://api.example/orders',
      method: 'POST',
      headers: {},
      query: [],
    });
  });

  test('takes its query as text, too', async () => {
    expect(callOf(await invoke({ ...REQUEST, 'QueryParameters.$': '$.query' }))).toMatchObject({
      query: [
        ['a', '1'],
        ['b', ' '],
      ],
    });
  });

  test('fails with the error that the call gives, which Retry and Catch find by its name', async () => {
    let times = 0;
    const down = await invoke(REQUEST, () => {
      times++;
      return { error: 'States.Http.StatusCode.503', cause: 'busy' };
    });
    expect(times).toBe(2);
    expect(down.end?.output).toEqual({ caught: 'States.Http.StatusCode.503', why: 'busy' });
  });

  test.each<[string, JsonObject]>([
    ['ApiEndpoint', { 'ApiEndpoint.$': '$.id' }],
    ['Method', { 'Method.$': '$.url' }],
    ['Headers', { 'Headers.$': 'States.StringToJson(\'{"host": "x"}\')' }],
    ['header', { 'Headers.$': 'States.StringToJson(\'{"x": "a\\\\r\\\\nHost: b"}\')' }],
    ['ConnectionArn', { Authentication: { 'ConnectionArn.$': '$.id' } }],
    [
      'ArrayFormat',
      {
        Transform: {
          RequestBodyEncoding: 'URL_ENCODED',
          'RequestEncodingOptions.$': 'States.StringToJson(\'{"ArrayFormat":"x"}\')',
        },
      },
    ],
  ])(
    'that an expression has given a wrong %s ends the execution, and asks for nothing',
    async (what, wrong) => {
      const { 'ApiEndpoint.$': url, ...rest } = REQUEST;
      const endpoint = 'ApiEndpoint.$' in wrong ? {} : { 'ApiEndpoint.$': url as string };
      const { Method, ...others } = { ...rest, ...wrong };
      const method = 'Method.$' in wrong ? {} : { Method: Method as string };
      const played = await invoke({ ...endpoint, ...method, ...others });
      expect(played.calls).toEqual([]);
      expect(played.end).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
      expect(played.end?.cause).toContain(what);
    },
  );
});
