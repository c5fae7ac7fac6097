/** Schedules, end to end: separate processes, which die, and a Redis that does. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answer, type Service, startService, until } from './service.js';

let service: Service;

beforeAll(async () => {
  service = await startService({ workers: 2 });
  const definition = { StartAt: 'Done', States: { Done: { Type: 'Succeed' } } };
  const made = { id: 'ticking', name: 'ticking', definition };
  expect((await service.call('POST', '/state-machines', made)).status).toBe(201);
});

afterAll(() => service.stop(), 60_000);

const read = async (id: string): Promise<Answer> => (await service.call('GET', `/schedules/${id}`)).body;
const startedAtLeast = (id: string, count: number) =>
  until(
    () => read(id),
    ({ started }) => started >= count,
  );

test('every instant is started once, while workers are killed and Redis is away', async () => {
  const created = await service.call('POST', '/schedules', {
    id: 'each-second',
    stateMachineId: 'ticking',
    cron: '* * * * * *',
    overlap: 'ALLOW',
    missed: 'ALL',
    input: { at: '<aws.scheduler.scheduled-time>' },
  });
  expect(created).toMatchObject({ status: 201, body: { status: 'ACTIVE' } });
  const first = Date.parse(created.body.nextRunAt);
  await startedAtLeast('each-second', 2);

  await service.workers[0]?.kill('SIGKILL');
  await service.redis.kill();
  const { started } = await read('each-second');
  await startedAtLeast('each-second', started + 3);

  // Nobody is there for a while: what comes due meanwhile is started when somebody is.
  await service.workers[1]?.kill('SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await service.redis.restart();
  await Promise.all([service.startWorker(), service.startWorker()]);
  await startedAtLeast('each-second', started + 8);
  expect((await service.call('POST', '/schedules/each-second/pause')).body).toMatchObject({
    status: 'PAUSED',
    nextRunAt: null,
  });

  const { rows } = await service.pool.query<{ at: Date; input: string }>(
    "SELECT scheduled_for AS at, input FROM executions WHERE schedule_id = 'each-second' ORDER BY scheduled_for",
  );
  const instants = rows.map(({ at }) => at.getTime());
  expect(instants).toEqual(instants.map((_, n) => first + n * 1_000));
  expect(rows.map(({ input }) => JSON.parse(input))).toEqual(
    rows.map(({ at }) => ({ at: at.toISOString() })),
  );
  expect((await read('each-second')).started).toBe(rows.length);

  const ended = await until(
    () => service.call('GET', '/executions/count?scheduleId=each-second&status=SUCCEEDED'),
    ({ body }) => body.count === rows.length,
  );
  expect(ended.body.count).toBe(rows.length);
});

test('one that is changed while the schedulers sleep is started by its new times', async () => {
  await service.call('POST', '/schedules', { id: 'woken', stateMachineId: 'ticking', cron: '0 0 1 1 *' });
  const changed = await service.call('PUT', '/schedules/woken', { intervalSeconds: 1 });
  expect(changed).toMatchObject({ status: 200, body: { cron: null, intervalSeconds: 1 } });
  const { lastExecutionId } = await startedAtLeast('woken', 1);
  expect((await service.call('GET', `/executions/${lastExecutionId}`)).body).toMatchObject({
    scheduleId: 'woken',
  });
  expect((await service.call('DELETE', '/schedules/woken')).status).toBe(200);
});
