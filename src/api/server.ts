import type { AddressInfo } from 'node:net';
import type { Config } from '../config.js';
import type { Api, ApiParts } from './api.js';
import { buildApp } from './app.js';
import { isLoopbackHost } from './plugins/auth.js';

/** An API that listens. */
export interface ApiServer {
  app: Api;
  /** Where it can be called, without a slash at the end. */
  url: string;
  /**
   * Takes no more connections, ends waits and answers what is under way; what is not answered by then is cut
   * off, such as an upload that goes on.
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Builds the application and listens.
 * @throws Error when others could reach the address and there is neither a key nor `AUTH=none`.
 */
export async function startServer(
  parts: ApiParts & { config: ApiParts['config'] & Pick<Config, 'host' | 'port'> },
): Promise<ApiServer> {
  const { host, port, apiKeys, authNone } = parts.config;
  if (apiKeys.length === 0 && !authNone && !isLoopbackHost(host)) {
    throw new Error(`Without API_KEYS the API listens on loopback only, not on ${host} (or say AUTH=none).`);
  }
  const app = await buildApp(parts);
  await app.listen({ host, port });
  return { app, url: urlOf(host, app.server.address()), close: (graceMs = GRACE_MS) => close(app, graceMs) };
}

const GRACE_MS = 10_000;

async function close(app: Api, graceMs: number): Promise<void> {
  const deadline = setTimeout(() => app.server.closeAllConnections(), graceMs);
  await app.close();
  clearTimeout(deadline);
}

function urlOf(host: string, address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const name = host.includes(':') ? `[${host}]` : host;
  return `http://${name === '0.0.0.0' || name === '[::]' ? 'localhost' : name}:${address.port}`;
}
