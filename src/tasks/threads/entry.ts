/**
 * What runs in a handler thread: it loads the handlers module, and makes the calls that it is told to.
 *
 * 1. A call that ends, ends with `ended`. Whatever else ends the thread, its worker sees by the thread's own end.
 * 2. Results are turned into JSON here, within the limit, so that the worker is given no more than it can use.
 */
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { callHandler } from '../call-handler.js';
import { failure, failureOf } from '../failure.js';
import type { HandlerLog } from '../handlers.js';
import { loadHandlers } from '../load.js';
import { strayFrom } from '../strays.js';
import { BACKLOG_MAX, type FromThread, type LogLevel, type ThreadData, type ToThread } from './protocol.js';

const port = parentPort;
if (port === null) throw new Error('this is what runs in a handler thread, and nowhere else');
const { module, memoryMb, backlog } = workerData as ThreadData;
const waiting = new Int32Array(backlog);

function post(message: FromThread): void {
  // As a write to a pipe that is full does: it waits.
  for (let many = Atomics.load(waiting, 0); many >= BACKLOG_MAX; many = Atomics.load(waiting, 0)) {
    Atomics.wait(waiting, 0, many, 1_000);
  }
  Atomics.add(waiting, 0, 1);
  port?.postMessage(message);
}

const WATCH_MS = 100;
const WATCH_LOOKS = 3;
/** HeartbeatSeconds are whole seconds: more than some a second say nothing more. */
const BEAT_MS = 50;

/** Calls under way: what aborts them. */
const aborts = new Map<number, AbortController>();
let isEnding = false;

listenForStrays();
watchMemory();
const handlers = await loadHandlers(module);
port.on('message', (message: ToThread) => {
  if (message.kind === 'abort') aborts.get(message.id)?.abort(new Error(message.reason));
  else void make(message);
});
post({ kind: 'ready' });

async function make({ id, functionName, input, told }: Extract<ToThread, { kind: 'call' }>): Promise<void> {
  post({ kind: 'begun', id });
  const given = Object.hasOwn(handlers, functionName) ? handlers[functionName] : undefined;
  if (given === undefined) {
    const why = `the handlers module gave '${functionName}' to its worker, and not to this thread`;
    const outcome = failure('Lambda.ResourceNotFoundException', why);
    post({ kind: 'ended', id, outcome, isFull: false });
    return;
  }
  const aborting = new AbortController();
  aborts.set(id, aborting);
  const outcome = await callHandler({
    functionName,
    handler: given.handler,
    input,
    context: { ...told, heartbeat: heartbeatOf(id), log: logOf(id) },
    signal: () => aborting.signal,
    callId: id,
  });
  aborts.delete(id);
  post({ kind: 'ended', id, outcome, isFull: share() > 1 });
}

function heartbeatOf(id: number): () => void {
  let nextAtMs = 0;
  return () => {
    const nowMs = performance.now();
    if (nowMs < nextAtMs || !aborts.has(id)) return;
    nextAtMs = nowMs + BEAT_MS;
    post({ kind: 'heartbeat', id });
  };
}

function logOf(id: number): HandlerLog {
  const at = (level: LogLevel) => (fields: object, message?: string) =>
    post({ kind: 'log', id, level, fields: portable(fields), message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Fields as another thread can have them: without functions, and with errors as texts that keep their names. */
function portable(fields: object): object {
  try {
    const { err, ...rest } = fields as { err?: unknown };
    return structuredClone(err === undefined ? rest : { ...rest, err: described(err) });
  } catch (error) {
    return { err: described(error) };
  }
}

function described(error: unknown): object {
  const { cause } = failureOf(error);
  const { errorType, errorMessage, trace } = JSON.parse(cause ?? '{}') as Record<string, unknown>;
  const stack = Array.isArray(trace) ? trace.join('\n') : '';
  return { type: errorType, message: errorMessage, stack };
}

/** An error that nobody caught fails the call that it comes from; only one that comes from nowhere ends the thread. */
function listenForStrays(): void {
  const onStray = (error: unknown): void => {
    const source = strayFrom();
    // As Node.js has it: the thread ends, and its calls with it.
    if (source === undefined) throw error;
    source.fail?.(error);
    post({ kind: 'stray', about: source.about, fields: { err: described(error) } });
  };
  process.on('uncaughtException', onStray);
  process.on('unhandledRejection', onStray);
  process.on('exit', (code) => {
    if (!isEnding) post({ kind: 'ending', why: 'exit', id: strayFrom()?.callId, code });
  });
}

/**
 * `resourceLimits` count what V8 holds, not the bytes of Buffers. Those are looked at here, now and then: a handler that
 * takes them without ever waiting is stopped by its time limit only. What is too much for a moment may be waste that is
 * about to be collected.
 */
function watchMemory(): void {
  let looks = 0;
  setInterval(() => {
    looks = share() > 1 ? looks + 1 : 0;
    if (looks < WATCH_LOOKS && share() <= 2) return;
    post({ kind: 'ending', why: 'memory' });
    isEnding = true;
    process.exit(1);
  }, WATCH_MS).unref();
}

/** What the thread holds, as a share of what it may. */
function share(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return (used_heap_size + external_memory) / (memoryMb * 1024 * 1024);
}
