import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decide } from '../../src/schedules/index.js';
import { fireSchedule } from '../../src/store/index.js';
import { askAsPromised } from './asking.js';
import { type ApiDocument, loadDocument } from './document.js';
import type { Answer } from './listening.js';
import { openService, type Service } from './service.js';

let service: Service;
let document: ApiDocument;
beforeAll(async () => {
  [service, document] = await Promise.all([openService(), loadDocument()]);
  await machine('reports');
});
afterAll(() => service.close());

async function machine(id: string): Promise<void> {
  const definition = { StartAt: 'A', States: { A: { Type: 'Task', Resource: 'a', End: true } } };
  await service.send('POST', '/state-machines', { id, name: id, definition });
}

const ask = (operationId: string, path: string, body?: unknown): Promise<Answer> =>
  askAsPromised(service, document, operationId, path, body);

const daily = { stateMachineId: 'reports', cron: '0 9 * * *', timeZone: 'Europe/Berlin' };

async function create(more: object): Promise<Answer['body']> {
  const { status, body } = await ask('createSchedule', '/schedules', { ...daily, ...more });
  expect({ status, body }).toMatchObject({ status: 201 });
  return body;
}

/** As if its instant had come this many hours ago, and a worker had looked. */
async function fire(id: string, hoursAgo = 0): Promise<string[]> {
  const at = new Date(Math.floor(Date.now() / 1000) * 1000 - hoursAgo * 3_600_000);
  await service.database.pool.query('UPDATE schedules SET next_run_at = $2 WHERE id = $1', [id, at]);
  const due = { scheduleId: id, stateMachineId: 'reports' };
  return ((await fireSchedule(service.database.pool, due, decide)) ?? []).map(
    ({ executionId }) => executionId,
  );
}

describe('a schedule', () => {
  test('is created, read, listed and deleted', async () => {
    const made = await ask('createSchedule', '/schedules', {
      ...daily,
      id: 'nightly',
      description: 'the numbers',
      input: { a: 1 },
      queue: 'low',
      missed: 'ALL',
    });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe('/schedules/nightly');
    expect(made.body).toMatchObject({
      scheduleId: 'nightly',
      ...daily,
      description: 'the numbers',
      status: 'ACTIVE',
      pauseReason: null,
      input: { a: 1 },
      queue: 'low',
      intervalSeconds: null,
      overlap: 'SKIP',
      missed: 'ALL',
      lastRunAt: null,
      started: 0,
      skipped: 0,
    });
    expect(String(made.body['nextRunAt'])).toMatch(/T0[78]:00:00\.000Z$/);
    expect((await ask('getSchedule', '/schedules/nightly')).body).toEqual(made.body);

    const { scheduleId } = await create({ cron: undefined, timeZone: undefined, intervalSeconds: 60 });
    const page = await ask('listSchedules', '/schedules?stateMachineId=reports&limit=1');
    expect(page.body['items']).toHaveLength(1);
    const rest = await ask(
      'listSchedules',
      `/schedules?stateMachineId=reports&cursor=${page.body['nextCursor']}`,
    );
    expect([
      ...(page.body['items'] as Answer['body'][]),
      ...(rest.body['items'] as Answer['body'][]),
    ]).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ scheduleId: 'nightly' }),
        expect.objectContaining({ scheduleId, intervalSeconds: 60, timeZone: 'UTC' }),
      ]),
    );
    expect((await ask('listSchedules', '/schedules?status=ENDED')).body['items']).toEqual([]);

    expect((await ask('deleteSchedule', '/schedules/nightly')).body).toEqual({ scheduleId: 'nightly' });
    for (const operation of ['getSchedule', 'deleteSchedule']) {
      expect(await ask(operation, '/schedules/nightly')).toMatchObject({
        status: 404,
        body: { code: 'SCHEDULE_NOT_FOUND' },
      });
    }
    await ask('deleteSchedule', `/schedules/${String(scheduleId)}`);
  });

  test('is changed in what is named, and due by its new times from now on', async () => {
    const before = await create({ id: 'changing' });
    const text = await ask('updateSchedule', '/schedules/changing', { input: [1], overlap: 'ALLOW' });
    expect(text.body).toMatchObject({ input: [1], overlap: 'ALLOW', nextRunAt: before['nextRunAt'] });
    const zone = await ask('updateSchedule', '/schedules/changing', { timeZone: 'Asia/Tokyo' });
    expect(zone.body).toMatchObject({ cron: '0 9 * * *', timeZone: 'Asia/Tokyo' });
    expect(String(zone.body['nextRunAt'])).toMatch(/T00:00:00\.000Z$/);
    const interval = await ask('updateSchedule', '/schedules/changing', {
      intervalSeconds: 60,
      startAt: '2999-01-01T00:00:00Z',
      endAt: '2999-01-01T00:01:00Z',
    });
    expect(interval.body).toMatchObject({
      cron: null,
      timeZone: 'UTC',
      intervalSeconds: 60,
      nextRunAt: '2999-01-01T00:00:00.000Z',
    });
    expect((await ask('getScheduleRuns', '/schedules/changing/runs')).body).toEqual({
      next: ['2999-01-01T00:00:00.000Z', '2999-01-01T00:01:00.000Z'],
      last: [],
    });
    const open = await ask('updateSchedule', '/schedules/changing', { startAt: null, endAt: null });
    expect(open.body).toMatchObject({ startAt: null, endAt: null });
    expect(await ask('updateSchedule', '/schedules/changing', {})).toMatchObject({ status: 400 });
    expect(await ask('updateSchedule', '/schedules/nobody', { paused: true })).toMatchObject({
      status: 404,
      body: { code: 'SCHEDULE_NOT_FOUND' },
    });
    await ask('deleteSchedule', '/schedules/changing');
  });

  test('is paused and resumed, and makes up for nothing', async () => {
    const before = await create({
      id: 'resting',
      missed: 'ALL',
      intervalSeconds: 3_600,
      cron: undefined,
      timeZone: undefined,
    });
    const paused = await ask('pauseSchedule', '/schedules/resting/pause');
    expect(paused).toMatchObject({
      status: 200,
      body: { status: 'PAUSED', nextRunAt: null, pauseReason: null },
    });
    expect((await ask('listSchedules', '/schedules?status=PAUSED')).body['items']).toHaveLength(1);
    expect((await ask('getScheduleRuns', '/schedules/resting/runs')).body).toEqual({ next: [], last: [] });
    // The instants of three hours pass.
    await service.database.pool.query(
      "UPDATE schedules SET anchor_at = anchor_at - interval '3 hours' WHERE id = 'resting'",
    );
    const resumed = await ask('resumeSchedule', '/schedules/resting/resume');
    expect(resumed).toMatchObject({
      status: 200,
      body: { status: 'ACTIVE', nextRunAt: before['nextRunAt'], started: 0 },
    });
    // What goes on is not moved by being told so again.
    expect((await ask('resumeSchedule', '/schedules/resting/resume')).body['nextRunAt']).toBe(
      before['nextRunAt'],
    );
    await ask('deleteSchedule', '/schedules/resting');
  });

  test('ends when there is nothing to come', async () => {
    const soon = new Date(Date.now() + 600_000).toISOString();
    await create({
      id: 'once',
      cron: undefined,
      timeZone: undefined,
      intervalSeconds: 3_600,
      startAt: soon,
      endAt: soon,
    });
    await service.database.pool.query(
      "UPDATE schedules SET (start_at, end_at, anchor_at, next_run_at) = (SELECT t, t, t, t FROM (SELECT now() - interval '1 s' AS t) x) WHERE id = 'once'",
    );
    expect(
      await fireSchedule(service.database.pool, { scheduleId: 'once', stateMachineId: 'reports' }, decide),
    ).toHaveLength(1);
    expect((await ask('getSchedule', '/schedules/once')).body).toMatchObject({
      status: 'ENDED',
      nextRunAt: null,
    });
    expect((await ask('listSchedules', '/schedules?status=ENDED')).body['items']).toHaveLength(1);
    await ask('deleteSchedule', '/schedules/once');
  });
});

describe('the executions of a schedule', () => {
  test('show which schedule started them, and for which instant', async () => {
    await create({ id: 'showing', overlap: 'ALLOW', input: { at: '<aws.scheduler.scheduled-time>' } });
    const [executionId] = await fire('showing');
    const { body } = await ask('getExecution', `/executions/${executionId}`);
    expect(body).toMatchObject({
      scheduleId: 'showing',
      input: { at: body['scheduledTime'] },
      status: 'RUNNING',
    });
    expect(body['scheduledTime']).not.toBeNull();
    expect((await ask('listExecutions', '/executions?scheduleId=showing')).body['items']).toHaveLength(1);
    expect((await ask('countExecutions', '/executions/count?scheduleId=nobody')).body).toEqual({ count: 0 });
    const runs = await ask('getScheduleRuns', '/schedules/showing/runs?limit=3');
    expect(runs.body['next']).toHaveLength(3);
    expect(runs.body['last']).toEqual([
      expect.objectContaining({ executionId, status: 'RUNNING', scheduledTime: body['scheduledTime'] }),
    ]);
    const other = await service.send('POST', '/state-machines/reports/executions', {});
    expect(other.body).toMatchObject({ scheduleId: null, scheduledTime: null });
  });

  test('are started by hand whenever one likes', async () => {
    const before = await create({ id: 'by-hand' });
    const run = await ask('runSchedule', '/schedules/by-hand/run');
    expect(run).toMatchObject({ status: 202, body: { scheduleId: 'by-hand', status: 'RUNNING' } });
    expect(run.headers.get('location')).toBe(`/executions/${String(run.body['executionId'])}`);
    await ask('pauseSchedule', '/schedules/by-hand/pause');
    const again = await ask('runSchedule', '/schedules/by-hand/run');
    expect(again.body['executionId']).not.toBe(run.body['executionId']);
    await ask('resumeSchedule', '/schedules/by-hand/resume');
    expect((await ask('getSchedule', '/schedules/by-hand')).body).toMatchObject({
      started: 2,
      lastExecutionId: again.body['executionId'],
      nextRunAt: before['nextRunAt'],
    });
    expect(await ask('runSchedule', '/schedules/nobody/run')).toMatchObject({ status: 404 });
  });

  test('of hours in which no worker was there are made good as the schedule says', async () => {
    const hourly = { cron: '0 * * * *', timeZone: 'UTC', overlap: 'ALLOW' };
    for (const [missed, count] of [
      ['NONE', 0],
      ['LAST', 1],
      ['ALL', 48],
    ] as const) {
      await create({ ...hourly, id: `missed-${missed}`, missed });
      await service.database.pool.query(
        "UPDATE schedules SET next_run_at = date_trunc('hour', now()) - interval '47 hours' WHERE id = $1",
        [`missed-${missed}`],
      );
      const due = { scheduleId: `missed-${missed}`, stateMachineId: 'reports' };
      // An hour that has just begun is no missed one.
      const onTime = new Date().getUTCMinutes() === 0 && missed === 'NONE' ? 1 : 0;
      expect(await fireSchedule(service.database.pool, due, decide)).toHaveLength(count + onTime);
    }
  });
});

describe('what makes no schedule', () => {
  test.each([
    [{ cron: '* * *' }, '/cron', /has 5 fields .* this has 3/],
    [{ cron: '61 * * * *' }, '/cron', /'61 \* \* \* \*' cannot be read: .*61.*0-59/],
    [{ cron: '0 0 30 2 *' }, '/cron', /cannot be read/],
    [{ cron: '0 0 31 2,4 *' }, '/cron', /never be due/],
    [{ cron: 'H 9 * * *' }, '/cron', /has an H/],
    [{ timeZone: 'Mars/Base' }, '/timeZone', /no time zone 'Mars\/Base'/],
    [{ intervalSeconds: 60 }, '/intervalSeconds', /not both/],
    [{ cron: undefined, intervalSeconds: 60 }, '/timeZone', /An interval has no time zone/],
    [{ cron: undefined, timeZone: undefined }, '/cron', /needs a cron expression or intervalSeconds/],
    [{ startAt: '2030-01-02T00:00:00Z', endAt: '2030-01-01T00:00:00Z' }, '/endAt', /before the start/],
    [{ endAt: '2020-01-01T00:00:00Z' }, '/endAt', /never be due/],
  ])('is refused: %p', async (more, pointer, message) => {
    const { status, body } = await ask('createSchedule', '/schedules', { ...daily, ...more });
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { code: 'INVALID_SCHEDULE', details: [{ pointer, code: 'INVALID_SCHEDULE' }] },
    });
    expect(body['message']).toMatch(message);
  });

  test.each([
    [{ id: 'a b' }, 400, 'VALIDATION_FAILED'],
    [{ intervalSeconds: 0 }, 400, 'VALIDATION_FAILED'],
    [{ startAt: 'tomorrow' }, 400, 'VALIDATION_FAILED'],
    [{ overlap: 'sometimes' }, 400, 'VALIDATION_FAILED'],
    [{ unknown: 1 }, 400, 'VALIDATION_FAILED'],
    [{ stateMachineId: 'nobody' }, 404, 'STATE_MACHINE_NOT_FOUND'],
    [{ queue: 'nobody' }, 404, 'QUEUE_NOT_FOUND'],
    [{ input: 'x'.repeat(300_000) }, 413, 'PAYLOAD_TOO_LARGE'],
  ])('is refused, as any request: %#', async (more, status, code) => {
    expect(await ask('createSchedule', '/schedules', { ...daily, ...more })).toMatchObject({
      status,
      body: { code },
    });
  });

  test('is refused when there is one of its id', async () => {
    await create({ id: 'twin' });
    expect(await ask('createSchedule', '/schedules', { ...daily, id: 'twin' })).toMatchObject({
      status: 409,
      body: { code: 'SCHEDULE_EXISTS', details: [{ pointer: '/id' }] },
    });
  });

  test('changes nothing of one that is there', async () => {
    const before = await create({ id: 'steady' });
    for (const change of [{ cron: 'nonsense' }, { queue: 'nobody' }, { endAt: '2020-01-01T00:00:00Z' }]) {
      expect((await ask('updateSchedule', '/schedules/steady', change)).status).toBeGreaterThanOrEqual(400);
    }
    expect((await ask('getSchedule', '/schedules/steady')).body).toEqual(before);
  });
});

test('a machine with schedules is deleted by force, which pauses them for good', async () => {
  await machine('leaving');
  await create({ id: 'of-leaving', stateMachineId: 'leaving' });
  expect(await ask('deleteStateMachine', '/state-machines/leaving')).toMatchObject({
    status: 409,
    body: { code: 'STATE_MACHINE_IN_USE' },
  });
  expect(await ask('deleteStateMachine', '/state-machines/leaving?force=true')).toMatchObject({
    status: 200,
  });
  expect((await ask('getSchedule', '/schedules/of-leaving')).body).toMatchObject({
    status: 'PAUSED',
    pauseReason: 'The state machine was deleted.',
    nextRunAt: null,
  });
  for (const [operation, verb] of [
    ['resumeSchedule', 'resume'],
    ['runSchedule', 'run'],
  ] as const) {
    expect(await ask(operation, `/schedules/of-leaving/${verb}`)).toMatchObject({
      status: 404,
      body: { code: 'STATE_MACHINE_NOT_FOUND' },
    });
  }
  expect((await ask('listSchedules', '/schedules?stateMachineId=leaving')).body['items']).toHaveLength(1);
  expect(await ask('listSchedules', '/schedules?stateMachineId=nobody')).toMatchObject({ status: 404 });
});
