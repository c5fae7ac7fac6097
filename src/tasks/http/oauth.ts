/**
 * Access tokens of OAuth's client credentials (RFC 6749, section 4.4), kept until shortly before they run out: in memory
 * only, and for each version of a connection apart. Calls that want one at the same time share one request.
 */
import type { OAuthClient } from '../../engine/index.js';
import { isObject } from '../../std/json.js';
import { encodeForm } from './form.js';
import { parsed, textOf } from './outcome.js';
import { basic } from './request.js';
import type { Exchange, Outgoing, Send } from './send.js';

interface AccessTokens {
  /**
   * @param version of the connection.
   * @param stale a token that was refused: then another one is asked for.
   * @throws TokenRefused
   */
  get(version: string, client: OAuthClient, signal: AbortSignal, stale?: string): Promise<string>;
}

/** The token's server gave none; the message says why, without any secret. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

interface Kept {
  token: Promise<string>;
  /** What it has become, once it has. */
  text?: string;
  untilMs: number;
}

export function createAccessTokens(send: Send, now: () => number): AccessTokens {
  const kept = new Map<string, Kept>();
  return {
    get: (version, client, signal, stale) => {
      const found = kept.get(version);
      const isFresh = found !== undefined && found.untilMs > now();
      if (isFresh && (stale === undefined || found.text !== stale)) return unlessAborted(found.token, signal);
      const asked: Kept = { token: ask(client), untilMs: Number.POSITIVE_INFINITY };
      kept.set(version, asked);
      forgetOldest(kept);
      return unlessAborted(asked.token, signal);

      async function ask(by: OAuthClient): Promise<string> {
        try {
          // Not under the caller's signal: others may wait for the same token.
          const exchange = await send(tokenRequest(by), TOKEN_LIMITS, NEVER);
          const { token, lifeMs } = tokenIn(exchange);
          asked.text = token;
          asked.untilMs = now() + lifeMs;
          return token;
        } catch (error) {
          if (kept.get(version) === asked) kept.delete(version);
          throw error;
        }
      }
    },
  };
}

const NEVER = new AbortController().signal;
const TOKEN_LIMITS = { timeoutMs: 20_000, maxBytes: 64 * 1024, maxRedirects: 0 };

/** More connections than anybody has; each deleted or changed one leaves its token behind. */
const KEPT_MAX = 1_000;

function forgetOldest(kept: Map<string, Kept>): void {
  for (const version of kept.keys()) {
    if (kept.size <= KEPT_MAX) return;
    kept.delete(version);
  }
}

export function tokenRequest(client: OAuthClient): Outgoing {
  const { clientId, clientSecret, clientAuthentication, scope, parameters = {} } = client;
  const inBody = clientAuthentication === 'BODY';
  const form = {
    ...parameters,
    grant_type: 'client_credentials',
    ...(scope !== undefined && { scope }),
    ...(inBody && { client_id: clientId, client_secret: clientSecret }),
  };
  return {
    url: new URL(client.tokenUrl),
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      'user-agent': 'Escapement',
      // Both are form-encoded first (RFC 6749, section 2.3.1).
      ...(!inBody && {
        authorization: basic(encodeURIComponent(clientId), encodeURIComponent(clientSecret)),
      }),
    },
    body: Buffer.from(encodeForm(form, 'INDICES')),
  };
}

/** @throws TokenRefused */
function tokenIn(exchange: Exchange): { token: string; lifeMs: number } {
  if (exchange.kind !== 'answered') throw new TokenRefused(exchange.reason);
  const { answer } = exchange;
  const answered = parsed(textOf(answer) ?? '');
  const body = isObject(answered) ? answered : {};
  const token = body['access_token'];
  if (answer.statusCode >= 200 && answer.statusCode <= 299 && typeof token === 'string' && token !== '') {
    const seconds = Number(body['expires_in']);
    const lifeMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : UNKNOWN_LIFE_MS;
    return { token, lifeMs: lifeMs - Math.min(MARGIN_MS, lifeMs / 10) };
  }
  const error = typeof body['error'] === 'string' ? ` (${body['error']})` : '';
  throw new TokenRefused(`the token's server answered ${answer.statusCode}${error} and no access token`);
}

/** A token that says nothing of its life is asked for again now and then; one that is refused, at once. */
const UNKNOWN_LIFE_MS = 300_000;
/** It is not to run out on its way. */
const MARGIN_MS = 30_000;

function unlessAborted(token: Promise<string>, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new TokenRefused('nobody waits for the call any more'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    token.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
