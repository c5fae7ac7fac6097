/** From an HTTP task's call and its connection to the request that is sent. Pure. */
import { StatesError } from '../../asl/index.js';
import type { Authorization, Connection, HttpRequestCall } from '../../engine/index.js';
import { isObject, type Json } from '../../std/json.js';
import { encode, encodeForm } from './form.js';
import type { Outgoing } from './send.js';

/**
 * The connection's parameters win over the task's, and its authorization over both
 * (https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html#http-task-data-merge).
 * @param token of an OAuth connection.
 * @throws StatesError States.Runtime when the bodies cannot be merged, or the URL cannot be read.
 */
export function requestOf(
  call: HttpRequestCall,
  { authorization, parameters }: Pick<Connection, 'authorization' | 'parameters'>,
  token: string | undefined,
): Outgoing {
  const body = mergedBody(call.body, parameters.body);
  const headers = mergedHeaders(
    { 'user-agent': 'Escapement' },
    body === undefined ? {} : { 'content-type': 'application/json; charset=UTF-8' },
    call.headers,
    parameters.headers,
    authorizationHeader(authorization, token),
  );
  const text = body === undefined ? undefined : bodyText(body, call, headers['content-type'] ?? '');
  return {
    url: urlWith(call, parameters.query),
    method: call.method,
    headers,
    ...(text !== undefined && { body: Buffer.from(text) }),
  };
}

function mergedBody(body: Json | undefined, added: Connection['parameters']['body']): Json | undefined {
  if (Object.keys(added).length === 0) return body;
  if (body === undefined) return added;
  if (isObject(body)) return { ...body, ...added };
  throw new StatesError(
    'States.Runtime',
    'The connection adds to the request body, which can only be done to an object',
  );
}

/** Text under a type that is not JSON is the body itself. */
function bodyText(body: Json, { form }: HttpRequestCall, contentType: string): string {
  if (form !== undefined) return encodeForm(body, form);
  const isJson = /^application\/([^;]*\+)?json\b/i.test(contentType);
  return typeof body === 'string' && !isJson ? body : JSON.stringify(body);
}

/** Later ones win; names are the same whatever their letters' case. */
function mergedHeaders(...all: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const merged = new Map<string, string>();
  for (const headers of all)
    for (const [name, value] of Object.entries(headers)) merged.set(name.toLowerCase(), value);
  return Object.fromEntries(merged);
}

function authorizationHeader(
  authorization: Authorization,
  token: string | undefined,
): Readonly<Record<string, string>> {
  switch (authorization.type) {
    case 'NONE':
      return {};
    case 'API_KEY':
      return { [authorization.name]: authorization.value };
    case 'BASIC':
      return { authorization: basic(authorization.username, authorization.password) };
    case 'OAUTH_CLIENT_CREDENTIALS':
      return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }
}

/** RFC 7617, in UTF-8. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function urlWith({ url: text, query }: HttpRequestCall, added: Readonly<Record<string, string>>): URL {
  if (!URL.canParse(text)) throw new StatesError('States.Runtime', 'The field "ApiEndpoint" is not a URL');
  const url = new URL(text);
  const pairs = [...query.filter(([name]) => !Object.hasOwn(added, name)), ...Object.entries(added)];
  if (pairs.length > 0) {
    const before = url.search === '' || url.search === '?' ? '' : `${url.search.slice(1)}&`;
    url.search = before + pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
  }
  url.hash = '';
  return url;
}
