/**
 * A caller of several API processes, as a load balancer with one retry is: in turn, over connections that are kept open, and
 * once more, at the next process, when the connection was refused or reset. Nothing else is tried again.
 */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface RoundRobin {
  /** Where to; may be changed at any time. */
  urls: string[];
  /** How many calls needed their retry. */
  retries: number;
  /** @throws when the retry fails as well. */
  call(method: string, path: string, body?: unknown): Promise<Reply>;
  close(): void;
}

export function createRoundRobin(urls: readonly string[]): RoundRobin {
  const agent = new Agent({ keepAlive: true });
  let turn = 0;
  const caller: RoundRobin = {
    urls: [...urls],
    retries: 0,
    call: async (method, path, body) => {
      const next = (): string => caller.urls[turn++ % caller.urls.length] ?? '';
      const first = next();
      try {
        return await callOne(agent, first, method, path, body);
      } catch (error) {
        if (!isConnectionsFault(error)) throw error;
        caller.retries++;
        const others = caller.urls.filter((url) => url !== first);
        return callOne(agent, others[turn % others.length] ?? first, method, path, body);
      }
    },
    close: () => agent.destroy(),
  };
  return caller;
}

export async function callOne(
  agent: Agent,
  url: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Reply> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = payload === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const asking = request(`${url}${path}`, { method, agent, headers }, (response) => {
      text(response).then(
        (received) =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: received }),
        reject,
      );
    });
    asking.on('error', reject);
    asking.end(payload);
  });
}

function isConnectionsFault(error: unknown): boolean {
  // No `instanceof`: Jest's `Error` is another than that of Node's modules.
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'ECONNREFUSED' || code === 'EPIPE';
}
