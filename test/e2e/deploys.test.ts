/** A new version comes in while the old one works: processes are ended and replaced one by one, under load. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from '@jest/globals';
import { migrate, readMigrations } from '../../src/store/migrate.js';
import { callOne, createRoundRobin, type RoundRobin } from './round-robin.js';
import { type Answer, type Api, type Process, type Service, startService, until } from './service.js';

let service: Service;

afterEach(() => service.stop(), 60_000);

const GRACE_SECONDS = 4;
/** What a process may take beyond its grace: to hand back, to close its connections, on a machine that is busy. */
const OVERTIME_MS = 5_000;

/** Ends a process in order. @throws when it takes much longer than its grace. */
async function endInOrder({ child, kill, lines }: Process): Promise<void> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(
      () => reject(new Error(`still there after the grace: ${JSON.stringify(lines.slice(-5))}`)),
      GRACE_SECONDS * 1000 + OVERTIME_MS,
    ).unref();
  });
  await Promise.race([kill('SIGTERM'), late]);
  expect(child.exitCode).toBe(0);
}

async function machine(id: string, states: object): Promise<void> {
  const definition = { StartAt: Object.keys(states)[0], States: states };
  const made = await service.call('POST', '/state-machines', { id, name: id, definition });
  expect(made).toMatchObject({ status: 201 });
}

/** Four tasks, with a short wait between. */
const orders = (): Promise<void> =>
  machine('orders', {
    validateOrder: { Type: 'Task', Resource: 'validateOrder', ResultPath: null, Next: 'reserveStock' },
    reserveStock: { Type: 'Task', Resource: 'reserveStock', ResultPath: null, Next: 'pause' },
    pause: { Type: 'Wait', Seconds: 1, Next: 'chargeCard' },
    chargeCard: { Type: 'Task', Resource: 'chargeCard', ResultPath: null, Next: 'shipOrder' },
    shipOrder: { Type: 'Task', Resource: 'shipOrder', ResultPath: null, End: true },
  });

/** Calls of every kind, over and over, until told to stop. */
function startLoad(caller: RoundRobin): { failures: string[]; accepted: Set<string>; stop(): Promise<void> } {
  const failures: string[] = [];
  const accepted = new Set<string>();
  let stopped = false;
  let count = 0;
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    try {
      const { status, body: text } = await caller.call(method, path, body);
      if (status >= 400) failures.push(`${method} ${path}: ${status} ${text}`);
      return text === '' ? undefined : JSON.parse(text);
    } catch (error) {
      failures.push(`${method} ${path}: ${error}`);
      return undefined;
    }
  };
  const starts = async (wait: string): Promise<void> => {
    while (!stopped) {
      const name = `order-${count++}`;
      const started = await ask('POST', `/state-machines/orders/executions${wait}`, {
        name,
        input: { orderId: name, delayMs: 50 },
      });
      if (started?.executionId !== undefined) accepted.add(started.executionId);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  };
  const reads = async (path: string): Promise<void> => {
    while (!stopped) {
      await ask('GET', path);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const loops = [
    ...['', '', '?wait=1', '?wait=20', '?wait=20'].map(starts),
    reads('/executions?limit=20'),
    reads('/activities/idle/task?wait=3'),
    reads('/activities/idle/task?wait=60'),
  ];
  return {
    failures,
    accepted,
    stop: async () => {
      stopped = true;
      // So that the polls come back.
      for (let n = 0; n < 2; n++) await ask('POST', '/state-machines/offering/executions', {});
      await Promise.all(loops);
    },
  };
}

/** Every accepted execution has ended well, with no gap in its history, and each task of it was called once. */
async function expectAllDone(accepted: ReadonlySet<string>): Promise<void> {
  await until(
    async () =>
      (
        await service.pool.query(
          "SELECT id, status FROM executions WHERE state_machine_id = 'orders' AND end_time IS NULL LIMIT 5",
        )
      ).rows,
    (open) => open.length === 0,
  );
  const { rows: ended } = await service.pool.query<{ id: string }>(
    "SELECT id FROM executions WHERE state_machine_id = 'orders' AND status = 'SUCCEEDED'",
  );
  expect(accepted.size).toBeGreaterThan(0);
  expect([...accepted].filter((id) => !ended.some((one) => one.id === id))).toEqual([]);
  const { rows: calls } = await service.pool.query(
    `SELECT execution_id, state_name, count(*)::int AS calls FROM ledger l JOIN executions e ON e.id = l.execution_id
     WHERE e.state_machine_id = 'orders' GROUP BY 1, 2 HAVING count(*) <> 1`,
  );
  expect(calls).toEqual([]);
  const { rows: gaps } = await service.pool.query(
    `SELECT execution_id FROM journal GROUP BY 1
     HAVING min(seq) <> 1 OR max(seq) <> count(*) OR sum(event_count) <> max(first_event_id + event_count - 1)`,
  );
  expect(gaps).toEqual([]);
}

test('API and workers are replaced one by one under load, and no caller and no task is the worse for it', async () => {
  service = await startService({
    workers: 3,
    env: { SHUTDOWN_GRACE_SECONDS: String(GRACE_SECONDS), CONCURRENCY: '50' },
  });
  await service.startApi();
  await service.call('POST', '/activities', { name: 'idle' });
  await orders();
  const offered = {
    Type: 'Task',
    Resource: 'arn:aws:states:us-east-1:000000000000:activity:idle',
    End: true,
  };
  await machine('offering', { offered });
  const caller = createRoundRobin(service.apis.map(({ url }) => url));
  const load = startLoad(caller);

  for (const old of [...service.apis]) {
    // The new one first. The old one is called until it has ended: nobody tells a caller in time.
    const { url } = await service.startApi();
    caller.urls.push(url);
    await endInOrder(old);
    caller.urls = caller.urls.filter((one) => one !== old.url);
  }
  for (const old of service.workers.splice(0)) {
    await service.startWorker();
    await endInOrder(old);
  }
  // And with fewer for a while.
  const last = service.workers.shift();
  if (last !== undefined) await endInOrder(last);
  await service.startWorker();

  await load.stop();
  caller.close();
  expect(load.failures).toEqual([]);
  await expectAllDone(load.accepted);
}, 300_000);

test('a migration comes in under load, and processes that started before it go on', async () => {
  service = await startService({ workers: 2, env: { CONCURRENCY: '50' } });
  await service.call('POST', '/activities', { name: 'idle' });
  await orders();
  const offered = {
    Type: 'Task',
    Resource: 'arn:aws:states:us-east-1:000000000000:activity:idle',
    End: true,
  };
  await machine('offering', { offered });
  const caller = createRoundRobin(service.apis.map(({ url }) => url));
  const load = startLoad(caller);
  await until(
    async () => load.accepted.size,
    (accepted) => accepted > 20,
  );
  const all = await readMigrations();
  const applied = await migrate(service.pool.options.connectionString ?? '', {
    migrations: { ...all, migrationDirectories: [...all.migrationDirectories, ADDITIVE] },
  });
  expect(applied).toEqual({ applied: [ADDITIVE.path] });
  const before = load.accepted.size;
  await until(
    async () => load.accepted.size,
    (accepted) => accepted > before + 20,
  );

  await load.stop();
  caller.close();
  expect(load.failures).toEqual([]);
  expect(caller.retries).toBe(0);
  await expectAllDone(load.accepted);
}, 180_000);

/** What a later release may do to the tables that are busiest. */
const ADDITIVE = {
  path: '29990101000000_additive',
  migrationFile: {
    path: 'migration.sql',
    content: {
      tag: 'ok' as const,
      value: [
        'executions',
        'journal',
        'inbox',
        'workers',
        'batches',
        'task_tokens',
        'state_machines',
        'queues',
      ]
        .map((table) => `ALTER TABLE "${table}" ADD COLUMN "later" INTEGER NOT NULL DEFAULT 0;`)
        .join('\n'),
    },
  },
};

test('an API that is told to end answers what is under way, and closes the connections that it answers on', async () => {
  service = await startService({ workers: 1, env: { SHUTDOWN_GRACE_SECONDS: String(GRACE_SECONDS) } });
  await service.call('POST', '/activities', { name: 'idle' });
  await machine('long', { Later: { Type: 'Wait', Seconds: 3600, End: true } });
  const [api] = service.apis;
  if (api === undefined) throw new Error('there is no API');
  const agent = new Agent({ keepAlive: true });
  const held = [
    callOne(agent, api.url, 'POST', '/state-machines/long/executions?wait=60', {}),
    callOne(agent, api.url, 'GET', '/activities/idle/task?wait=60'),
  ];
  const upload = beginUpload(agent, api);
  await until(
    async () => (await service.pool.query('SELECT 1 FROM executions WHERE epoch > 0 AND owner IS NULL')).rows,
    (rows) => rows.length === 1,
  );

  const ended = endInOrder(api);
  const [execution, poll] = await Promise.all(held);
  expect(execution).toMatchObject({ status: 202, headers: { connection: 'close' } });
  expect(JSON.parse(execution?.body ?? '')).toMatchObject({ status: 'RUNNING' });
  expect(poll).toMatchObject({ status: 204, headers: { connection: 'close' } });
  // It ends its body only now, and is heard.
  expect(await upload.finish()).toMatchObject({ status: 202, headers: { connection: 'close' } });
  await ended;
  agent.destroy();
}, 60_000);

test('an API is not kept from ending by an upload that does not go on', async () => {
  service = await startService({ workers: 0, env: { SHUTDOWN_GRACE_SECONDS: '1' } });
  await machine('long', { Later: { Type: 'Wait', Seconds: 3600, End: true } });
  const [api] = service.apis;
  if (api === undefined) throw new Error('there is no API');
  const agent = new Agent({ keepAlive: true });
  const upload = beginUpload(agent, api);
  await upload.begun;
  await endInOrder(api);
  await expect(upload.finish()).rejects.toThrow();
  agent.destroy();
}, 60_000);

test('a worker ends within its grace although a handler ignores its signal, and another calls the task again', async () => {
  service = await startService({ workers: 1, env: { SHUTDOWN_GRACE_SECONDS: '1' } });
  await machine('deaf', { Deaf: { Type: 'Task', Resource: 'deaf', End: true } });
  const { body } = await service.call('POST', '/state-machines/deaf/executions', {
    input: { forMs: 3_600_000 },
  });
  const called = async () =>
    (await service.pool.query('SELECT key, pid FROM ledger WHERE execution_id = $1', [body.executionId]))
      .rows;
  await until(called, (rows) => rows.length === 1);
  const old = service.workers[0];
  if (old === undefined) throw new Error('there is no worker');
  await endInOrder(old);
  await service.startWorker();
  const [first, second] = await until(called, (rows) => rows.length === 2);
  expect(second?.key).toBe(first?.key);
  expect(second?.pid).not.toBe(first?.pid);
}, 60_000);

/** A start of which the first half of the body is sent. */
function beginUpload(agent: Agent, { url }: Api) {
  const asking = request(`${url}/state-machines/long/executions`, {
    method: 'POST',
    agent,
    headers: { 'content-type': 'application/json' },
  });
  const answered = new Promise<Answer>((resolve, reject) => {
    asking.on('error', reject);
    asking.on('response', (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode, headers: response.headers, body }),
        reject,
      );
    });
  });
  // Whoever does not finish it does not ask.
  answered.catch(() => undefined);
  asking.write('{"input": ');
  return {
    begun: once(asking, 'socket'),
    finish: (): Promise<Answer> => {
      asking.end('{}}');
      return answered;
    },
  };
}
