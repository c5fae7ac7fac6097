/**
 * The main job, shown: `npm run demo`. An embedded service, the order-processing machine, one order with
 * its history, a distributed batch of 1,000 orders, the queues; then it stays up. `--once` ends instead.
 *
 * It speaks to the service over HTTP as any client would.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readConfig } from '../config.js';
import { startEmbedded } from './embedded-service.js';
import { run, stopOnSignals } from './lifetime.js';
import { createLog } from './log.js';

const BATCH_SIZE = 1_000;
const BAR_WIDTH = 40;
const EXAMPLE = new URL('../../examples/order-processing/', import.meta.url);

await run(async () => {
  const once = process.argv.includes('--once');
  const config = readConfig({ LOG_LEVEL: 'warn', DATA_DIR: './.escapement/demo', ...process.env });
  const log = createLog(config.logLevel, 'demo');
  say('Starting PostgreSQL, the API and a worker in this process …');
  const service = await startEmbedded(config, log);
  stopOnSignals(() => service.stop(), config.shutdownGraceMs, log);
  const client = createClient(service.url, config.apiKeys[0]);

  const machineId = await createMachine(client);
  await runOneOrder(client, machineId);
  await runBatch(client, machineId);
  await showQueues(client);

  if (once) {
    await service.stop();
    process.exit(0);
  }
  say(`
Escapement is up at ${service.url} until you press Ctrl-C. What to try next:
  the API, page by page     ${service.url}/docs
  every order of the batch  curl '${service.url}/executions?stateMachineId=${machineId}&limit=5'
  an order that is declined curl -X POST '${service.url}/state-machines/${machineId}/executions?wait=10' \\
                              -H 'content-type: application/json' \\
                              -d '{"input":{"orderId":"B-1","card":"declined","items":[{"sku":"CLOCK-7","quantity":1,"priceCents":4900}]}}'
  your own handlers         HANDLERS=./my-handlers.js npm start   (see docs/guides/handlers.md)
  several workers           docker compose up --scale worker=8`);
});

type Client = <T>(method: string, path: string, body?: unknown) => Promise<T>;

function createClient(url: string, apiKey: string | undefined): Client {
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    if (!response.ok)
      throw new Error(`${method} ${path} answered ${response.status}: ${JSON.stringify(answer)}`);
    return answer as T;
  };
}

/** The machine of the example; on a second run of the demo it is there already. */
async function createMachine(client: Client): Promise<string> {
  const id = 'order-processing';
  const { items } = await client<{ items: unknown[] }>('GET', `/state-machines?id=${id}`);
  const definition: unknown = JSON.parse(await example('definition.json'));
  if (items.length === 0)
    await client('POST', '/state-machines', { id, name: 'Order processing', definition });
  else await client('PUT', `/state-machines/${id}`, { definition });
  say(`\nPOST /state-machines                          → ${id}`);
  return id;
}

async function runOneOrder(client: Client, machineId: string): Promise<void> {
  const input: unknown = JSON.parse(await example('order.json'));
  const started = performance.now();
  const execution = await client<{ executionId: string; status: string; output: unknown }>(
    'POST',
    `/state-machines/${machineId}/executions?wait=30`,
    { input },
  );
  const tookMs = performance.now() - started;
  say(`POST /state-machines/${machineId}/executions → ${execution.status} in ${tookMs.toFixed(0)} ms\n`);
  const { items } = await client<{ items: HistoryLine[] }>(
    'GET',
    `/executions/${execution.executionId}/history?limit=1000`,
  );
  say('Its history:');
  for (const event of items) {
    const details = event.stateEnteredEventDetails ?? event.stateExitedEventDetails;
    say(
      `  ${String(event.id).padStart(3)}  ${event.timestamp.slice(11, 23)}  ${event.type.padEnd(24)} ${details?.name ?? ''}`,
    );
  }
}

interface HistoryLine {
  id: number;
  type: string;
  timestamp: string;
  stateEnteredEventDetails?: { name: string };
  stateExitedEventDetails?: { name: string };
}

async function runBatch(client: Client, machineId: string): Promise<void> {
  const inputs = Array.from({ length: BATCH_SIZE }, (_, n) => ({
    orderId: `D-${n + 1}`,
    card: n % 100 === 99 ? 'declined' : '4242',
    items: [{ sku: 'CLOCK-7', quantity: 1 + (n % 3), priceCents: 4900 }],
  }));
  say(
    `\nPOST /state-machines/${machineId}/batch       → ${BATCH_SIZE} orders, distributed (every hundredth card is declined)`,
  );
  const started = performance.now();
  const { batchId } = await client<{ batchId: string }>('POST', `/state-machines/${machineId}/batch`, {
    mode: 'distributed',
    inputs,
  });
  for (;;) {
    const batch = await client<BatchLine>('GET', `/batches/${batchId}`);
    const ended = batch.succeeded + batch.failed + batch.aborted;
    drawBar(ended, batch.total);
    if (batch.status !== 'RUNNING') {
      const seconds = (performance.now() - started) / 1000;
      say(
        `\n  ${batch.succeeded} succeeded, ${batch.failed} failed (declined, as they should), in ${seconds.toFixed(1)} s: ${Math.round(batch.total / seconds)} orders/s`,
      );
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface BatchLine {
  status: string;
  total: number;
  succeeded: number;
  failed: number;
  aborted: number;
}

/** On a terminal the bar moves; elsewhere only the full one is printed. */
function drawBar(done: number, total: number): void {
  const filled = total === 0 ? BAR_WIDTH : Math.round((done / total) * BAR_WIDTH);
  const line = `  [${'█'.repeat(filled)}${'·'.repeat(BAR_WIDTH - filled)}] ${done}/${total}`;
  if (process.stdout.isTTY) process.stdout.write(`\r${line}`);
  else if (done === total) process.stdout.write(line);
}

async function showQueues(client: Client): Promise<void> {
  const stats = await client<{ queues: QueueLine[]; workers: { concurrency: number }[] }>(
    'GET',
    '/queues/stats',
  );
  say(`\nGET /queues/stats                             → ${stats.workers.length} worker, and the queues:`);
  say('  queue               weight  waiting  active  delayed  completed  failed');
  for (const queue of stats.queues) {
    const cells = [queue.weight, queue.waiting, queue.active, queue.delayed, queue.completed, queue.failed];
    const widths = [6, 7, 6, 7, 9, 6];
    say(
      `  ${queue.name.padEnd(18)}  ${cells.map((cell, n) => String(cell).padStart(widths[n] ?? 0)).join('  ')}`,
    );
  }
}

interface QueueLine {
  name: string;
  weight: number;
  waiting: number;
  active: number;
  delayed: number;
  completed: number;
  failed: number;
}

function example(file: string): Promise<string> {
  return readFile(fileURLToPath(new URL(file, EXAMPLE)), 'utf8');
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
