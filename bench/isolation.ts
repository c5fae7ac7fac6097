/**
 * What a thread costs: calls of handlers per second in the worker's own thread and in threads, 200 at a time as a worker
 * has them, with the input of an order. Run it with `npm run build && node --import ./scripts/typescript.js
 * bench/isolation.ts [seconds]`.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { TaskOutcome } from '../src/engine/index.js';
import type { Json } from '../src/std/json.js';
import { createFunctions, createThreads, type Handlers } from '../src/tasks/index.js';
import { orderOf } from './orders.js';

const MODULE = fileURLToPath(new URL('isolation-handlers.js', import.meta.url));
const ENTRY = new URL('../dist/tasks/threads/entry.js', import.meta.url);
const AT_ONCE = 200;
const seconds = Number(process.argv[2] ?? 3);

const { default: handlers } = (await import(MODULE)) as { default: Handlers };
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const about = { executionId: 'e', executionName: 'e', stateMachineId: 'm', version: 1, queue: 'm' };
const input = JSON.parse(orderOf(1)) as Json;

type Call = (functionName: string) => Promise<TaskOutcome>;

function caller(isolation: 'thread' | 'none', size = 1, callsPerThread = 1): [Call, () => Promise<void>] {
  const threads = createThreads({
    module: MODULE,
    size,
    callsPerThread,
    memoryMb: 256,
    log: silent,
    entry: ENTRY,
  });
  const functions = createFunctions({ handlers, arnOf: String, logFor: () => silent, isolation, threads });
  const call: Call = (functionName) => {
    const asked = { kind: 'function', functionName, input, credentials: null } as const;
    const effect = {
      kind: 'invoke',
      frameId: 0,
      key: 'e/1',
      call: asked,
      stateName: 'S',
      attempt: 0,
      timeoutAtMs: undefined,
    } as const;
    const signal = new AbortController().signal;
    return functions.call(asked, effect, about, { signal, heartbeat: () => undefined });
  };
  return [call, () => threads.close()];
}

async function rateOf(call: Call, functionName: string): Promise<number> {
  await Promise.all(Array.from({ length: AT_ONCE }, () => call(functionName)));
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let calls = 0;
  const again = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const outcome = await call(functionName);
      if (!outcome.ok) throw new Error(outcome.cause);
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, again));
  return (calls * 1000) / (performance.now() - startMs);
}

const cores = availableParallelism();
const ways: [string, ...Parameters<typeof caller>][] = [
  ['inline', 'none'],
  ['1 thread', 'thread', 1],
  [`${String(cores)} threads`, 'thread', cores],
  ['4 threads', 'thread', 4],
  ['4 threads, 50 calls in each', 'thread', 4, 50],
];
for (const [name, ...how] of ways) {
  const [call, close] = caller(...how);
  const rates: string[] = [];
  for (const functionName of ['small', 'waits', 'computes'])
    rates.push(`${functionName} ${Math.round(await rateOf(call, functionName)).toLocaleString('en-US')}/s`);
  process.stdout.write(`${name}: ${rates.join(', ')}\n`);
  await close();
}
