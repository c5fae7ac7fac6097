/**
 * Connections that are kept for the next request, which saves its handshakes.
 *
 * 1. A kept connection is only taken by a request to the same host that has just been judged for the very addresses
 *    for which the connection was made: no judgement is skipped, and none is older than the request.
 * 2. Whoever we speak to may close an idle connection just while a request is on its way over it, and nobody knows
 *    whether it was seen. So only what may be sent twice goes over one (`isRepeatable`), and then it is sent again.
 */
import { type AgentOptions, Agent as HttpAgent, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

/** What a request says of its connection, besides the host. */
export interface Judged {
  /** The addresses that the host was judged for, as one text. */
  judged: string;
}

export interface KeptConnections {
  http: HttpAgent;
  https: HttpsAgent;
}

/** Nobody needs to close them: an idle connection keeps no process alive. */
export function createKeptConnections(): KeptConnections {
  return { http: new JudgedHttp(OPTIONS), https: new JudgedHttps(OPTIONS) };
}

/** RFC 9110, section 9.2.2; and what has a key by which the other side knows it again. */
export function isRepeatable(method: string, headers: Readonly<Record<string, string>>): boolean {
  return IDEMPOTENT.test(method) || Object.hasOwn(headers, 'idempotency-key');
}

const IDEMPOTENT = /^(GET|HEAD|OPTIONS|PUT|DELETE)$/;

const OPTIONS: AgentOptions = {
  keepAlive: true,
  // Of each host. More would only be idle: what runs at once has connections as it needs them.
  maxFreeSockets: 32,
  // Less than the 5 s after which common servers close an idle one; a server that says less is believed.
  timeout: 4_000,
};

class JudgedHttp extends HttpAgent {
  override getName(options: RequestOptions & Partial<Judged> = {}): string {
    return `${super.getName(options)}:${options.judged ?? ''}`;
  }
}

class JudgedHttps extends HttpsAgent {
  override getName(options: RequestOptions & Partial<Judged> = {}): string {
    return `${super.getName(options)}:${options.judged ?? ''}`;
  }
}
