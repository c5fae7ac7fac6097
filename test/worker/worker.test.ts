import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Queues } from '../../src/queue/index.js';
import {
  createStarts,
  createStateMachine,
  type Database,
  deliverSignal,
  type StartAnswer,
} from '../../src/store/index.js';
import type { Handlers } from '../../src/tasks/index.js';
import type { Worker } from '../../src/worker/index.js';
import { rememberingLog } from '../setup/log.js';
import { type House, openHouse } from './house.js';

let house: House;
let database: Database;
let queues: Queues;
const log = rememberingLog();
const began = new Set<string>();
const calls: { name: string; key: string; attempt: number }[] = [];

const handlers: Handlers = {
  double: (input: { n: number }, context) => {
    calls.push({ name: 'double', key: context.idempotencyKey, attempt: context.attempt });
    return { n: input.n * 2 };
  },
  slow: async (input: unknown, { signal }) => {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, 60_000);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
    return input;
  },
  beating: async (input: unknown, { heartbeat }) => {
    for (let beat = 0; beat < 8; beat++) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      heartbeat();
    }
    return input;
  },
  short: async (input: unknown, { executionId }) => {
    began.add(executionId);
    await new Promise((resolve) => setTimeout(resolve, 300));
    return input;
  },
};

beforeAll(async () => {
  house = await openHouse(log);
  ({ database, queues } = house);
});

afterAll(async () => {
  await house.close();
});

function worker(concurrency = 10, shutdownGraceMs = 5_000): Promise<Worker> {
  return house.startWorker(handlers, { concurrency, shutdownGraceMs });
}

let machines = 0;

async function machine(states: object, startAt: string): Promise<string> {
  const stateMachineId = `machine-${++machines}`;
  const outcome = await createStateMachine(database, {
    stateMachineId,
    name: stateMachineId,
    description: null,
    type: 'STANDARD',
    queue: 'default',
    weight: 5,
    metadata: null,
    definition: { StartAt: startAt, States: states } as never,
  });
  expect(outcome.kind).toBe('created');
  return stateMachineId;
}

async function start(stateMachineId: string, input: object, ring = true): Promise<string> {
  const answer: StartAnswer = await createStarts(database).start({
    stateMachineId,
    name: crypto.randomUUID(),
    input: JSON.stringify(input),
    queue: undefined,
    at: undefined,
    waited: false,
    sourceExecutionId: undefined,
    sourceStateName: undefined,
  });
  if (answer.kind !== 'created') throw new Error(answer.kind);
  if (ring) await queues.producer.ring('default', [answer.execution.executionId]);
  return answer.execution.executionId;
}

async function ended(id: string, withinMs = 25_000): Promise<Record<string, unknown>> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const row = await rowOf(id);
    if (row['end_time'] !== null) return row;
    if (Date.now() > deadline)
      throw new Error(`has not ended: ${JSON.stringify({ row, log: log.lines.slice(-10) })}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function rowOf(id: string): Promise<Record<string, unknown>> {
  const { rows } = await database.pool.query('SELECT * FROM executions WHERE id = $1', [id]);
  return rows[0];
}

async function until(fits: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await fits())) {
    if (Date.now() > deadline) throw new Error('still not');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const TWICE = {
  First: { Type: 'Task', Resource: 'double', Next: 'Second' },
  Second: { Type: 'Task', Resource: 'double', End: true },
};

describe('a worker', () => {
  let running: Worker;
  beforeAll(async () => {
    running = await worker();
  });
  afterAll(() => running.stop());

  test('runs an execution from its first event to its last', async () => {
    const id = await start(await machine(TWICE, 'First'), { n: 3 });
    expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', output: '{"n":12}', owner: null });
    const { rows } = await database.pool.query(
      'SELECT events FROM journal WHERE execution_id = $1 ORDER BY seq',
      [id],
    );
    const events = rows.flatMap((row) => JSON.parse(row.events) as { id: number; type: string }[]);
    expect(events.map((event) => event.id)).toEqual(events.map((_, n) => n + 1));
    expect(events.at(-1)?.type).toBe('ExecutionSucceeded');
    expect(rows).toHaveLength(3);
  });

  test('parks what waits, and holds no slot for it: 200 wait at once on 10 slots', async () => {
    const id = await machine({ W: { Type: 'Wait', Seconds: 5, End: true } }, 'W');
    const ids = await Promise.all(Array.from({ length: 200 }, () => start(id, {})));
    await until(async () => {
      const { rows } = await database.pool.query(
        'SELECT count(*)::int AS n FROM executions WHERE id = ANY($1::uuid[]) AND owner IS NULL AND wake_at > now() AND epoch = 1',
        [ids],
      );
      return rows[0].n === 200;
    });
    for (const one of await Promise.all(ids.map((one) => ended(one, 20_000))))
      expect(one['status']).toBe('SUCCEEDED');
  });

  test('finds an execution whose doorbell was never rung', async () => {
    const id = await start(await machine(TWICE, 'First'), { n: 1 }, false);
    expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('aborts a running task when its execution is stopped', async () => {
    const id = await start(await machine({ S: { Type: 'Task', Resource: 'slow', End: true } }, 'S'), {});
    await until(async () => (await rowOf(id))['owner'] !== null);
    expect(
      await deliverSignal(database.pool, id, 'stop', { error: 'Enough', cause: 'said so' }),
    ).toMatchObject({
      found: true,
      ended: false,
    });
    expect(await ended(id, 2_000)).toMatchObject({ status: 'ABORTED', error: 'Enough', cause: 'said so' });
    const { rows } = await database.pool.query('SELECT 1 FROM inbox WHERE execution_id = $1', [id]);
    expect(rows).toEqual([]);
  });

  test('lets a task live while its heart beats, and fails one that is silent', async () => {
    const task = (resource: string) =>
      machine({ T: { Type: 'Task', Resource: resource, HeartbeatSeconds: 1, End: true } }, 'T');
    const beating = await start(await task('beating'), {});
    const silent = await start(await task('slow'), {});
    // The one takes two seconds, the other is given up after one.
    expect(await ended(beating)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await ended(silent)).toMatchObject({ status: 'FAILED', error: 'States.HeartbeatTimeout' });
  });

  test('puts what it cannot advance aside as a dead letter after its attempts', async () => {
    const stateMachineId = await machine(TWICE, 'First');
    await database.pool.query('DELETE FROM state_machine_versions WHERE state_machine_id = $1', [
      stateMachineId,
    ]);
    const { rows } = await database.pool.query(
      `INSERT INTO executions (id, state_machine_id, version, name, status, input, start_time, queue, wake_at)
       VALUES (gen_random_uuid(), $1, 1, 'x', 'RUNNING', '{}', now(), 'default', now()) RETURNING id`,
      [stateMachineId],
    );
    const id = String(rows[0].id);
    await queues.producer.ring('default', [id]);
    await until(
      async () =>
        (await database.pool.query('SELECT 1 FROM dead_letters WHERE execution_id = $1', [id])).rows.length >
        0,
    );
    const letters = await database.pool.query(
      'SELECT queue, attempts, error FROM dead_letters WHERE execution_id = $1',
      [id],
    );
    expect(letters.rows).toEqual([
      { queue: 'default', attempts: 3, error: `Error: there is no version 1 of ${stateMachineId}` },
    ]);
    expect(await rowOf(id)).toMatchObject({ owner: null, wake_at: null, end_time: null });
  });
});

test('an execution that is stopped before a worker has taken it up runs nothing', async () => {
  const id = await start(await machine(TWICE, 'First'), { n: 1 }, false);
  const before = calls.length;
  await deliverSignal(database.pool, id, 'stop', { error: 'Enough' });
  const running = await worker();
  await queues.producer.ring('default', [id]);
  expect(await ended(id)).toMatchObject({ status: 'ABORTED', error: 'Enough' });
  expect(calls.length).toBe(before);
  const { rows } = await database.pool.query('SELECT events FROM journal WHERE execution_id = $1', [id]);
  const types = rows.flatMap((row) => (JSON.parse(row.events) as { type: string }[]).map(({ type }) => type));
  expect(types).toEqual(['ExecutionStarted', 'ExecutionAborted']);
  await running.stop();
});

test('an execution is stopped although others have all the slots', async () => {
  const running = await worker(1);
  const parked = await start(await machine({ W: { Type: 'Wait', Seconds: 3_600, End: true } }, 'W'), {});
  await until(async () => (await rowOf(parked))['epoch'] === 1 && (await rowOf(parked))['owner'] === null);
  const slow = await start(await machine({ S: { Type: 'Task', Resource: 'slow', End: true } }, 'S'), {});
  await until(async () => (await rowOf(slow))['owner'] !== null);
  const queued = await start(await machine(TWICE, 'First'), { n: 1 });
  const before = calls.length;
  for (const id of [parked, queued]) await deliverSignal(database.pool, id, 'stop', {});
  for (const id of [parked, queued]) expect(await ended(id, 5_000)).toMatchObject({ status: 'ABORTED' });
  expect(await rowOf(slow)).toMatchObject({ status: 'RUNNING' });
  expect(calls.length).toBe(before);
  await deliverSignal(database.pool, slow, 'stop', {});
  await ended(slow);
  await running.stop();
});

describe('when the children of an execution have all the slots', () => {
  const CALLS_CHILD = (child: string) => ({
    Type: 'Task',
    Resource: 'arn:aws:states:::states:startExecution.sync:2',
    Parameters: { StateMachineArn: child },
    TimeoutSeconds: 1,
  });

  test('its time is up all the same, and it stops them', async () => {
    const child = await machine({ S: { Type: 'Task', Resource: 'slow', End: true } }, 'S');
    const parent = await machine({ P: { ...CALLS_CHILD(child), End: true } }, 'P');
    const running = await worker(1);
    const id = await start(parent, {});
    expect(await ended(id)).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    await until(async () => (await childOf(id))['end_time'] !== null);
    expect(await childOf(id)).toMatchObject({ status: 'ABORTED' });
    await running.stop();
  });

  test('what its timeout leads to is called by who has a slot', async () => {
    const child = await machine({ S: { Type: 'Task', Resource: 'slow', End: true } }, 'S');
    const parent = await machine(
      {
        P: {
          ...CALLS_CHILD(child),
          Catch: [{ ErrorEquals: ['States.Timeout'], Next: 'Q' }],
          End: true,
        },
        Q: { Type: 'Task', Resource: 'double', Parameters: { n: 4 }, End: true },
      },
      'P',
    );
    const running = await worker(1);
    const id = await start(parent, {});
    const row = await ended(id);
    expect(row).toMatchObject({ status: 'SUCCEEDED', output: '{"n":8}' });
    // Claimed once to begin, once beside the slots for its timeout, and once more for the call.
    expect(row['epoch']).toBeGreaterThanOrEqual(3);
    expect(await childOf(id)).toMatchObject({ status: 'ABORTED' });
    await running.stop();
  });

  async function childOf(id: string): Promise<Record<string, unknown>> {
    const { rows } = await database.pool.query('SELECT * FROM executions WHERE parent_id = $1', [id]);
    return rows[0] ?? {};
  }
});

test('a snapshot never names a checkpoint that was not written, and nobody who folds it misses one', async () => {
  const big = 'x'.repeat(20_000);
  const stateMachineId = await machine(
    {
      Fill: { Type: 'Pass', Parameters: { big }, Next: 'A' },
      A: { Type: 'Wait', Seconds: 1, Next: 'B' },
      B: { Type: 'Wait', Seconds: 1, End: true },
    },
    'Fill',
  );
  const id = await start(stateMachineId, {});
  const first = await worker();
  for (let n = 0; n < 20; n++) {
    // Bells that ring for nothing: claims that find nothing to do, and park again.
    await database.pool.query(
      'UPDATE executions SET wake_at = now() WHERE id = $1 AND owner IS NULL AND end_time IS NULL',
      [id],
    );
    await queues.producer.ring('default', [id]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const { rows } = await database.pool.query(
      'SELECT e.snapshot_seq, max(j.seq) AS last FROM executions e LEFT JOIN journal j ON j.execution_id = e.id WHERE e.id = $1 GROUP BY 1',
      [id],
    );
    expect(rows[0].snapshot_seq).toBeLessThanOrEqual(rows[0].last ?? 0);
  }
  await first.stop();
  const second = await worker();
  await queues.producer.ring('default', [id]);
  expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED' });
  const { rows } = await database.pool.query(
    'SELECT events FROM journal WHERE execution_id = $1 ORDER BY seq',
    [id],
  );
  const events = rows.flatMap((row) => JSON.parse(row.events) as { id: number }[]);
  expect(events.map((event) => event.id)).toEqual(events.map((_, n) => n + 1));
  await second.stop();
});

describe('a worker that is shut down', () => {
  test('lets a short task end, and hands the execution back before the next one', async () => {
    const first = await worker();
    const id = await start(
      await machine(
        {
          A: { Type: 'Task', Resource: 'short', Next: 'B' },
          B: { Type: 'Task', Resource: 'double', End: true },
        },
        'A',
      ),
      { n: 1 },
    );
    await until(async () => began.has(id));
    const before = calls.length;
    await first.stop();
    expect(calls.length).toBe(before);
    const row = await rowOf(id);
    expect(row).toMatchObject({ owner: null, end_time: null, current_state: 'B' });
    const second = await worker();
    expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', output: '{"n":2}' });
    await second.stop();
  });

  test('gives back what outlasts the grace, at once', async () => {
    const first = await worker(10, 200);
    const id = await start(await machine({ S: { Type: 'Task', Resource: 'slow', End: true } }, 'S'), {});
    await until(async () => (await rowOf(id))['owner'] !== null);
    // The task would take a minute.
    await first.stop();
    expect(await rowOf(id)).toMatchObject({ owner: null, end_time: null });
    const { rows } = await database.pool.query(
      'SELECT wake_at <= now() AS runnable FROM executions WHERE id = $1',
      [id],
    );
    expect(rows).toEqual([{ runnable: true }]);
    await database.pool.query(
      "UPDATE executions SET end_time = now(), status = 'ABORTED', wake_at = NULL WHERE id = $1",
      [id],
    );
  });
});

test('a worker that was declared dead drops what it has and registers anew', async () => {
  const running = await worker();
  const id = await start(await machine({ S: { Type: 'Task', Resource: 'slow', End: true } }, 'S'), {});
  await until(async () => (await rowOf(id))['owner'] !== null);
  const before = (await rowOf(id))['owner'];
  await database.pool.query("UPDATE workers SET heartbeat_at = now() - interval '1 hour'");
  await database.pool.query('DELETE FROM workers WHERE id = $1', [before]);
  await until(async () => {
    const { rows } = await database.pool.query('SELECT id FROM workers WHERE id <> $1', [before]);
    return rows.length === 1;
  });
  expect(log.lines.some(({ message }) => message.includes('declared dead'))).toBe(true);
  await database.pool.query('UPDATE executions SET owner = NULL WHERE id = $1', [id]);
  const next = await start(await machine(TWICE, 'First'), { n: 1 });
  expect(await ended(next)).toMatchObject({ status: 'SUCCEEDED' });
  await deliverSignal(database.pool, id, 'stop', {});
  expect(await ended(id)).toMatchObject({ status: 'ABORTED' });
  await running.stop();
});
