/**
 * Which errors mean that PostgreSQL cannot be reached now, whatever was asked of it: the same request can
 * succeed later. Everything else is about the request itself, or a fault of ours.
 */

/** Whether an error of `pg` or Prisma says that the database is down, starting, stopping or out of reach. */
export function isUnavailable(error: unknown): boolean {
  // Prisma wraps the driver's error, Node wraps one error per address that it tried.
  for (const link of chainOf(error)) {
    const code = textOf(link, 'code') ?? textOf(link, 'originalCode');
    if (code !== undefined && (SOCKET_CODES.has(code) || SQL_STATES.test(code) || PRISMA_CODES.has(code)))
      return true;
    const kind = textOf(link, 'kind');
    if (kind !== undefined && ADAPTER_KINDS.has(kind)) return true;
    const message = textOf(link, 'message');
    if (message !== undefined && DRIVER_MESSAGES.test(message)) return true;
  }
  return false;
}

/** Node's codes for a connection that cannot be made or was cut. */
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  // The socket file of a server that is not running.
  'ENOENT',
]);

/**
 * Class 08: connection exceptions. 53300: too many connections. 57P01..57P05: the server is shutting down,
 * has crashed, is starting, or ended the idle session. 25006: it is a read-only standby, as in a failover.
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html)
 */
const SQL_STATES = /^(08...|53300|57P0[1-5]|25006)$/;

/** P1001, P1002, P1017: not reachable, timed out, closed. P2024: no connection of the pool came free. */
const PRISMA_CODES = new Set(['P1001', 'P1002', 'P1017', 'P2024']);

/** What `@prisma/adapter-pg` makes of socket errors. */
const ADAPTER_KINDS = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
]);

/** What `pg` throws without a code. */
const DRIVER_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed)/;

/** Long enough for any wrapping there is, short enough for a cause that leads back to itself. */
const CHAIN_MAX = 20;

/** The error, its causes, and the parts of an AggregateError. */
function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = [error];
  for (let index = 0; index < chain.length && chain.length < CHAIN_MAX; index++) {
    const link = chain[index];
    if (typeof link !== 'object' || link === null) continue;
    if ('cause' in link && link.cause !== undefined) chain.push(link.cause);
    if ('errors' in link && Array.isArray(link.errors)) chain.push(...link.errors);
    // Prisma's known errors keep the adapter's in their meta.
    if (
      'meta' in link &&
      typeof link.meta === 'object' &&
      link.meta !== null &&
      'driverAdapterError' in link.meta
    ) {
      chain.push(link.meta.driverAdapterError);
    }
  }
  return chain;
}

function textOf(value: unknown, key: string): string | undefined {
  if (typeof value !== 'object' || value === null || !(key in value)) return undefined;
  const text: unknown = Reflect.get(value, key);
  return typeof text === 'string' ? text : undefined;
}
