import type { FastifyInstance } from 'fastify';
import { OperationError } from '../../operations/index.js';
import { isObject } from '../../std/json.js';
import { parseJson } from '../json.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route has a body, but one may call it without: then it is `{}`. */
    bodyOptional?: boolean;
  }
}

/** Bodies are JSON and nothing else, in UTF-8, not compressed; a route may add a type for itself. */
export function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    try {
      // `parseAs: 'buffer'` gives a Buffer; the type allows for both.
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      done(null, parseJson(bytes, 'The body'));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)), undefined);
    }
  });

  app.addHook('onRequest', (request, _reply, done) => {
    const encoding = request.headers['content-encoding'];
    const isRead = request.method !== 'GET' && request.method !== 'HEAD' && !request.is404;
    if (encoding === undefined || encoding === 'identity' || !isRead) return done();
    done(
      new OperationError(
        'UNSUPPORTED_MEDIA_TYPE',
        'The body has a Content-Encoding; send it as it is, not compressed.',
      ),
    );
  });

  app.addHook('preValidation', (request, _reply, done) => {
    const { schema, config } = request.routeOptions;
    if (schema?.body === undefined) {
      // What is said in vain had better be refused: `{"force": true}` to a route that reads it from the query.
      if (isEmpty(request.body) || schema === undefined) return done();
      return done(refusal('UNKNOWN', 'This route takes no body.'));
    }
    if (request.body !== undefined) return done();
    if (config.bodyOptional === true) {
      request.body = {};
      return done();
    }
    done(refusal('REQUIRED', 'The body is missing; send application/json.'));
  });
}

function isEmpty(body: unknown): boolean {
  return body === undefined || (isObject(body) && Object.keys(body).length === 0);
}

function refusal(code: string, message: string): OperationError {
  return new OperationError('VALIDATION_FAILED', message, { details: [{ pointer: '', code, message }] });
}
