import { describe, expect, test } from '@jest/globals';
import type { ArrayFormat } from '../../../src/asl/index.js';
import type { Connection, HttpRequestCall } from '../../../src/engine/index.js';
import type { Json } from '../../../src/std/json.js';
import { encodeForm } from '../../../src/tasks/http/form.js';
import { tokenRequest } from '../../../src/tasks/http/oauth.js';
import { outcomeOf } from '../../../src/tasks/http/outcome.js';
import { requestOf } from '../../../src/tasks/http/request.js';
import { type HttpAnswer, redirected } from '../../../src/tasks/http/send.js';

function call(more: Partial<HttpRequestCall> = {}): HttpRequestCall {
  return {
    kind: 'httpRequest',
    connection: 'c',
    url: 'https://api.example/path?old=1#part',
    method: 'POST',
    headers: {},
    query: [],
    ...more,
  };
}

function connection(more: Partial<Connection> = {}): Connection {
  const parameters = { headers: {}, query: {}, body: {} };
  return { name: 'c', version: '1', authorization: { type: 'NONE' }, parameters, hosts: [], ...more };
}

describe('a form', () => {
  test.each<[ArrayFormat, string]>([
    ['INDICES', 'array[0]=a&array[1]=b'],
    ['REPEAT', 'array=a&array=b'],
    ['COMMAS', 'array=a,b'],
    ['BRACKETS', 'array[]=a&array[]=b'],
  ])('writes arrays as %s', (format, text) => {
    expect(decodeURIComponent(encodeForm({ array: ['a', 'b'] }, format))).toBe(text);
  });

  test.each<[Json, string]>([
    [
      {
        description: 'Monthly subscription',
        metadata: { order_details: 'monthly report data' },
        customer: '1',
      },
      'description=Monthly%20subscription&metadata%5Border_details%5D=monthly%20report%20data&customer=1',
    ],
    [{ a: null, b: true, c: 1.5, d: {}, e: [] }, 'a=&b=true&c=1.5'],
    [{ a: [{ b: [1, 2] }] }, 'a%5B0%5D%5Bb%5D%5B0%5D=1&a%5B0%5D%5Bb%5D%5B1%5D=2'],
    [{ 'ä&=': '+ \ud800' }, '%C3%A4%26%3D=%2B%20%EF%BF%BD'],
    ['a=1', 'a=1'],
  ])('of %j is %s', (body, text) => {
    expect(encodeForm(body, 'INDICES')).toBe(text);
  });

  test('with commas numbers what is no scalar', () => {
    expect(decodeURIComponent(encodeForm({ a: [{ b: 1 }] }, 'COMMAS'))).toBe('a[0][b]=1');
  });
});

describe('a request', () => {
  test("has what the task says, and the connection's wins", () => {
    const request = requestOf(
      call({
        headers: { 'Request-Id': 'mine', 'Header-Param': 'task' },
        query: [
          ['q', 'task'],
          ['r', 'a b'],
        ],
        body: { Job: 'Engineer', BodyParam: 'task' },
      }),
      connection({
        authorization: { type: 'API_KEY', name: 'ApiKey', value: 'secret' },
        parameters: {
          headers: { 'header-param': 'connection' },
          query: { q: 'connection' },
          body: { BodyParam: 'connection' },
        },
      }),
      undefined,
    );
    expect(request.url.href).toBe('https://api.example/path?old=1&r=a%20b&q=connection');
    expect(request.headers).toEqual({
      'user-agent': 'Escapement',
      'content-type': 'application/json; charset=UTF-8',
      'request-id': 'mine',
      'header-param': 'connection',
      apikey: 'secret',
    });
    expect(String(request.body)).toBe('{"Job":"Engineer","BodyParam":"connection"}');
  });

  test('without a body has none, and says no type', () => {
    const request = requestOf(call({ method: 'GET' }), connection(), undefined);
    expect(request.body).toBeUndefined();
    expect(request.headers).toEqual({ 'user-agent': 'Escapement' });
  });

  test.each<[Record<string, string>, string]>([
    [{}, '"<a/>"'],
    [{ 'content-type': 'application/vnd.api+json' }, '"<a/>"'],
    [{ 'Content-Type': 'text/xml' }, '<a/>'],
  ])('whose body is text, of the type %j, is sent as %s', (headers, text) => {
    expect(String(requestOf(call({ headers, body: '<a/>' }), connection(), undefined).body)).toBe(text);
  });

  test('whose body is no object is not merged with what the connection adds to it', () => {
    const adds = connection({ parameters: { headers: {}, query: {}, body: { a: 1 } } });
    expect(() => requestOf(call({ body: 'text' }), adds, undefined)).toThrow('States.Runtime');
    expect(String(requestOf(call(), adds, undefined).body)).toBe('{"a":1}');
  });

  test('shows who sends it as the connection says', () => {
    const basic = { type: 'BASIC', username: 'ä', password: 'b:c' } as const;
    expect(requestOf(call(), connection({ authorization: basic }), undefined).headers['authorization']).toBe(
      `Basic ${Buffer.from('ä:b:c').toString('base64')}`,
    );
    const oauth = {
      type: 'OAUTH_CLIENT_CREDENTIALS',
      tokenUrl: 'https://t.example/',
      clientId: 'me:too',
      clientSecret: 's%',
      clientAuthentication: 'BASIC',
    } as const;
    expect(requestOf(call(), connection({ authorization: oauth }), 'abc').headers['authorization']).toBe(
      'Bearer abc',
    );
    const asked = tokenRequest({ ...oauth, scope: 'read write', parameters: { audience: 'x' } });
    expect(asked.headers['authorization']).toBe(`Basic ${Buffer.from('me%3Atoo:s%25').toString('base64')}`);
    expect(String(asked.body)).toBe('audience=x&grant_type=client_credentials&scope=read%20write');
    expect(String(tokenRequest({ ...oauth, clientAuthentication: 'BODY' }).body)).toBe(
      'grant_type=client_credentials&client_id=me%3Atoo&client_secret=s%25',
    );
  });
});

function answer(statusCode: number, headers: Record<string, string> = {}, body = ''): HttpAnswer {
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  return { statusCode, statusText: 'Text', headers: lists, body: Buffer.from(body, 'latin1') };
}

describe('what was answered', () => {
  test.each<[string, string, Json]>([
    ['application/json', '{"a":1}', { a: 1 }],
    ['application/problem+json; charset=utf-8', '[]', []],
    ['application/json', 'null', null],
    ['application/json', '{broken', '{broken'],
    ['application/json', '', ''],
    ['application/json', '['.repeat(5_000) + ']'.repeat(5_000), '['.repeat(5_000) + ']'.repeat(5_000)],
    ['text/plain', '{"a":1}', '{"a":1}'],
    ['text/plain; charset=iso-8859-1', '\xe4', 'ä'],
  ])('as %s is the value of what stands there', (type, text, value) => {
    expect(outcomeOf({ kind: 'answered', answer: answer(201, { 'content-type': type }, text) })).toEqual({
      ok: true,
      output: {
        StatusCode: 201,
        StatusText: 'Text',
        Headers: { 'content-type': [type] },
        ResponseBody: value,
      },
    });
  });

  test.each(['application/octet-stream', 'image/png', 'text/plain'])('that is no text fails: %s', (type) => {
    const found = answer(200, { 'content-type': type }, '\xff\xfe\x00');
    expect(outcomeOf({ kind: 'answered', answer: found })).toMatchObject({
      ok: false,
      error: 'States.Runtime',
    });
  });

  test('with a status that is no success fails by its number, with the body as the cause', () => {
    const failed = (found: HttpAnswer) => outcomeOf({ kind: 'answered', answer: found });
    expect(failed(answer(404, {}, 'gone'))).toEqual({
      ok: false,
      error: 'States.Http.StatusCode.404',
      cause: 'gone',
    });
    expect(failed(answer(500))).toMatchObject({ error: 'States.Http.StatusCode.500', cause: 'Text' });
    expect(failed(answer(304))).toMatchObject({ error: 'States.Http.StatusCode.304' });
    expect(failed(answer(500, {}, 'x'.repeat(50_000)))).toMatchObject({ cause: 'x'.repeat(32_768) });
  });
});

describe('a redirect', () => {
  const request = {
    url: new URL('https://a.example/x'),
    method: 'POST',
    headers: { 'content-type': 'text/plain', authorization: 'secret', 'x-key': 'secret', accept: '*/*' },
    body: Buffer.from('body'),
  };
  const to = (statusCode: number, location: string, from: typeof request | object = {}) =>
    redirected({ ...request, ...from }, answer(statusCode, { location }));

  test('within the origin keeps everything but what belonged to a body that is not sent again', () => {
    expect(to(307, '/y')).toMatchObject({ method: 'POST', headers: request.headers, body: request.body });
    const got = to(303, 'y');
    expect(got?.url.href).toBe('https://a.example/y');
    expect(got).toMatchObject({ method: 'GET' });
    expect(got?.headers).toEqual({ authorization: 'secret', 'x-key': 'secret', accept: '*/*' });
    expect(got?.body).toBeUndefined();
  });

  test('to another origin takes no secret along, nor a body', () => {
    expect(to(302, 'https://b.example/')?.headers).toEqual({ accept: '*/*' });
    expect(to(302, 'http://a.example/')?.headers).toEqual({ accept: '*/*' });
    expect(to(302, 'https://a.example:8443/')?.headers).toEqual({ accept: '*/*' });
    expect(() => to(307, 'https://b.example/')).toThrow('https://b.example');
  });

  test('that leads nowhere, or is none, is the answer', () => {
    expect(to(307, 'https://')).toBeUndefined();
    expect(to(304, '/y')).toBeUndefined();
    expect(redirected(request, answer(302))).toBeUndefined();
  });
});
