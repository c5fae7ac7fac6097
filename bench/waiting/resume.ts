/**
 * How soon what waited goes on, on an idle system, for each thing that an execution may wait for:
 * `node --import ./scripts/typescript.js bench/waiting/resume.ts [times]`, after `npm run build`.
 *
 * From the act to the moment in which the database shows the end of the execution, looked at every few ms. The sweeper is
 * kept from helping, so what is measured is the way that every wake-up takes, not the net below it.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../src/std/json.js';
import type { Service } from '../ours/service.js';
import { median, percentile } from '../statistics.js';
import { serveFunctions } from './functions.js';
import { measureService } from './measure.js';
import { say } from './process-facts.js';

const TIMES = Number(process.argv[2] ?? 20);
/** Between the start and the act: long enough for the execution to be parked and its worker to sleep. */
const REST_MS = 300;
const TIMER_MS = 1_000;
const LOOK_MS = 2;

/** One measurement: what happened when, and what ended by it. `atMs` is in ms since the epoch. */
interface Woken {
  atMs: number;
  executionId: string;
}

const functions = await serveFunctions();
try {
  await measureService(
    {
      SWEEP_SECONDS: '3600',
      SECRETS_KEY: randomBytes(32).toString('base64'),
      HTTP_TASKS_ALLOW: '127.0.0.1',
    },
    measureAll,
  );
} finally {
  functions.stop();
}

async function measureAll(service: Service): Promise<void> {
  const { url, call, createMachine } = service;
  for (const name of ['hold', 'tell-token', 'fail-first'])
    await call('POST', '/task-endpoints', { name, url: `${functions.url}/${name}` });
  const { activityArn } = await call<{ activityArn: string }>('POST', '/activities', { name: 'weigh' });
  const machines: Record<string, Json> = {
    timer: { Type: 'Wait', TimestampPath: '$.at', End: true },
    timeout: {
      Type: 'Message',
      CorrelationKey: 'never',
      TimeoutSeconds: TIMER_MS / 1000,
      Catch: [{ ErrorEquals: ['States.Timeout'], Next: 'Done' }],
      End: true,
    },
    token: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Parameters: { FunctionName: 'tell-token', Payload: { 'token.$': '$$.Task.Token' } },
      End: true,
    },
    activity: { Type: 'Task', Resource: activityArn, End: true },
    message: { Type: 'Message', CorrelationKey: 'n', CorrelationValuePath: '$$.Execution.Name', End: true },
    child: {
      Type: 'Task',
      Resource: 'arn:aws:states:::states:startExecution.sync:2',
      Parameters: {
        StateMachineArn: 'message',
        'Name.$': "States.Format('child-of-{}', $$.Execution.Name)",
      },
      End: true,
    },
    call: { Type: 'Task', Resource: 'hold', End: true },
    redriven: { Type: 'Task', Resource: 'fail-first', End: true },
    scheduled: { Type: 'Pass', End: true },
  };
  for (const [id, state] of Object.entries(machines))
    await createMachine(id, {
      StartAt: 'A',
      States: { A: state, ...(id === 'timeout' && { Done: { Type: 'Succeed' } }) },
    });

  let names = 0;
  const start = async (machine: string, input: Json = {}): Promise<{ executionId: string; name: string }> => {
    names++;
    const name = `${machine}-${names}`;
    const started = await call<{ executionId: string }>('POST', `/state-machines/${machine}/executions`, {
      name,
      input,
    });
    return { executionId: started.executionId, name };
  };
  const post = async (path: string, body?: Json): Promise<void> => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  };
  const sendMessage = (value: string): Promise<void> =>
    post('/messages', { correlationKey: 'n', correlationValue: value, data: 1, ttlSeconds: 0 });

  await report(service, 'a timer (Wait)', async () => {
    const atMs = Date.now() + TIMER_MS;
    const { executionId } = await start('timer', { at: new Date(atMs).toISOString() });
    await sleep(TIMER_MS);
    return { atMs, executionId };
  });
  await report(service, 'a timeout of a state, its start included', async () => {
    const atMs = Date.now() + TIMER_MS;
    const { executionId } = await start('timeout');
    await sleep(TIMER_MS);
    return { atMs, executionId };
  });
  await report(service, 'an answer with a task token', async () => {
    const { executionId } = await start('token');
    await sleep(REST_MS);
    const atMs = Date.now();
    await post(`/task-tokens/${functions.tokens.get(executionId) ?? ''}/success`, { output: 1 });
    return { atMs, executionId };
  });
  await report(service, "an activity worker's answer", async () => {
    const { executionId } = await start('activity');
    const { taskToken } = await call<{ taskToken: string }>('GET', '/activities/weigh/task?wait=10');
    await sleep(REST_MS);
    const atMs = Date.now();
    await post(`/task-tokens/${taskToken}/success`, { output: 1 });
    return { atMs, executionId };
  });
  await report(service, 'a message', async () => {
    const { executionId, name } = await start('message');
    await sleep(REST_MS);
    const atMs = Date.now();
    await sendMessage(name);
    return { atMs, executionId };
  });
  await report(service, "the end of a child, to its parent's", async () => {
    const { executionId, name } = await start('child');
    await sleep(REST_MS);
    await sendMessage(`child-of-${name}`);
    const { items } = await call<{ items: { executionId: string }[] }>(
      'GET',
      `/executions?parentExecutionId=${executionId}`,
    );
    return { atMs: await seen(service, items[0]?.executionId ?? ''), executionId };
  });
  await report(service, "a task endpoint's answer", async () => {
    const { executionId } = await start('call');
    await sleep(REST_MS);
    const atMs = Date.now();
    functions.calls
      .get(executionId)
      ?.response.writeHead(200, { 'content-type': 'application/json' })
      .end('1');
    return { atMs, executionId };
  });
  await report(service, 'a resume, of what had its message meanwhile', async () => {
    const { executionId, name } = await start('message');
    await sleep(REST_MS);
    await post(`/executions/${executionId}/pause`);
    await sendMessage(name);
    await sleep(REST_MS);
    const atMs = Date.now();
    await post(`/executions/${executionId}/resume`);
    return { atMs, executionId };
  });
  await report(service, 'a redrive, the call of its task included', async () => {
    const { executionId } = await start('redriven');
    await seen(service, executionId, 'FAILED');
    await sleep(REST_MS);
    const atMs = Date.now();
    await post(`/executions/${executionId}/redrive`);
    return { atMs, executionId };
  });

  await call('POST', '/schedules', {
    id: 'each-second',
    stateMachineId: 'scheduled',
    intervalSeconds: 1,
    overlap: 'ALLOW',
  });
  await sleep(1000 * (TIMES + 1));
  await call('POST', '/schedules/each-second/pause');
  const { rows } = await service.pool.query<{ ms: number }>(
    `SELECT (extract(epoch FROM start_time - scheduled_for) * 1000)::float8 AS ms
       FROM executions WHERE schedule_id = 'each-second' ORDER BY scheduled_for LIMIT $1`,
    [TIMES],
  );
  tell(
    "a schedule's instant, to the start",
    rows.map(({ ms }) => ms),
  );

  const stops: number[] = [];
  for (let n = 0; n < TIMES; n++) {
    const { executionId } = await start('call');
    await sleep(REST_MS);
    const begun = performance.now();
    await call('DELETE', `/executions/${executionId}`);
    await functions.calls.get(executionId)?.closed;
    stops.push(performance.now() - begun);
  }
  tell('a stop, to the call that is broken off', stops);
}

async function report(service: Service, what: string, wake: () => Promise<Woken>): Promise<void> {
  const waits: number[] = [];
  for (let n = 0; n < TIMES; n++) {
    const { atMs, executionId } = await wake();
    waits.push((await seen(service, executionId)) - atMs);
  }
  tell(what, waits);
}

function tell(what: string, waits: readonly number[]): void {
  say(
    `${what}: ${waits.length} times, p50 ${median(waits).toFixed(1)} ms, ` +
      `p99 ${percentile(waits, 0.99).toFixed(1)} ms, at most ${Math.max(...waits).toFixed(1)} ms`,
  );
}

/** Waits until the execution is seen to have ended so. @returns that moment, in ms since the epoch @throws after 30 s. */
async function seen({ pool }: Service, executionId: string, status = 'SUCCEEDED'): Promise<number> {
  const deadline = Date.now() + 30_000;
  const look = 'SELECT status, error, cause FROM executions WHERE id = $1';
  for (;;) {
    const row = (await pool.query<{ status: string }>(look, [executionId])).rows[0];
    const nowMs = Date.now();
    if (row?.status === status) return nowMs;
    if (nowMs > deadline)
      throw new Error(`execution ${executionId} is not ${status}: ${JSON.stringify(row)}`);
    await sleep(LOOK_MS);
  }
}
