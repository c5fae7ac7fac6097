import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OperationError } from '../../operations/index.js';
import { isObject } from '../../std/json.js';
import { HttpRefusal } from '../codes.js';
import { problemOf } from '../problem.js';
import { collectMethods } from './methods.js';

/** Every answer that is not a success is a Problem, whoever refused. */
export function answerErrors(app: FastifyInstance): void {
  const table = collectMethods(app);
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  // The documentation's files ask for this one, when there is no such file.
  app.setNotFoundHandler((request, reply) => sendProblem(unknownRoute(request.url), request, reply));
  // Fastify reads the body first, also of a path that does not exist; then a body that it cannot read
  // would hide that the path is wrong.
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404 && !hasEmptyId(request.params)) {
      return done(hasBadQuery(request.url) ? new HttpRefusal('MALFORMED_REQUEST', BAD_QUERY) : undefined);
    }
    const path = request.url.replace(/[?#].*$/s, '');
    const methods = table.methodsOf(path);
    if (methods.length === 0) {
      return done(unknownRoute(path));
    }
    const allowed = methods.join(', ');
    reply.header('allow', allowed);
    done(
      new OperationError(
        'METHOD_NOT_ALLOWED',
        `${shorten(path)} cannot be called with ${request.method}; it can with ${allowed}.`,
      ),
    );
  });
}

/** Answers an error, and says in the log what is not the caller's doing. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const body = problemOf(error, request.id);
  if (body.statusCode >= 500 && !isShed(error))
    request.log.error({ err: error, reqId: request.id }, body.message);
  else request.log.debug({ reqId: request.id, code: body.code }, body.message);
  const retryAfter = error instanceof OperationError ? error.retryAfterSeconds : undefined;
  if (retryAfter !== undefined || body.statusCode === 503) {
    reply.header('retry-after', String(Math.ceil(retryAfter ?? RETRY_AFTER_SECONDS)));
  }
  if (reply.hasHeader('connection') && mayStay(request)) {
    // Fastify would close the connection; then a caller who is still sending may never see the answer. See
    // plugins/leftovers for what becomes of the rest.
    reply.header('connection', 'keep-alive');
  }
  reply.code(body.statusCode).type('application/json; charset=utf-8').send(body);
}

/** Refused on purpose, and many are at such times: who refuses says once that it does (plugins/pressure). */
function isShed(error: unknown): boolean {
  return (
    error instanceof OperationError &&
    error.cause === undefined &&
    (error.code === 'OVERLOADED' || error.code === 'TOO_MANY_WAITS')
  );
}

function mayStay({ raw: { httpVersion, headers } }: FastifyRequest): boolean {
  return httpVersion === '1.1' && !/\bclose\b/i.test(headers.connection ?? '');
}

/** When nobody knows better: a database that restarts needs about so long. */
const RETRY_AFTER_SECONDS = 2;

const BAD_QUERY = 'The query is not valid percent-encoded UTF-8.';

/** `/executions/` matches `/executions/:executionId`; but it names no execution. */
function hasEmptyId(params: unknown): boolean {
  return isObject(params) && Object.entries(params).some(([name, id]) => id === '' && name !== '*');
}

function hasBadQuery(url: string): boolean {
  const start = url.indexOf('?');
  if (start === -1 || !url.includes('%', start)) return false;
  try {
    decodeURIComponent(url.slice(start));
    return false;
  } catch {
    return true;
  }
}

function unknownRoute(path: string): OperationError {
  return new OperationError('ROUTE_NOT_FOUND', `There is no route ${shorten(path)}.`);
}

function shorten(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}
