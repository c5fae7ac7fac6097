import { afterEach, expect, test } from '@jest/globals';
import { nobody } from '../../src/api/describe.js';
import type { BatchView, CreateBatch, Operations } from '../../src/operations/index.js';
import type { Json } from '../../src/std/json.js';
import { eventually } from '../setup/eventually.js';
import { call, type ListeningApi, listen, sendRaw } from './listening.js';

let api: ListeningApi | undefined;
afterEach(() => api?.close());

interface Taken {
  request: CreateBatch | undefined;
  lines: Json[];
}

/** The body's way into the operations: what arrives there, without anything behind it. */
async function listenForBatches(pauseMs = 0, batchBodyLimit = 1_000_000): Promise<Taken> {
  const taken: Taken = { request: undefined, lines: [] };
  const operations: Operations = {
    ...nobody(),
    batches: {
      ...nobody().batches,
      create: async (_id, request) => {
        taken.request = request;
        for await (const line of request.inputStream ?? []) {
          taken.lines.push(line.value);
          if (taken.lines.length === 200 && pauseMs > 0) break;
          if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
        return accepted;
      },
    },
  };
  api = await listen({ operations, config: { bodyLimit: 2_000, batchBodyLimit } });
  return taken;
}

const accepted: BatchView = {
  batchId: 'b',
  stateMachineId: 'm',
  version: 1,
  mode: 'distributed',
  status: 'RUNNING',
  namePrefix: 'p',
  concurrency: 1,
  stopOnError: false,
  queue: 'q',
  total: 0,
  started: 0,
  succeeded: 0,
  failed: 0,
  aborted: 0,
  ratePerSecond: null,
  estimatedEnd: new Date(0),
  createdAt: new Date(0),
  endTime: null,
};

const ndjson = { 'content-type': 'application/x-ndjson; charset=utf-8' };
const post = (query: string, body: unknown, headers?: Record<string, string>) =>
  call(`${api?.url}/state-machines/m/batch${query}`, 'POST', body, headers);

test('an NDJSON body arrives line by line, its options from the query', async () => {
  const taken = await listenForBatches();
  const body = Array.from({ length: 5_000 }, (_, i) => `{"order":${i}}\n`).join('');
  const answer = await post('?mode=sequential&stopOnError=true&concurrency=3&namePrefix=x', body, ndjson);
  expect(answer.status).toBe(202);
  expect(answer.headers.get('location')).toBe('/batches/b');
  expect(answer.body).toMatchObject({ batchId: 'b', createdAt: '1970-01-01T00:00:00.000Z', endTime: null });
  expect(taken.lines).toHaveLength(5_000);
  expect(taken.lines[4_999]).toEqual({ order: 4_999 });
  expect(taken.request).toMatchObject({
    mode: 'sequential',
    stopOnError: true,
    concurrency: 3,
    namePrefix: 'x',
  });
});

test('a bad line is 400 with its number, and the connection is not cut off', async () => {
  const taken = await listenForBatches();
  const body = `${'{"a":1}\n'.repeat(100)}{broken\n${'{"a":1}\n'.repeat(50_000)}`;
  const answer = await post('', body, ndjson);
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ code: 'INVALID_INPUT', details: [{ pointer: '/101' }] });
  expect(taken.lines).toHaveLength(100);
});

test('a line or a body beyond its limit is 413', async () => {
  await listenForBatches();
  const line = await post('', `1\n"${'x'.repeat(3_000)}"\n`, ndjson);
  expect(line.status).toBe(413);
  expect(line.body).toMatchObject({ details: [{ pointer: '/2' }] });
  const whole = await post('', '1\n'.repeat(600_000), ndjson);
  expect(whole.status).toBe(413);
});

test('a body whose length nobody announced is limited as well', async () => {
  await listenForBatches();
  const chunk = '1\n'.repeat(600_000);
  const text = await sendRaw(
    api?.url ?? '',
    `POST /state-machines/m/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n0\r\n\r\n`,
  );
  expect(text).toMatch(/^HTTP\/1.1 413 /);
});

test('who takes lines slowly slows the sender down', async () => {
  const taken = await listenForBatches(10, 100_000_000);
  // 64 MB, more than sockets and streams hold between the two.
  const pieces = 1_000;
  const piece = Buffer.from('{"a":1}\n'.repeat(8_000));
  let sent = 0;
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent++;
      if (sent > pieces) controller.close();
      else controller.enqueue(piece);
    },
  });
  const abort = new AbortController();
  const request = fetch(`${api?.url}/state-machines/m/batch`, {
    method: 'POST',
    body: source,
    headers: ndjson,
    duplex: 'half',
    signal: abort.signal,
  }).catch(() => undefined);
  await eventually(() => expect(taken.lines.length).toBeGreaterThan(50));
  expect(sent).toBeLessThan(pieces);
  abort.abort();
  await request;
});

test('a JSON body has exactly one of filter and inputs', async () => {
  const taken = await listenForBatches();
  expect((await post('', { inputs: [1, { a: null }] })).status).toBe(202);
  expect(taken.request).toEqual({ mode: 'distributed', inputs: [1, { a: null }] });
  expect((await post('', { filter: { startedAfter: '2026-01-01T00:00:00Z' } })).status).toBe(202);
  expect(taken.request?.filter).toEqual({ startedAfter: new Date('2026-01-01T00:00:00Z') });
  for (const body of [{}, { inputs: [], filter: {} }]) {
    const answer = await post('', body);
    expect(answer.status).toBe(400);
    expect(answer.body['message']).toMatch(/exactly one of/);
  }
});

test('options of a JSON body do not belong into the query', async () => {
  await listenForBatches();
  const answer = await post('?mode=sequential&wait=1', { inputs: [] });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ code: 'VALIDATION_FAILED', details: [{ pointer: '/mode' }] });
});

test('who goes away while waiting, is not waited for', async () => {
  let aborted = false;
  const operations: Operations = {
    ...nobody(),
    batches: {
      ...nobody().batches,
      create: (_id, { signal }) =>
        new Promise((resolve) => {
          signal?.addEventListener('abort', () => {
            aborted = true;
            resolve(accepted);
          });
        }),
    },
  };
  api = await listen({ operations });
  const abort = new AbortController();
  const gone = fetch(`${api.url}/state-machines/m/batch?wait=30`, {
    method: 'POST',
    body: '{"inputs":[]}',
    headers: { 'content-type': 'application/json' },
    signal: abort.signal,
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(aborted).toBe(false);
  abort.abort();
  await expect(gone).rejects.toThrow();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(aborted).toBe(true);

  aborted = false;
  const waiting = post('?wait=30', { inputs: [] });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await api.close(); // a server that closes answers as things stand
  expect((await waiting).status).toBe(202);
  expect(aborted).toBe(true);
});
