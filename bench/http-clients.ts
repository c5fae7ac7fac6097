/**
 * Load over HTTP, lean enough that the one who measures takes little of what is measured: keep-alive
 * connections, each with one request on its way.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Load {
  url: string;
  clients: number;
  /** Measured for so long, after a run-up of a fifth of it. */
  seconds: number;
  method: string;
  path: string;
  /** The body of the n-th request; undefined: none. */
  body: (n: number) => string | undefined;
}

export interface LoadResult {
  /** Requests answered within the measured time. */
  perSecond: number;
  latenciesMs: number[];
  /** How often each status came, the run-up included. */
  statuses: Map<number, number>;
}

/** Every client sends its next request when the last one has been answered. @throws when a connection breaks. */
export async function applyLoad(load: Load): Promise<LoadResult> {
  const statuses = new Map<number, number>();
  const latenciesMs: number[] = [];
  const from = performance.now() + (load.seconds * 1000) / 5;
  const until = from + load.seconds * 1000;
  let sent = 0;
  const client = async (): Promise<void> => {
    const connection = await openConnection(load.url);
    try {
      for (;;) {
        const startedAt = performance.now();
        if (startedAt >= until) return;
        const { status } = await connection.request(load.method, load.path, load.body(sent++));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        const endedAt = performance.now();
        if (endedAt >= from && endedAt < until) latenciesMs.push(endedAt - startedAt);
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: load.clients }, client));
  return { perSecond: latenciesMs.length / load.seconds, latenciesMs, statuses };
}

export interface Connection {
  request(method: string, path: string, body?: string): Promise<Answer>;
  close(): void;
}

export interface Answer {
  status: number;
  body: string;
}

export async function openConnection(url: string): Promise<Connection> {
  const { hostname, port, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  const answers = readAnswers(socket);
  return {
    request: async (method, path, body) => {
      const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n`;
      socket.write(
        body === undefined
          ? `${head}\r\n`
          : `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      return answers();
    },
    close: () => socket.destroy(),
  };
}

/** One answer after another, each of which has to say its length: ours do. */
function readAnswers(socket: Socket): () => Promise<Answer> {
  let bytes: Buffer = Buffer.alloc(0);
  let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;
  const fail = (error: Error): void => {
    waiting?.reject(error);
    waiting = undefined;
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the connection was closed before the answer')));
  socket.on('data', (chunk: Buffer) => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const headEnd = bytes.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = bytes.toString('latin1', 0, headEnd);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined) return fail(new Error(`an answer without a length: ${head}`));
    const end = headEnd + 4 + Number(length);
    if (bytes.length < end) return;
    const answer = { status: Number(head.slice(9, 12)), body: bytes.toString('utf8', headEnd + 4, end) };
    bytes = bytes.subarray(end);
    waiting?.resolve(answer);
    waiting = undefined;
  });
  return () =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
    });
}
