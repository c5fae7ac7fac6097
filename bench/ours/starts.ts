import { setTimeout as sleep } from 'node:timers/promises';
import { answered, CLIENTS, latencyOf, startBody } from '../baselines/starts.js';
import { type Contender, sampleOf, Void } from '../contender.js';
import { applyLoad, openConnection } from '../http-clients.js';
import { readDefinition } from '../orders.js';
import { showStatements } from '../statements.js';
import { checkExecutions } from './consistency.js';
import { type Bench, type Service, withService } from './service.js';

const MACHINE = 'orders';
const START = `/state-machines/${MACHINE}/executions`;

/** Starting alone: the API and nobody who takes up what was started, as in the naive way beside it. */
export function ourStarts(bench: Bench, seconds: number): Contender {
  return {
    name: 'Escapement: POST …/executions',
    table: 'starts',
    measure: () =>
      withService(bench, { workers: 0 }, async (service) => {
        await service.createMachine(MACHINE, await readDefinition());
        const statements = await showStatements(bench);
        const load = {
          url: service.url,
          clients: CLIENTS,
          seconds,
          method: 'POST',
          path: START,
          body: startBody,
        };
        const result = await applyLoad(load);
        const wanted = answered(result);
        await statements(wanted);
        await untilRung(service, wanted);
        const { count } = await service.call<{ count: number }>('GET', `${START}/count?status=RUNNING`);
        if (count !== wanted) throw new Void(`${wanted} starts were answered, ${count} are there`);
        return latencyOf(result);
      }),
  };
}

/** The doorbells follow the answers by some milliseconds. */
async function untilRung(service: Service, wanted: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const { queues } = await service.call<{ queues: { name: string; waiting: number }[] }>(
      'GET',
      '/queues/stats',
    );
    const waiting = queues.find(({ name }) => name === MACHINE)?.waiting;
    if (waiting === wanted) return;
    if (performance.now() > deadline)
      throw new Void(`${wanted} starts were answered, ${waiting} jobs are there`);
    await sleep(100);
  }
}

/** Executions that are started one by one, a job each, and run by workers at the same time. */
export function singleStarts(bench: Bench, workers: number, orders: number): Contender {
  return {
    name: `single starts, ${workers} workers`,
    table: 'executions',
    measure: () =>
      withService(bench, { workers }, async (service) => {
        const definition = await readDefinition();
        for (const id of ['run-up', MACHINE]) await service.createMachine(id, definition);
        await startAll(service, 'run-up', 600);
        await untilEnded(service, 'run-up');
        const statements = await showStatements(bench);
        const used = await bench.servers.cpu.start(service.pids);
        const startedAt = performance.now();
        await startAll(service, MACHINE, orders);
        await untilEnded(service, MACHINE);
        const seconds = (performance.now() - startedAt) / 1000;
        const time = await used();
        await statements(orders);
        const checked = await checkExecutions(service.pool, MACHINE, orders);
        return { ...sampleOf(orders, seconds, time), ...checked };
      }),
  };
}

async function startAll({ url }: Service, machineId: string, orders: number): Promise<void> {
  let sent = 0;
  const client = async (): Promise<void> => {
    const connection = await openConnection(url);
    try {
      while (sent < orders) {
        const path = `/state-machines/${machineId}/executions`;
        const { status, body } = await connection.request('POST', path, startBody(sent++));
        if (status !== 202) throw new Void(`a start was answered ${status} ${body}`);
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

async function untilEnded(service: Service, machineId: string): Promise<void> {
  const deadline = performance.now() + 180_000;
  for (;;) {
    const path = `/state-machines/${machineId}/executions?status=RUNNING&limit=1`;
    const { items } = await service.call<{ items: unknown[] }>('GET', path);
    if (items.length === 0) return;
    if (performance.now() > deadline) throw new Void('after three minutes some executions still run');
    await sleep(50);
  }
}
