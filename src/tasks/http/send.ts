/**
 * Sends a request, and reads what comes back.
 *
 * 1. The name is resolved here, each address is judged, and the connection goes to one that was judged: a name that
 *    means another address the next time (DNS rebinding) gains nothing. So it is with kept connections (connections.ts).
 * 2. A redirect is a new request, resolved and judged anew. To another origin nothing is taken along that could be a
 *    secret.
 * 3. One deadline holds for everything, from the first name to the last byte; and so much is read, and no more.
 * 4. The environment's proxies are not asked: behind one, no address could be judged.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { AddressPolicy } from './addresses.js';
import { createKeptConnections } from './connections.js';
import {
  exchange,
  Failed,
  type HttpAnswer,
  type Outgoing,
  type ResolvedAddress,
  unlessAborted,
} from './exchange.js';

export type { HttpAnswer, Outgoing, ResolvedAddress } from './exchange.js';

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

/** Who knows what addresses a host name has. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

interface SendParts {
  policy: AddressPolicy;
  /** Absent: the system's. */
  resolve?: Resolve;
}

/** Never throws: what goes wrong is an exchange, too. */
export type Send = (request: Outgoing, limits: SendLimits, signal: AbortSignal) => Promise<Exchange>;

export function createSend({ policy, resolve = resolveBySystem }: SendParts): Send {
  const kept = createKeptConnections();
  return async (first, limits, signal) => {
    const deadline = AbortSignal.timeout(limits.timeoutMs);
    const either = AbortSignal.any([signal, deadline]);
    let request = first;
    try {
      for (let redirects = 0; ; redirects++) {
        const addresses = await choose(request.url, either);
        const answer = await exchange(request, {
          addresses,
          kept,
          maxBytes: limits.maxBytes,
          signal: either,
        });
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

  /** The addresses of the URL's host to which a call may go: at least one. */
  async function choose({ protocol, hostname, username, password }: URL, signal: AbortSignal) {
    if (protocol !== 'https:' && protocol !== 'http:')
      throw new Failed('refused', `calls go over https, not over ${protocol.replace(/:$/, '')}`);
    if (username !== '' || password !== '')
      throw new Failed('refused', 'a URL with a user name or a password in it; a connection has those');
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const family = isIP(host);
    const found = family === 0 ? await unlessAborted(resolve(host), signal) : [{ address: host, family }];
    const judged = found.map((address) => ({ address, judgement: policy.judge(host, address.address) }));
    const chosen = judged.filter(({ judgement }) => judgement !== 'refused');
    if (chosen.length === 0) {
      const what = found.length === 0 ? 'has no address' : 'is at an address that is not public';
      throw new Failed('refused', `the host ${what}; HTTP_TASKS_ALLOW does not allow it`);
    }
    const fitting = chosen.filter(({ judgement }) => protocol === 'https:' || judgement === 'allowed');
    if (fitting.length === 0)
      throw new Failed('refused', 'only hosts that HTTP_TASKS_ALLOW names are called over plain http');
    return fitting.map(({ address }) => address);
  }
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

function resolveBySystem(hostname: string): Promise<readonly ResolvedAddress[]> {
  return lookup(hostname, { all: true });
}

/** Without the query, which may hold a key. */
function placeOf({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}

/** All addresses refused the connection: then the first says why. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message;
  return error instanceof Error ? error.message : String(error);
}
