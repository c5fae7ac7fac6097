/**
 * `npm run bench -- growth [--executions N]`: how the cost of an execution grows with its size, and what a service keeps
 * of N executions. Cost that is in proportion shows as columns "per …" that stay as they are. Linux only.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Json } from '../../src/std/json.js';
import { describeMachine } from '../machine.js';
import type { BenchOptions } from '../options.js';
import { type Service, withService } from '../ours/service.js';
import { startServers } from '../servers.js';
import { measureKept } from './kept.js';
import { SHAPES, type Shape } from './shapes.js';

const HANDLERS = fileURLToPath(new URL('handlers.js', import.meta.url));

export async function benchGrowth(options: BenchOptions, say: (text: string) => void): Promise<void> {
  const servers = await startServers(options);
  const env = { HANDLERS, HISTORY_LIMIT_EVENTS: '0', ...options.env };
  try {
    for (const line of await describeMachine(servers.admin, servers.redisUrl)) say(`${line}\n`);
    const chosen = SHAPES.filter(
      ({ name }) => options.only.length === 0 || options.only.some((part) => name.includes(part)),
    );
    for (const shape of chosen) {
      say(`\n${shape.name}\n\n${HEADER}`);
      for (const size of shape.sizes) {
        // Each on a service of its own, so that no memory is left of the one before.
        await withService({ servers, options: { ...options, env } }, { workers: 1 }, async (service) =>
          say(rowOf(size, await measure(service, shape, size))),
        );
      }
    }
    if (options.executions > 0) await measureKept(servers, { ...options, env }, say);
  } finally {
    await servers.stop();
  }
}

interface Measured {
  seconds: number;
  events: number;
  journalBytes: number;
  peakMb: number;
  historySeconds: number;
  lastPageMs: number;
}

const PAGE = 1000;

async function measure(
  { call, createMachine, pool, pids }: Service,
  shape: Shape,
  size: number,
): Promise<Measured> {
  const worker = pids[1] ?? 0;
  await createMachine('grown', shape.definition(size));
  await settle(call, shape);
  await writeFile(`/proc/${worker}/clear_refs`, '5');
  const begunAt = performance.now();
  const { executionId } = await call<{ executionId: string }>('POST', '/state-machines/grown/executions', {
    input: shape.input(size),
  });
  const status = async (): Promise<string> =>
    (await pool.query('SELECT status FROM executions WHERE id = $1', [executionId])).rows[0].status;
  while ((await status()) === 'RUNNING') await sleep(10);
  const seconds = (performance.now() - begunAt) / 1000;
  const ended = await status();
  if (ended !== 'SUCCEEDED') throw new Error(`${shape.name} ${size}: ${ended}`);
  const peakMb = await peakOf(worker);
  const { rows } = await pool.query(
    `SELECT sum(event_count)::int AS events, sum(octet_length(events) + octet_length(frames))::float8 AS bytes
     FROM journal WHERE execution_id = $1`,
    [executionId],
  );
  const readAt = performance.now();
  let lastPageMs = 0;
  let cursor: string | null = '';
  let read = 0;
  while (cursor !== null) {
    const pageAt = performance.now();
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { items: Json[]; nextCursor: string | null } = await call(
      'GET',
      `/executions/${executionId}/history?limit=${PAGE}${query}`,
    );
    read += page.items.length;
    cursor = page.nextCursor;
    lastPageMs = performance.now() - pageAt;
  }
  if (read !== rows[0].events)
    throw new Error(`the history has ${read} events, the journal ${rows[0].events}`);
  return {
    seconds,
    events: rows[0].events,
    journalBytes: rows[0].bytes,
    peakMb,
    historySeconds: (performance.now() - readAt) / 1000,
    lastPageMs,
  };
}

/** Once, small, so that nothing is compiled or connected for the first time. */
async function settle(call: Service['call'], shape: Shape): Promise<void> {
  await call('POST', '/state-machines', { id: 'warm', name: 'warm', definition: shape.definition(10) });
  await call('POST', '/state-machines/warm/executions?wait=30', { input: shape.input(10) });
}

/** The most memory that a process has had since its counters were cleared (proc(5), VmHWM). */
async function peakOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(text)?.[1]) / 1024;
}

const HEADER = `| size | events | time | per event | journal | per event | worker's peak | history read | per event | last page |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
`;

function rowOf(size: number, measured: Measured): string {
  const { seconds, events, journalBytes, peakMb, historySeconds, lastPageMs } = measured;
  const micros = (value: number): string => `${((value / events) * 1e6).toFixed(0)} µs`;
  return `| ${[
    size.toLocaleString('en'),
    events.toLocaleString('en'),
    `${seconds.toFixed(2)} s`,
    micros(seconds),
    `${(journalBytes / 1e6).toFixed(2)} MB`,
    `${(journalBytes / events).toFixed(0)} B`,
    `${peakMb.toFixed(0)} MB`,
    `${historySeconds.toFixed(2)} s`,
    micros(historySeconds),
    `${lastPageMs.toFixed(0)} ms`,
  ].join(' | ')} |\n`;
}
