import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { type Problem, problem } from '../problem.js';

/** How many requests of a connection are being answered. */
const underWay = new WeakMap<Socket, number>();

/** Keeps count, so that `answerUnreadable` knows when it may write. */
export function countAnswers(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw: { socket } }, _reply, done) => {
    underWay.set(socket, (underWay.get(socket) ?? 0) + 1);
    done();
  });
  app.addHook('onResponse', ({ raw: { socket } }, _reply, done) => {
    underWay.set(socket, (underWay.get(socket) ?? 1) - 1);
    done();
  });
}

/** Answers what Node could not parse as HTTP; there is neither a request nor a reply, only the socket. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  // Half an answer may be on its way already; then more text would only garble it.
  const isAnswering = (underWay.get(socket) ?? 0) > 0 && socket.bytesWritten > 0;
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) {
    socket.destroy();
    return;
  }
  const body = unreadable(error.code ?? '');
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${body.statusCode} ${body.error}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}

function unreadable(code: string): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return problem('HEADERS_TOO_LARGE', 'URL and headers together are larger than 16 KiB.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return problem('REQUEST_TIMEOUT', 'The request did not arrive completely in time.');
    default:
      return problem('MALFORMED_REQUEST', 'This is not an HTTP request that can be read.');
  }
}
