import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { connectDatabase, type Database } from '../../src/store/index.js';
import { type Contender, type Sample, sampleOf, Void } from '../contender.js';
import { orderOf, STEPS } from '../orders.js';
import { startBenchProcess } from '../processes.js';
import type { Servers } from '../servers.js';

/**
 * The way that comes to mind first: a row for the execution, and for every state one `prisma.update` of it
 * and one `prisma.create` of what happened, 50 executions at a time in a process. It is spared what ours
 * has to do besides: creating the executions, a queue, claims, fences, recovery.
 */
export function naiveBaseline(servers: Servers, executions: number, processes: number): Contender {
  return {
    name: `naive: prisma.update and prisma.create per state, ${processes === 1 ? '1 process' : `${processes} processes`}`,
    table: 'executions',
    isReference: processes === 1,
    measure: async () => {
      const url = await servers.freshDatabase();
      const database = connectDatabase({ url, poolSize: 2, log: console });
      try {
        await createExecutions(database, executions);
        const done = await runProcesses(servers, url, processes, executions);
        return { ...done, ...(await check(database.pool, executions)) };
      } finally {
        await database.close();
      }
    },
  };
}

const STATE_MACHINE_ID = 'naive';

/** The rows are there when the clock starts. `batchIndex` says which process takes them. */
async function createExecutions({ prisma }: Database, count: number): Promise<void> {
  const startTime = new Date();
  await prisma.execution.createMany({
    data: Array.from({ length: count }, (_, n) => ({
      id: randomUUID(),
      stateMachineId: STATE_MACHINE_ID,
      version: 1,
      name: `order-${n}`,
      status: 'RUNNING',
      input: orderOf(n),
      startTime,
      queue: STATE_MACHINE_ID,
      batchIndex: n,
    })),
  });
}

async function runProcesses(
  { cpu }: Servers,
  url: string,
  count: number,
  executions: number,
): Promise<Sample> {
  const processes = Array.from({ length: count }, (_, n) =>
    startBenchProcess('bench/baselines/naive-process.ts', {
      DATABASE_URL: url,
      SHARE: String(n),
      SHARES: String(count),
    }),
  );
  try {
    await Promise.all(processes.map((one) => one.said('ready')));
    const used = await cpu.start(processes.map(({ pid }) => pid));
    const startedAt = performance.now();
    for (const one of processes) one.tell('go');
    await Promise.all(processes.map((one) => one.said('done')));
    const seconds = (performance.now() - startedAt) / 1000;
    return sampleOf(executions, seconds, await used());
  } finally {
    await Promise.all(processes.map((one) => one.stop()));
  }
}

async function check(pool: pg.Pool, executions: number): Promise<Sample> {
  const { rows } = await pool.query<{ ended: number; states: number; bytes: number }>(
    `SELECT (SELECT count(*) FROM executions WHERE status = 'SUCCEEDED' AND output LIKE '%trackingNumber%')::int AS ended,
       count(*)::int AS states, avg(octet_length(events))::float8 AS bytes FROM journal`,
  );
  const { ended, states, bytes } = rows[0] ?? { ended: 0, states: 0, bytes: 0 };
  if (ended !== executions) throw new Void(`${ended} of ${executions} executions ended`);
  if (states !== executions * STEPS.length) throw new Void(`${states} states of ${executions} executions`);
  return { historyBytesPerState: bytes };
}
