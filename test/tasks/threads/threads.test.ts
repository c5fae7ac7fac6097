import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { TaskOutcome } from '../../../src/engine/index.js';
import type { Json } from '../../../src/std/json.js';
import { createFunctions, createThreads, loadHandlers, type Threads } from '../../../src/tasks/index.js';
import { rememberingLog } from '../../setup/log.js';

const MODULE = fileURLToPath(new URL('handlers.js', import.meta.url));
/** Threads run what was built. */
const ENTRY = new URL('../../../dist/tasks/threads/entry.js', import.meta.url);
const about = { executionId: 'e-1', executionName: 'one', stateMachineId: 'm', version: 1, queue: 'm' };

let threads: Threads;
afterEach(() => threads.close());

function start(options: { size?: number; callsPerThread?: number; memoryMb?: number } = {}) {
  const log = rememberingLog();
  threads = createThreads({
    module: MODULE,
    size: 1,
    callsPerThread: 1,
    memoryMb: 64,
    log,
    entry: ENTRY,
    ...options,
  });
  let beats = 0;
  const handlers = loadHandlers(MODULE);
  const call = async (
    functionName: string,
    input: Json = {},
    signal = new AbortController().signal,
  ): Promise<TaskOutcome> =>
    createFunctions({
      handlers: await handlers,
      arnOf: (name) => name,
      logFor: () => log,
      isolation: 'thread',
      threads,
    }).call(
      { kind: 'function', functionName, input, credentials: { RoleArn: 'r' } },
      {
        kind: 'invoke',
        frameId: 0,
        key: 'e-1/3',
        call: { kind: 'function', functionName, input, credentials: null },
        stateName: 'Charge',
        attempt: 1,
        timeoutAtMs: 9,
      },
      about,
      { signal, heartbeat: () => (beats += 1) },
    );
  return { call, log, beats: () => beats };
}

const failure = (error: string): object => ({ ok: false, error });

describe('a handler in a thread', () => {
  test('gets the same as one that is not, and its thread is kept for the next call', async () => {
    const { call, log, beats } = start();
    const told = await call('tell', { total: 3 });
    expect(told).toEqual({
      ok: true,
      output: {
        input: { total: 3 },
        told: {
          executionId: 'e-1',
          executionName: 'one',
          stateMachineId: 'm',
          stateName: 'Charge',
          attempt: 1,
          idempotencyKey: 'e-1/3',
          timeoutAtMs: 9,
          credentials: { RoleArn: 'r' },
        },
        aborted: false,
        threadId: expect.any(Number),
        calls: 1,
      },
    });
    expect(beats()).toBe(1);
    expect(log.lines).toEqual([
      { level: 'info', message: 'functions cannot be sent', about: expect.any(Object) },
      { level: 'warn', message: 'told', about: { n: 1 } },
    ]);
    expect(await call('tell')).toMatchObject({ output: { calls: 2 } });
    expect(await call('nobody')).toMatchObject(failure('Lambda.ResourceNotFoundException'));
  });

  test('that does not wait is ended at its own limit, and whoever waits for the thread goes on in another', async () => {
    const { call } = start();
    const limited = call('limited');
    const next = call('where');
    expect(await limited).toMatchObject(failure('States.Timeout'));
    expect(await next).toMatchObject({ ok: true });
  });

  test('that does not wait is ended when nobody waits for it', async () => {
    const { call, log } = start();
    const abort = new AbortController();
    await call('where');
    const spinning = call('spin', {}, abort.signal);
    const next = call('where');
    await new Promise((resolve) => setTimeout(resolve, 100));
    abort.abort(new Error('the task was cancelled or timed out'));
    expect(await next).toMatchObject({ ok: true });
    expect(await spinning).toMatchObject({ ok: false });
    expect(log.lines).toMatchObject([{ message: expect.stringContaining('did not stop') }]);
  });

  test('hears its signal, and keeps its thread when it stops', async () => {
    const { call, log } = start();
    const [where] = [await call('where')];
    const abort = new AbortController();
    const polite = call('polite', {}, abort.signal);
    setTimeout(() => abort.abort(new Error('enough')), 50);
    await polite;
    expect(await call('where')).toEqual(where);
    expect(log.lines).toMatchObject([{ message: 'stopping', about: { reason: 'enough' } }]);
  });

  test.each([
    ['exit', 'Handler.Exited'],
    ['exitLater', 'Handler.Exited'],
    ['abort', 'TypeError'],
    ['leak', 'Handler.OutOfMemory'],
    ['leakBytes', 'Handler.OutOfMemory'],
    ['crashFromNowhere', 'Handler.Crashed'],
    ['bytes', 'States.DataLimitExceeded'],
  ])(
    'that does the worst fails by name, and the next call finds a thread: %s',
    async (functionName, error) => {
      const { call } = start();
      const next = [call(functionName), call('where')];
      expect(await next[0]).toMatchObject(failure(error));
      expect(await next[1]).toMatchObject({ ok: true });
    },
  );

  test('that lets an error slip fails with it, and its thread goes on', async () => {
    const { call, log } = start({ callsPerThread: 2 });
    const neighbour = call('where', { ms: 300 });
    const slipped = call('slip', { ms: 20, takesMs: 10_000 });
    expect(await slipped).toMatchObject(failure('Slipped'));
    expect(await call('forget', { ms: 20, takesMs: 10_000 })).toMatchObject(failure('Forgotten'));
    expect(await neighbour).toEqual(await call('where'));
    expect(log.lines.filter(({ message }) => message.includes('nobody caught'))).toHaveLength(2);
  });

  test('whose errors slip after its end harms nobody', async () => {
    const { call } = start();
    const where = await call('slip', { ms: 20, takesMs: 0 });
    expect(await call('forget', { ms: 20, takesMs: 0 })).toEqual(where);
    expect(await call('where', { ms: 200 })).toEqual(where);
  });

  test('that ends or blocks its thread after its own end costs the next call nothing but time', async () => {
    const { call } = start();
    const first = await call('exitBehind');
    const second = await call('where', { ms: 300 });
    expect(second).toMatchObject({ ok: true });
    expect(second).not.toEqual(first);
    expect(await call('blockBehind')).toEqual(second);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await call('where')).toMatchObject({ ok: true });
  }, 20_000);

  test('that talks without end is heard as quickly as its worker listens', async () => {
    const { call, log } = start();
    expect(await call('chatter', { lines: 20_000 })).toEqual({ ok: true, output: 20_000 });
    expect(log.lines).toHaveLength(20_000);
  });
});

describe('neighbours in one thread', () => {
  test('are made again when one of them ends it', async () => {
    const { call } = start({ callsPerThread: 3 });
    const before = await call('where');
    const calls = [call('where', { ms: 300 }), call('exitLater'), call('where', { ms: 300 })];
    const [first, exited, third] = await Promise.all(calls);
    expect(exited).toMatchObject(failure('Handler.Exited'));
    expect(first).toMatchObject({ ok: true });
    expect(third).toEqual(first);
    expect(first).not.toEqual(before);
  });

  test('are made again one by one when it is not known whose fault it was, and only the guilty one fails', async () => {
    const { call } = start({ callsPerThread: 3 });
    await call('where');
    const calls = [call('where', { ms: 100 }), call('leak'), call('where', { ms: 100 })];
    const [first, leaked, third] = await Promise.all(calls);
    expect(leaked).toMatchObject(failure('Handler.OutOfMemory'));
    expect([first, third]).toMatchObject([{ ok: true }, { ok: true }]);
  });
});

test('calls that find no thread wait in order, and one that is let go meanwhile is never made', async () => {
  const { call } = start({ size: 2 });
  const abort = new AbortController();
  const ends: string[] = [];
  const named = (name: string, made: Promise<unknown>): Promise<void> =>
    made.then(() => void ends.push(name));
  const all = [
    named('a', call('where', { ms: 200 })),
    named('b', call('where', { ms: 1_200 })),
    named('c', call('where', { ms: 100 })),
    named('gone', call('tell', {}, abort.signal)),
    named('d', call('where', { ms: 100 })),
  ];
  await new Promise((resolve) => setTimeout(resolve, 0));
  abort.abort();
  await Promise.all(all);
  expect(ends).toEqual(['gone', 'a', 'c', 'd', 'b']);
  expect(await call('tell')).toMatchObject({ output: { calls: 1 } });
});

test('what is under way when the threads are closed is let go, and nothing is begun any more', async () => {
  const { call } = start();
  const under = [call('spin'), call('where')];
  await new Promise((resolve) => setTimeout(resolve, 300));
  await threads.close();
  expect(await Promise.all(under)).toMatchObject([{ ok: false }, { ok: false }]);
  expect(await call('where')).toMatchObject({ ok: false });
});
