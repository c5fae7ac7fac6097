import type { FastifyInstance } from 'fastify';

/**
 * A request may be answered before its body was read to the end: refused, or read only so far. The rest then
 * passes by unread for a while, so that the caller can finish sending and see the answer; after that the
 * connection is closed.
 */
export function discardLeftovers(app: FastifyInstance): void {
  app.addHook('onResponse', ({ raw }, _reply, done) => {
    if (!raw.complete && !raw.destroyed) {
      const timer = setTimeout(() => raw.destroy(), LINGER_MS);
      timer.unref();
      raw.once('end', () => clearTimeout(timer));
      raw.once('close', () => clearTimeout(timer));
      raw.once('error', () => raw.destroy());
      raw.resume();
    }
    done();
  });
}

/** Some seconds, as web servers commonly linger. */
const LINGER_MS = 5_000;
