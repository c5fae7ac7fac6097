import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ExampleService, startExampleService, until } from './service.js';

let service: ExampleService;
beforeAll(async () => {
  service = await startExampleService();
  await service.makeMachine('human-approval');
});
afterAll(() => service.stop(), 60_000);

const request = (requestId: string, teamLeadSeconds: number, managerSeconds: number) =>
  service.start('human-approval', { requestId, teamLeadSeconds, managerSeconds });

const decide = async (requestId: string, data: object) => {
  const message = { correlationKey: 'approval', correlationValue: requestId, data, ttlSeconds: 0 };
  return (await service.call('POST', '/messages', message)).body;
};

/** Until somebody is waited for about this request, in this state. */
const waitsIn = (executionId: string, state: string) =>
  until(
    async () => (await service.call('GET', '/state-machines/human-approval/waiting?limit=1000')).body.items,
    (items) =>
      items.some(
        (item: { executionId: string; stateName: string }) =>
          item.executionId === executionId && item.stateName === state,
      ),
  );

test('the team lead approves, and the decision is in the output', async () => {
  const id = await request('R-1', 86_400, 86_400);
  await waitsIn(id, 'AskTeamLead');
  expect(await decide('R-1', { approved: true, by: 'Ada' })).toEqual({ delivered: 1, kept: false });
  expect(await service.ended(id)).toMatchObject({
    status: 'SUCCEEDED',
    output: { requestId: 'R-1', decision: { approved: true, by: 'Ada' } },
  });
});

test('whatever is not an approval refuses', async () => {
  for (const [requestId, data] of [
    ['R-2', { approved: false }],
    ['R-3', {}],
  ] as const) {
    const id = await request(requestId, 86_400, 86_400);
    await waitsIn(id, 'AskTeamLead');
    await decide(requestId, data);
    expect(await service.ended(id)).toMatchObject({ status: 'FAILED', error: 'Request.Refused' });
  }
});

test('when the team lead does not decide in time, the manager does', async () => {
  const id = await request('R-4', 1, 86_400);
  await waitsIn(id, 'AskManager');
  expect(await decide('R-4', { approved: true, by: 'Grace' })).toEqual({ delivered: 1, kept: false });
  expect(await service.ended(id)).toMatchObject({
    status: 'SUCCEEDED',
    output: { decision: { by: 'Grace' } },
  });
});

test('when nobody decides, it lapses, and who decides then is told that it is too late', async () => {
  const id = await request('R-5', 1, 1);
  expect(await service.ended(id)).toMatchObject({ status: 'FAILED', error: 'Request.Lapsed' });
  expect(await decide('R-5', { approved: true })).toEqual({ delivered: 0, kept: false });
});
