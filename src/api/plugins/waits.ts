import type { FastifyInstance, FastifyReply } from 'fastify';
import { OperationError } from '../../operations/index.js';

/** The requests that hold their answer until an execution or a batch ends (`?wait=`). */
export interface Waits {
  /**
   * Aborts when the caller has gone, or the server closes.
   * @param how whether the answer is held, absent: it is.
   * @throws OperationError TOO_MANY_WAITS
   */
  signalFor(reply: FastifyReply, how?: { held: boolean }): AbortSignal;
}

/**
 * Ends all waits when the server closes: whoever waits is answered as things stand.
 * @param limit how many may be held at once.
 */
export function trackWaits(app: FastifyInstance, limit = Number.POSITIVE_INFINITY): Waits {
  const open = new Set<AbortController>();
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    for (const wait of open) wait.abort();
    done();
  });
  // Else the connection stays open for the next request, and holds up the end until it is idle for long enough.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
  return {
    signalFor: (reply, { held } = { held: true }) => {
      if (held && open.size >= limit) {
        const message = `This server holds ${limit} requests already; ask without a wait, or try again.`;
        throw new OperationError('TOO_MANY_WAITS', message, { retryAfterSeconds: 5 });
      }
      const wait = new AbortController();
      if (closing) wait.abort();
      open.add(wait);
      // The answer's stream closes when it was sent as well; then nobody listens any more.
      reply.raw.once('close', () => {
        open.delete(wait);
        wait.abort();
      });
      return wait.signal;
    },
  };
}
