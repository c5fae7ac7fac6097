import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { type Contender, type Sample, Void } from '../contender.js';
import { applyLoad, type LoadResult } from '../http-clients.js';
import { orderOf } from '../orders.js';
import { startBenchProcess } from '../processes.js';
import type { Servers } from '../servers.js';
import { percentile } from '../statistics.js';

/** How many clients start executions at once, each of them one after another. */
export const CLIENTS = 50;

/** The body of a request that starts an execution. */
export function startBody(n: number): string {
  return `{"input":${orderOf(n)}}`;
}

export function latencyOf({ perSecond, latenciesMs }: LoadResult): Sample {
  return { perSecond, p50Ms: percentile(latenciesMs, 0.5), p99Ms: percentile(latenciesMs, 0.99) };
}

/** A Fastify route that answers at once: what HTTP and whoever measures cost. */
export function emptyRoute(servers: Servers, seconds: number): Contender {
  return {
    name: 'an empty Fastify route',
    table: 'starts',
    measure: () =>
      withServer(servers, async ({ url }) => {
        const result = await loadRoute(url, '/empty', seconds);
        answered(result);
        return latencyOf(result);
      }),
  };
}

/** A Fastify route with one `prisma.create` and one `queue.add`. */
export function naiveStarts(servers: Servers, seconds: number): Contender {
  return {
    name: 'naive: prisma.create, queue.add',
    table: 'starts',
    isReference: true,
    measure: () =>
      withServer(servers, async ({ url, queue, pool }) => {
        const result = await loadRoute(url, '/naive', seconds);
        const wanted = answered(result);
        const { rows } = await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM executions');
        const [created, waiting] = [rows[0]?.n, await queue.getWaitingCount()];
        if (created !== wanted) throw new Void(`${wanted} starts were answered, ${created} are there`);
        if (waiting !== wanted) throw new Void(`${wanted} starts were answered, ${waiting} jobs are there`);
        return latencyOf(result);
      }),
  };
}

/** How many were answered. @throws Void when one was answered with anything but 202. */
export function answered({ statuses }: LoadResult): number {
  const others = [...statuses].filter(([status]) => status !== 202);
  if (others.length > 0)
    throw new Void(`answers ${others.map(([status, n]) => `${n} × ${status}`).join(', ')}`);
  return statuses.get(202) ?? 0;
}

function loadRoute(url: string, path: string, seconds: number): Promise<LoadResult> {
  return applyLoad({ url, clients: CLIENTS, seconds, method: 'POST', path, body: startBody });
}

interface StartServer {
  url: string;
  queue: Queue;
  pool: pg.Pool;
}

async function withServer(servers: Servers, use: (server: StartServer) => Promise<Sample>): Promise<Sample> {
  const databaseUrl = await servers.freshDatabase();
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  const redis = new Redis(servers.redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue(`bench-${randomUUID()}`, { connection: redis });
  const server = startBenchProcess('bench/baselines/start-process.ts', {
    DATABASE_URL: databaseUrl,
    REDIS_URL: servers.redisUrl,
    QUEUE: queue.name,
  });
  try {
    const { url } = await server.said('ready');
    return await use({ url: String(url), queue, pool });
  } finally {
    await server.stop();
    await queue.obliterate({ force: true });
    await queue.close();
    redis.disconnect();
    await pool.end();
  }
}
