import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Headers that every answer has: its request's id, and what keeps a browser from making more of it. */
export function stampAnswers(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    stamp(request, reply);
    done();
  });
}

export function stamp(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({
    'x-request-id': request.id,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cache-control': 'no-store',
  });
}

/** The caller's own id for a request, when it brings one that a log line can hold; else a new one. */
export function requestId(message: IncomingMessage): string {
  const own = message.headers['x-request-id'];
  return typeof own === 'string' && /^[\w.-]{1,64}$/.test(own) ? own : randomUUID();
}
