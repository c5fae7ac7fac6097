/** Timers, end to end: every kind of them runs out while no worker is alive and Redis has forgotten everything. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type Answer, type Service, startService, until } from './service.js';

let service: Service;

beforeAll(async () => {
  service = await startService({ workers: 1 });
});

afterAll(() => service.stop(), 60_000);

/** Long enough for all of them to be started and parked before the first runs out. */
const SECONDS = 5;
const TOKEN = {
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Parameters: { FunctionName: 'handOut', Payload: { 'token.$': '$$.Task.Token' } },
  Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$', Next: 'Caught' }],
  End: true,
};
const CAUGHT = { Caught: { Type: 'Pass', OutputPath: '$.Error', End: true } };

/** Each with what becomes of it. */
const MACHINES: readonly [id: string, definition: Record<string, unknown>, end: object][] = [
  ['wait', { States: { A: { Type: 'Wait', Seconds: SECONDS, End: true } } }, { status: 'SUCCEEDED' }],
  [
    'retry',
    {
      States: {
        A: {
          Type: 'Task',
          Resource: 'flaky',
          Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: SECONDS, BackoffRate: 1 }],
          End: true,
        },
      },
    },
    { status: 'SUCCEEDED', output: { attempts: 3 } },
  ],
  [
    'state-timeout',
    { States: { A: { ...TOKEN, TimeoutSeconds: SECONDS }, ...CAUGHT } },
    { status: 'SUCCEEDED', output: 'States.Timeout' },
  ],
  [
    'heartbeat',
    { States: { A: { ...TOKEN, TimeoutSeconds: 600, HeartbeatSeconds: SECONDS }, ...CAUGHT } },
    { status: 'SUCCEEDED', output: 'States.HeartbeatTimeout' },
  ],
  [
    'machine-timeout',
    { TimeoutSeconds: SECONDS, States: { A: { Type: 'Wait', Seconds: 600, End: true } } },
    { status: 'TIMED_OUT' },
  ],
];

test('a timer that runs out while every worker is dead fires once one is there again, and none before its time', async () => {
  const ids: string[] = [];
  for (const [id, definition] of MACHINES) {
    const made = { id, name: id, definition: { StartAt: 'A', ...definition } };
    expect(await service.call('POST', '/state-machines', made)).toMatchObject({ status: 201 });
    const started = await service.call('POST', `/state-machines/${id}/executions`, {});
    ids.push(started.body.executionId);
  }
  const parked = async (): Promise<{ owner: string | null; wakeAt: Date | null }[]> =>
    (
      await service.pool.query(
        'SELECT owner, wake_at AS "wakeAt" FROM executions WHERE id = ANY($1) AND epoch > 0 ORDER BY array_position($1, id)',
        [ids],
      )
    ).rows;
  const timers = await until(
    parked,
    (rows) =>
      rows.length === ids.length && rows.every(({ owner, wakeAt }) => owner === null && wakeAt !== null),
  );
  await service.workers[0]?.kill('SIGKILL');
  const redis = new Redis(service.redis.url);
  await redis.flushall();
  await redis.quit();

  await until(
    async () => (await service.pool.query('SELECT now() AS now')).rows[0].now as Date,
    (now) => timers.every(({ wakeAt }) => wakeAt !== null && now > wakeAt),
  );
  const read = async (id: string): Promise<Answer> => (await service.call('GET', `/executions/${id}`)).body;
  for (const id of ids) expect((await read(id)).status).toBe('RUNNING');

  await service.startWorker();
  for (const [at, [, , end]] of MACHINES.entries()) {
    const ended = await until(
      () => read(ids[at] ?? ''),
      ({ status }) => status !== 'RUNNING',
    );
    expect(ended).toMatchObject(end);
    expect(Date.parse(ended.endTime)).toBeGreaterThanOrEqual(timers[at]?.wakeAt?.getTime() ?? Number.NaN);
  }
});
