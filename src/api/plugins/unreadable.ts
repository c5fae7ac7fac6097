import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { type Problem, problem } from '../problem.js';

/** What has become of a connection so far. */
interface Traffic {
  /** Answers that it still owes. */
  owed: number;
  last: { request: IncomingMessage; response: ServerResponse };
}

const traffic = new WeakMap<Socket, Traffic>();

/** Keeps account, so that `answerUnreadable` knows whether it may write. */
export function trackAnswers(app: FastifyInstance): void {
  app.server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const last = { request, response };
    traffic.set(socket, { owed: (traffic.get(socket)?.owed ?? 0) + 1, last });
    response.once('close', () => {
      const now = traffic.get(socket);
      if (now !== undefined) now.owed--;
    });
  });
}

/** Into the middle of an answer, or behind one, more text would be taken for a part of it or for the next one. */
function mayWrite(socket: Socket): boolean {
  const so = traffic.get(socket);
  if (so === undefined) return true;
  const { request, response } = so.last;
  return so.owed === 0 ? request.complete : so.owed === 1 && !response.headersSent;
}

/**
 * Answers what Node could not parse as HTTP; there is no reply to send, only the socket. When it was the end of
 * a request that could not be parsed, a handler may be at work on its beginning; its answer goes nowhere then.
 */
export function answerUnreadable(
  error: Error & { code?: string; rawPacket?: unknown },
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable || !mayWrite(socket)) {
    socket.destroy();
    return;
  }
  const body = unreadable(error.code ?? '');
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${body.statusCode} ${body.error}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${isHead(error.rawPacket) ? '' : text}`,
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

/** An answer to HEAD has no body; what it was is only seen in the bytes, when they came in one packet. */
function isHead(packet: unknown): boolean {
  return Buffer.isBuffer(packet) && packet.subarray(0, 5).toString('latin1') === 'HEAD ';
}
