/**
 * Sends a request, and reads what comes back.
 *
 * 1. The name is resolved here, each address is judged, and the connection goes to one that was judged: a name that
 *    means another address the next time (DNS rebinding) gains nothing.
 * 2. A redirect is a new request: resolved, judged and connected anew. To another origin nothing is taken along
 *    that could be a secret.
 * 3. One deadline holds for everything, from the first name to the last byte; and so much is read, and no more.
 * 4. The environment's proxies are not asked: behind one, no address could be judged.
 */
import { lookup } from 'node:dns/promises';
import { type IncomingMessage, request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { isIP } from 'node:net';
import type { AddressPolicy } from './addresses.js';

export interface Outgoing {
  url: URL;
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: Buffer;
}

export interface SendLimits {
  timeoutMs: number;
  /** Of the answer's body, in bytes. */
  maxBytes: number;
  maxRedirects: number;
}

export type Exchange =
  | { kind: 'answered'; answer: HttpAnswer }
  /** `refused`: by our own rules. `unreachable`: no name, no connection, or nothing that is HTTP. */
  | { kind: 'refused' | 'unreachable' | 'timedOut' | 'tooLarge'; reason: string };

export interface HttpAnswer {
  statusCode: number;
  statusText: string;
  /** By name, in small letters. */
  headers: Record<string, string[]>;
  body: Buffer;
}

/** Who knows what addresses a host name has. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

interface ResolvedAddress {
  address: string;
  family: number;
}

interface SendParts {
  policy: AddressPolicy;
  /** Absent: the system's. */
  resolve?: Resolve;
}

/** Never throws: what goes wrong is an exchange, too. */
export type Send = (request: Outgoing, limits: SendLimits, signal: AbortSignal) => Promise<Exchange>;

export function createSend({ policy, resolve = resolveBySystem }: SendParts): Send {
  return async (first, limits, signal) => {
    const deadline = AbortSignal.timeout(limits.timeoutMs);
    const either = AbortSignal.any([signal, deadline]);
    let request = first;
    try {
      for (let redirects = 0; ; redirects++) {
        const address = await choose(request.url, either);
        const answer = await exchange(request, address, limits.maxBytes, either);
        const next = limits.maxRedirects === 0 ? undefined : redirected(request, answer);
        if (next === undefined) return { kind: 'answered', answer };
        if (redirects >= limits.maxRedirects)
          throw new Failed('refused', `more than ${limits.maxRedirects} redirects`);
        request = next;
      }
    } catch (error) {
      const where = placeOf(request.url);
      if (deadline.aborted)
        return { kind: 'timedOut', reason: `${where} did not answer within ${limits.timeoutMs / 1000} s` };
      if (error instanceof Failed) return { kind: error.kind, reason: `${where}: ${error.message}` };
      return { kind: 'unreachable', reason: `${where}: ${messageOf(error)}` };
    }
  };

  /** An address of the URL's host to which a call may go. */
  async function choose({ protocol, hostname, username, password }: URL, signal: AbortSignal) {
    if (protocol !== 'https:' && protocol !== 'http:')
      throw new Failed('refused', `calls go over https, not over ${protocol.replace(/:$/, '')}`);
    if (username !== '' || password !== '')
      throw new Failed('refused', 'a URL with a user name or a password in it; a connection has those');
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const family = isIP(host);
    const found = family === 0 ? await unlessAborted(resolve(host), signal) : [{ address: host, family }];
    const judged = found.map((address) => ({ address, judgement: policy.judge(host, address.address) }));
    const chosen = judged.find(({ judgement }) => judgement !== 'refused');
    if (chosen === undefined) {
      const what = found.length === 0 ? 'has no address' : 'is at an address that is not public';
      throw new Failed('refused', `the host ${what}; HTTP_TASKS_ALLOW does not allow it`);
    }
    if (protocol === 'http:' && chosen.judgement !== 'allowed')
      throw new Failed('refused', 'only hosts that HTTP_TASKS_ALLOW names are called over plain http');
    return chosen.address;
  }
}

/** One request and its answer, over a connection of its own, to this very address. */
function exchange(
  { url, method, headers, body }: Outgoing,
  { address, family }: ResolvedAddress,
  maxBytes: number,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? overHttps : overHttp;
    const request = send(
      url,
      {
        method,
        headers: { ...headers, ...(body !== undefined && { 'content-length': String(body.length) }) },
        agent: false,
        signal,
        lookup: (_hostname, options, done) => {
          if (options.all === true) done(null, [{ address, family }]);
          else done(null, address, family);
        },
      },
      (response) => {
        readBody(response, maxBytes)
          .then((read) => resolve(answerOf(response, read)), reject)
          .finally(() => request.destroy());
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Failed('tooLarge', `the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function answerOf(response: IncomingMessage, body: Buffer): HttpAnswer {
  const headers: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(response.headersDistinct))
    if (values !== undefined) headers[name] = values;
  return {
    statusCode: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    headers,
    body,
  };
}

/** The request that a redirect asks for (RFC 9110, section 15.4); undefined: it is none. */
export function redirected(request: Outgoing, { statusCode, headers }: HttpAnswer): Outgoing | undefined {
  const location = headers['location']?.[0];
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return undefined;
  if (!URL.canParse(location, request.url.href)) return undefined;
  const url = new URL(location, request.url.href);
  const { method, body } = request;
  const turnsToGet = (statusCode === 303 && method !== 'HEAD') || (statusCode <= 302 && method === 'POST');
  const sameOrigin = url.origin === request.url.origin;
  if (!sameOrigin && !turnsToGet && body !== undefined)
    throw new Failed('refused', `a redirect would take the request's body to ${url.origin}`);
  const kept = Object.entries(request.headers).filter(([name]) =>
    turnsToGet && /^content-/i.test(name) ? false : sameOrigin || HARMLESS.test(name),
  );
  return {
    url,
    method: turnsToGet ? 'GET' : method,
    headers: Object.fromEntries(kept),
    ...(body !== undefined && !turnsToGet && { body }),
  };
}

/** What may be told to another origin. */
const HARMLESS = /^(accept|accept-language|content-type|user-agent|range)$/i;

class Failed extends Error {
  readonly kind: 'refused' | 'tooLarge';

  constructor(kind: 'refused' | 'tooLarge', message: string) {
    super(message);
    this.kind = kind;
  }
}

function resolveBySystem(hostname: string): Promise<readonly ResolvedAddress[]> {
  return lookup(hostname, { all: true });
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error('aborted'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Without the query, which may hold a key. */
function placeOf({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** All addresses refused the connection: then the first says why. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message;
  return error instanceof Error ? error.message : String(error);
}
