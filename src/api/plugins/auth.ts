import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../../config.js';
import { OperationError } from '../../operations/index.js';
import { HttpRefusal } from '../codes.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Anybody may call this route, without a key. */
    open?: boolean;
  }
}

/**
 * Who may call. With API keys: whoever brings one, as `Authorization: Bearer` or `X-API-Key`. Without: only
 * this machine, under a loopback name, unless `AUTH=none` was said. Health and the documentation are open;
 * neither shows anything of what the service holds.
 */
export function guard(app: FastifyInstance, config: Pick<Config, 'apiKeys' | 'authNone'>): void {
  const hashes = config.apiKeys.map(hash);
  app.addHook('onRequest', (request, reply, done) => {
    if (hashes.length > 0) {
      if (isOpen(request) || holdsKey(request, hashes)) return done();
      reply.header('www-authenticate', 'Bearer realm="escapement"');
      return done(
        new OperationError(
          'UNAUTHORIZED',
          'Send an API key as "Authorization: Bearer <key>" or "X-API-Key: <key>".',
        ),
      );
    }
    const complaint = config.authNone ? undefined : strangerComplaint(request);
    done(complaint === undefined ? undefined : new HttpRefusal('HOST_NOT_ALLOWED', complaint));
  });
}

function isOpen(request: FastifyRequest): boolean {
  const { url, config } = request.routeOptions;
  return config?.open === true || url === '/docs' || url?.startsWith('/docs/') === true;
}

/** Compares with every key, always, and in constant time: both sides are hashed to one length first. */
function holdsKey(request: FastifyRequest, hashes: readonly Buffer[]): boolean {
  const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  const apiKey = request.headers['x-api-key'];
  let found = false;
  for (const presented of [bearer, typeof apiKey === 'string' ? apiKey : undefined]) {
    if (presented === undefined) continue;
    const presentedHash = hash(presented);
    for (const known of hashes) {
      if (timingSafeEqual(presentedHash, known)) found = true;
    }
  }
  return found;
}

function hash(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/**
 * Why a caller may not be let in without a key. A web page that somebody on this machine has open can send
 * requests too: under a name of its own that resolves to us (DNS rebinding; its Host gives it away), or
 * straight to localhost (its Origin does).
 */
function strangerComplaint(request: FastifyRequest): string | undefined {
  if (!isLoopbackAddress(request.socket.remoteAddress ?? '')) {
    return 'Without API_KEYS only this machine may call. Set API_KEYS, or AUTH=none to let anybody in.';
  }
  const host = request.headers.host ?? '';
  if (!isLoopbackHost(host)) {
    return 'Without API_KEYS the Host must be localhost or a loopback address. Set API_KEYS, or AUTH=none.';
  }
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    return 'Without API_KEYS no other web site may call. Set API_KEYS, or AUTH=none.';
  }
  return undefined;
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address);
}

/** Whether a Host header, or a host to listen on, names this machine and no other. */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    host === '::1' ||
    isLoopbackAddress(name)
  );
}
