import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';

export const NDJSON = 'application/x-ndjson';

/** An NDJSON body that nobody has read yet. */
export class NdjsonStream {
  readonly source: Readable;
  /** Its Content-Length, when it has one, in bytes. */
  readonly announcedBytes: number;

  constructor(source: Readable, announcedBytes: number) {
    this.source = source;
    this.announcedBytes = announcedBytes;
  }
}

/** Lets the routes of this scope take NDJSON, as a stream that the handler reads. */
export function acceptNdjson(scope: FastifyInstance): void {
  scope.addContentTypeParser(NDJSON, (request, payload, done) => {
    done(null, new NdjsonStream(payload, Number(request.headers['content-length'] ?? 0)));
  });
}
