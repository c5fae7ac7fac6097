import type { FastifyInstance, FastifyReply } from 'fastify';

/** The requests that hold their answer until an execution or a batch ends (`?wait=`). */
export interface Waits {
  /** Aborts when the caller has gone, or the server closes. */
  signalFor(reply: FastifyReply): AbortSignal;
}

/** Ends all waits when the server closes: whoever waits is answered as things stand. */
export function trackWaits(app: FastifyInstance): Waits {
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
    signalFor: (reply) => {
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
