import { type Contender, Void } from '../contender.js';
import { openConnection } from '../http-clients.js';
import { orderOf, shortDefinition } from '../orders.js';
import { percentile } from '../statistics.js';
import { type Bench, withService } from './service.js';

const MACHINE = 'short';
const RUN_UP = 50;

/** From the request to the answer that it has ended (`?wait`), one after another, with nothing else going on. */
export function latencyContender(
  bench: Bench,
  { tasks, requests, workers }: { tasks: number; requests: number; workers: 1 | 'embedded' },
): Contender {
  const queue = workers === 'embedded' ? 'embedded, queue in PostgreSQL' : 'queue in Redis';
  return {
    name: `${tasks === 1 ? 'one task' : `${tasks} tasks`}, ${queue}`,
    table: 'latency',
    measure: () =>
      withService(bench, { workers }, async (service) => {
        await service.createMachine(MACHINE, shortDefinition(tasks));
        const connection = await openConnection(service.url);
        const latenciesMs: number[] = [];
        try {
          for (let n = 0; n < RUN_UP + requests; n++) {
            const startedAt = performance.now();
            const path = `/state-machines/${MACHINE}/executions?wait=30`;
            const { status, body } = await connection.request('POST', path, `{"input":${orderOf(n)}}`);
            if (n >= RUN_UP) latenciesMs.push(performance.now() - startedAt);
            if (status !== 202 || statusOf(body) !== 'SUCCEEDED')
              throw new Void(`answered ${status} ${body}`);
          }
        } finally {
          connection.close();
        }
        return { p50Ms: percentile(latenciesMs, 0.5), p99Ms: percentile(latenciesMs, 0.99) };
      }),
  };
}

function statusOf(body: string): unknown {
  const answer: unknown = JSON.parse(body);
  return typeof answer === 'object' && answer !== null && 'status' in answer ? answer.status : undefined;
}
