import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';

/** Functions behind URLs, for task endpoints; what they were called with, by execution. */
export interface Functions {
  url: string;
  /** Of `/hold`, which answers nothing by itself. */
  calls: ReadonlyMap<string, { response: ServerResponse; closed: Promise<unknown> }>;
  /** What `/tell-token` was given. */
  tokens: ReadonlyMap<string, string>;
  stop(): void;
}

/** `/hold`, `/tell-token`, and `/fail-first`, which fails an execution's first call and no other. */
export async function serveFunctions(): Promise<Functions> {
  const calls = new Map<string, { response: ServerResponse; closed: Promise<unknown> }>();
  const tokens = new Map<string, string>();
  const refused = new Set<string>();
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const id = String(request.headers['escapement-execution-id']);
      if (request.url === '/hold') {
        calls.set(id, { response, closed: once(response, 'close') });
      } else if (request.url === '/tell-token') {
        const { token }: { token: string } = JSON.parse(text);
        tokens.set(id, token);
        response.end('{}');
      } else {
        const status = refused.has(id) ? 200 : 500;
        refused.add(id);
        response.writeHead(status, { 'content-type': 'application/json' }).end('{"error":"First"}');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the functions have no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    tokens,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
