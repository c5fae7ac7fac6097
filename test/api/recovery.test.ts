import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { advanceBulkRedrives } from '../../src/store/index.js';
import { askAsPromised } from './asking.js';
import { type ApiDocument, loadDocument } from './document.js';
import type { Answer } from './listening.js';
import { openService, type Service } from './service.js';

let service: Service;
let document: ApiDocument;
const definition = { StartAt: 'A', States: { A: { Type: 'Task', Resource: 'a', End: true } } };

beforeAll(async () => {
  [service, document] = await Promise.all([openService(), loadDocument()]);
  await service.send('POST', '/state-machines', { id: 'frail', name: 'frail', definition });
});
afterAll(() => service.close());

const ask = (operationId: string, path: string, body?: unknown): Promise<Answer> =>
  askAsPromised(service, document, operationId, path, body);

async function refused(status: number, code: string, ...asked: Parameters<typeof ask>): Promise<Answer> {
  const answer = await ask(...asked);
  expect({ status: answer.status, code: answer.body['code'] }).toEqual({ status, code });
  return answer;
}

const NOBODY = '0198c1a2-7d4e-7c3a-9f0b-5a4b3c2d1e0f';

/** An execution that nobody advances. */
async function started(): Promise<string> {
  const { body } = await service.send('POST', '/state-machines/frail/executions', {});
  return String(body['executionId']);
}

/** One that has failed, as its worker would have left it. */
async function failed(): Promise<string> {
  const id = await started();
  await service.database.pool.query(
    "UPDATE executions SET status = 'FAILED', end_time = now(), wake_at = NULL, error = 'E', epoch = 1 WHERE id = $1",
    [id],
  );
  await service.database.pool.query(
    `INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, events, frames)
     VALUES ($1, 1, 1, 1, 1, '[]', '{"left":[{"id":0}]}')`,
    [id],
  );
  return id;
}

describe('redriving', () => {
  test('answers when, and shows it; with a client token the same again', async () => {
    const id = await failed();
    const answer = await ask('redriveExecution', `/executions/${id}/redrive`, { clientToken: 'a' });
    expect(answer).toMatchObject({ status: 200, body: { executionId: id } });
    expect(await ask('redriveExecution', `/executions/${id}/redrive`, { clientToken: 'a' })).toMatchObject({
      status: 200,
      body: answer.body,
    });
    expect((await ask('getExecution', `/executions/${id}`)).body).toMatchObject({
      status: 'RUNNING',
      error: null,
      endTime: null,
      redriveCount: 1,
      redriveDate: answer.body['redriveDate'],
    });
  });

  test('needs no body, and is refused by name', async () => {
    const id = await failed();
    expect((await ask('redriveExecution', `/executions/${id}/redrive`)).status).toBe(200);
    const again = await refused(
      409,
      'EXECUTION_NOT_REDRIVABLE',
      'redriveExecution',
      `/executions/${id}/redrive`,
    );
    expect(again.body['message']).toContain('is running');
    await refused(404, 'EXECUTION_NOT_FOUND', 'redriveExecution', `/executions/${NOBODY}/redrive`);
    await refused(404, 'EXECUTION_NOT_FOUND', 'redriveExecution', '/executions/nobody/redrive');
    const blank = { clientToken: 'a b' };
    await refused(400, 'VALIDATION_FAILED', 'redriveExecution', `/executions/${id}/redrive`, blank);
  });

  test('by filter is done page by page, and can be watched', async () => {
    await service.send('POST', '/state-machines', { id: 'other', name: 'other', definition });
    const ids = [await failed(), await failed()];
    const asked = await ask('redriveExecutions', '/redrives', {
      filter: { stateMachineId: 'frail', status: 'FAILED', startedAfter: '2020-01-01T00:00:00Z' },
    });
    expect(asked).toMatchObject({ status: 202, body: { status: 'RUNNING', redriven: 0, endTime: null } });
    const path = `/redrives/${String(asked.body['redriveId'])}`;
    expect(await ask('getRedrive', path)).toMatchObject({ body: { status: 'RUNNING' } });
    expect(await advanceBulkRedrives(service.database.pool, 100)).toHaveLength(2);
    expect(await ask('getRedrive', path)).toMatchObject({
      body: { status: 'SUCCEEDED', redriven: 2, refused: 0 },
    });
    for (const id of ids)
      expect((await ask('getExecution', `/executions/${id}`)).body).toMatchObject({ status: 'RUNNING' });
    await refused(409, 'REDRIVE_ENDED', 'cancelRedrive', path);
  });

  test('by filter is listed, and can be cancelled once', async () => {
    const asked = await ask('redriveExecutions', '/redrives', { filter: { stateMachineId: 'frail' } });
    const { redriveId } = asked.body;
    expect(await ask('listRedrives', '/redrives?status=RUNNING')).toMatchObject({
      status: 200,
      body: { items: [{ redriveId, status: 'RUNNING' }], nextCursor: null },
    });
    const cancelled = await ask('cancelRedrive', `/redrives/${String(redriveId)}`);
    expect(cancelled).toMatchObject({ status: 200, body: { redriveId, status: 'ABORTED' } });
    expect(await ask('listRedrives', '/redrives?status=ABORTED&limit=1')).toMatchObject({
      body: { items: [cancelled.body] },
    });
    await refused(409, 'REDRIVE_ENDED', 'cancelRedrive', `/redrives/${String(redriveId)}`);
    await refused(404, 'REDRIVE_NOT_FOUND', 'cancelRedrive', `/redrives/${NOBODY}`);
    await refused(400, 'INVALID_CURSOR', 'listRedrives', '/redrives?cursor=x');
  });

  test('by filter is refused without one, with one for what runs or succeeded, and of no machine', async () => {
    const asking = (body: unknown) => ['redriveExecutions', '/redrives', body] as const;
    await refused(400, 'VALIDATION_FAILED', ...asking({}));
    await refused(400, 'VALIDATION_FAILED', ...asking({ filter: {} }));
    await refused(400, 'VALIDATION_FAILED', ...asking({ filter: { status: 'SUCCEEDED' } }));
    await refused(404, 'STATE_MACHINE_NOT_FOUND', ...asking({ filter: { stateMachineId: 'nobody' } }));
    await refused(404, 'REDRIVE_NOT_FOUND', 'getRedrive', `/redrives/${NOBODY}`);
  });
});

describe('pausing', () => {
  test('shows, lists and counts the execution as paused, until it is resumed', async () => {
    const id = await started();
    expect(await ask('pauseExecution', `/executions/${id}/pause`, { reason: 'why' })).toMatchObject({
      status: 200,
      body: { status: 'RUNNING', pauseReason: 'why', pausedAt: expect.any(String) },
    });
    // Again: nothing changes.
    expect(await ask('pauseExecution', `/executions/${id}/pause`)).toMatchObject({
      body: { pauseReason: 'why' },
    });
    const { body } = await ask('listExecutions', '/executions?paused=true');
    expect(body['items']).toMatchObject([{ executionId: id }]);
    expect((await ask('countExecutions', '/executions/count?paused=true')).body).toEqual({ count: 1 });
    expect(await ask('resumeExecution', `/executions/${id}/resume`)).toMatchObject({
      status: 200,
      body: { pausedAt: null, pauseReason: null },
    });
    expect((await ask('resumeExecution', `/executions/${id}/resume`)).status).toBe(200);
    expect((await ask('countExecutions', '/executions/count?paused=true')).body).toEqual({ count: 0 });
  });

  test('is refused for what has ended or is not there', async () => {
    const id = await failed();
    for (const [operation, verb] of [
      ['pauseExecution', 'pause'],
      ['resumeExecution', 'resume'],
    ] as const) {
      await refused(409, 'EXECUTION_ENDED', operation, `/executions/${id}/${verb}`);
      await refused(404, 'EXECUTION_NOT_FOUND', operation, `/executions/${NOBODY}/${verb}`);
    }
    const long = { reason: 'x'.repeat(257) };
    await refused(400, 'VALIDATION_FAILED', 'pauseExecution', `/executions/${id}/pause`, long);
  });
});

describe('a recovery strategy', () => {
  test('is given, completed, changed and taken away', async () => {
    const made = await ask('createStateMachine', '/state-machines', {
      id: 'careful',
      name: 'careful',
      definition,
      recovery: { strategy: 'skip', output: null },
    });
    expect(made).toMatchObject({
      status: 201,
      body: { recovery: { strategy: 'skip', output: null, maxRecoveries: 3 } },
    });
    const put = (recovery: unknown) => ask('updateStateMachine', '/state-machines/careful', { recovery });
    expect(await put({ strategy: 'pause', maxRecoveries: 0 })).toMatchObject({
      status: 200,
      body: { version: 1, recovery: { strategy: 'pause', maxRecoveries: 0 } },
    });
    expect(await put({})).toMatchObject({ body: { recovery: { strategy: 'retry', maxRecoveries: 3 } } });
    expect(await put(null)).toMatchObject({ body: { recovery: null } });
    expect((await ask('getStateMachine', '/state-machines/frail')).body['recovery']).toBeNull();
    const { body } = await ask('listStateMachines', '/state-machines?id=careful');
    expect(body['items']).toMatchObject([{ recovery: null }]);
  });

  test('is refused where it makes no sense', async () => {
    const put = (recovery: unknown) =>
      refused(400, 'VALIDATION_FAILED', 'updateStateMachine', '/state-machines/frail', { recovery });
    for (const recovery of [
      { strategy: 'hope' },
      { maxRecoveries: -1 },
      { maxRecoveries: 1.5 },
      { retries: 1 },
      'retry',
    ])
      await put(recovery);
    const { body } = await put({ strategy: 'fail', output: 1 });
    expect(body['details']).toMatchObject([{ pointer: '/recovery/output' }]);
  });
});
