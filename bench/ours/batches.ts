import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, sampleOf, Void } from '../contender.js';
import { orderOf, readDefinition } from '../orders.js';
import { showStatements } from '../statements.js';
import { checkExecutions } from './consistency.js';
import { type Bench, type Service, type ServiceShape, withService } from './service.js';

export interface BatchShape extends ServiceShape {
  mode: 'distributed' | 'concurrent' | 'sequential';
  orders: number;
  concurrency?: number;
}

/** Orders per second of a batch, from the request that brings them to the end of the last. */
export function batchContender(bench: Bench, name: string, shape: BatchShape): Contender {
  return {
    name,
    table: 'executions',
    measure: () =>
      withService(bench, shape, async (service) => {
        const definition = await readDefinition();
        await service.createMachine(RUN_UP, definition);
        await service.createMachine(MEASURED, definition);
        // The workers find the queues, open their sessions and compile what is hot.
        const { workers } = shape;
        await runBatch(service, RUN_UP, { workers, mode: 'distributed', orders: RUN_UP_ORDERS });
        const statements = await showStatements(bench);
        const used = await bench.servers.cpu.start(service.pids);
        const seconds = await runBatch(service, MEASURED, shape);
        const time = await used();
        await statements(shape.orders);
        const checked = await checkExecutions(service.pool, MEASURED, shape.orders);
        return { ...sampleOf(shape.orders, seconds, time), ...checked };
      }),
  };
}

const RUN_UP = 'run-up';
const MEASURED = 'orders';
const RUN_UP_ORDERS = 600;

interface BatchAnswer {
  batchId: string;
  status: string;
  total: number;
  succeeded: number;
  failed: number;
  aborted: number;
}

/** How long it took, in seconds. @throws Void when it did not end well. */
async function runBatch(service: Service, machineId: string, shape: BatchShape): Promise<number> {
  const { mode, concurrency, orders } = shape;
  const query = new URLSearchParams({
    mode,
    ...(concurrency !== undefined && { concurrency: String(concurrency) }),
  });
  const body = Array.from({ length: orders }, (_, n) => orderOf(n)).join('\n');
  const startedAt = performance.now();
  const response = await fetch(`${service.url}/state-machines/${machineId}/batch?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body,
  });
  const accepted = (await response.json()) as BatchAnswer;
  if (response.status !== 202) throw new Void(`the batch was refused: ${JSON.stringify(accepted)}`);
  for (;;) {
    const batch = await service.call<BatchAnswer>('GET', `/batches/${accepted.batchId}`);
    const seconds = (performance.now() - startedAt) / 1000;
    if (batch.status !== 'RUNNING') {
      const { status, total, succeeded } = batch;
      if (status === 'SUCCEEDED' && total === orders && succeeded === orders) return seconds;
      throw new Void(`the batch ended as ${JSON.stringify(batch)}`);
    }
    if (seconds > PATIENCE_SECONDS) throw new Void(`the batch is at ${JSON.stringify(batch)}`);
    await sleep(LOOK_MS);
  }
}

/** Seldom enough to cost nothing, often enough for batches of seconds. */
const LOOK_MS = 20;
const PATIENCE_SECONDS = 180;
