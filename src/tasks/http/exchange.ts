/** One request and its answer, over a new connection or a kept one: only ever to addresses that were judged for it. */
import { type IncomingMessage, request as overHttp, type RequestOptions } from 'node:http';
import { request as overHttps } from 'node:https';
import { isRepeatable, type Judged, type KeptConnections } from './connections.js';

export interface Outgoing {
  url: URL;
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: Buffer;
}

export interface HttpAnswer {
  statusCode: number;
  statusText: string;
  /** By name, in small letters. */
  headers: Record<string, string[]>;
  body: Buffer;
}

export interface ResolvedAddress {
  address: string;
  family: number;
}

export interface Way {
  /** Where the connection may go; the next is tried when one does not answer. */
  addresses: readonly ResolvedAddress[];
  kept: KeptConnections;
  maxBytes: number;
  signal: AbortSignal;
}

/** @throws Failed, and whatever the connection fails with. */
export async function exchange(request: Outgoing, way: Way): Promise<HttpAnswer> {
  if (!isRepeatable(request.method, request.headers)) return exchangeOver(false, request, way);
  try {
    return await exchangeOver(true, request, way);
  } catch (error) {
    if (error instanceof ConnectionStale) return exchangeOver(false, request, way);
    throw error;
  }
}

/**
 * @param keeping over a connection that may have been kept, and will be.
 * @throws ConnectionStale when it was kept, and had been closed by the other side.
 */
function exchangeOver(
  keeping: boolean,
  { url, method, headers, body }: Outgoing,
  { addresses, kept, maxBytes, signal }: Way,
): Promise<HttpAnswer> {
  const [first] = addresses;
  if (first === undefined) throw new Error('a host without addresses was chosen');
  const over =
    url.protocol === 'https:' ? { send: overHttps, agent: kept.https } : { send: overHttp, agent: kept.http };
  const options: RequestOptions & Judged = {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-length': String(body.length) }) },
    agent: keeping && over.agent,
    judged: addresses
      .map(({ address }) => address)
      .toSorted()
      .join(' '),
    signal,
    lookup: (_hostname, { all }, done) => {
      if (all === true) done(null, [...addresses]);
      else done(null, first.address, first.family);
    },
  };
  const exchanged = new Promise<HttpAnswer>((resolve, reject) => {
    const request = over.send(url, options, (response) => {
      readBody(response, maxBytes).then(
        (read) => {
          // One that is still being sent would keep its connection.
          if (!keeping || !request.writableFinished) request.destroy();
          resolve(answerOf(response, read));
        },
        (error: unknown) => {
          request.destroy();
          reject(error);
        },
      );
    });
    // Nobody asked for it. Without a listener the connection ends, and nothing else is ever heard of the request.
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new Error('the answer asks for another protocol'));
    });
    request.on('error', (error) => {
      reject(request.reusedSocket && isClosing(error) ? new ConnectionStale() : error);
    });
    request.end(body);
  });
  // Whatever the request makes of the signal, nobody waits for longer.
  return unlessAborted(exchanged, signal);
}

/** The other side had closed a kept connection before it answered. */
class ConnectionStale extends Error {
  override readonly name = 'ConnectionStale';
}

function isClosing(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE';
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Failed('tooLarge', `the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function answerOf(response: IncomingMessage, body: Buffer): HttpAnswer {
  return {
    statusCode: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    headers: Object.fromEntries(
      Object.entries(response.headersDistinct).map(([name, values]) => [name, values ?? []]),
    ),
    body,
  };
}

export class Failed extends Error {
  readonly kind: 'refused' | 'tooLarge';

  constructor(kind: 'refused' | 'tooLarge', message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Rejects when the signal aborts, whatever becomes of the work. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error('aborted'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
