import { connect } from 'node:net';
import { type Logger, pino } from 'pino';
import { nobody } from '../../src/api/describe.js';
import { type ApiConfig, startServer } from '../../src/api/index.js';
import type { Operations } from '../../src/operations/index.js';

/** An API on a port of its own. */
export interface ListeningApi {
  url: string;
  close(): Promise<void>;
}

/** Starts one; without operations it is one that can answer nothing but what HTTP itself refuses. */
export function listen(
  parts: { operations?: Operations; config?: Partial<ApiConfig>; logger?: Logger } = {},
): Promise<ListeningApi> {
  return startServer({
    operations: parts.operations ?? nobody(),
    config: {
      apiKeys: [],
      authNone: false,
      bodyLimit: 64 * 1024,
      batchBodyLimit: 1024 * 1024,
      host: '127.0.0.1',
      port: 0,
      ...parts.config,
    },
    logger: parts.logger ?? pino({ level: 'silent' }),
  });
}

export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** Sends a request; a body that is not text is sent as JSON. */
export async function call(
  url: string,
  method = 'GET',
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
}

/** Sends bytes as they are, and gives back all that comes until the connection closes. */
export function sendRaw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.setTimeout(30_000, () => socket.destroy(new Error('no answer in 30 s')));
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(received));
    socket.end(bytes, 'latin1');
  });
}
