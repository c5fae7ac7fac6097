import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId, offerTask } from '../../src/store/index.js';
import { openService, type Service } from './service.js';

const POLLERS = 1_000;
/** The pool of this service (service.ts), and a session that listens. */
const SESSIONS_MAX = 8 + 1;

let service: Service;
beforeAll(async () => {
  service = await openService();
  const definition = { StartAt: 'A', States: { A: { Type: 'Succeed' } } };
  await service.send('POST', '/state-machines', { id: 'polled', name: 'polled', definition });
  await service.send('POST', '/activities', { name: 'polled' });
});
afterAll(() => service.close());

const sessions = async (): Promise<number> => {
  const { rows } = await service.database.pool.query(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'",
  );
  return rows[0].n;
};

test('1,000 held polls have no database session of their own, and each task goes to one of them', async () => {
  const { body } = await service.send('POST', '/state-machines/polled/executions');
  const executionId = String(body['executionId']);
  let answered = 0;
  const polls = Array.from({ length: POLLERS }, async () => {
    const answer = await service.send('GET', '/activities/polled/task?wait=60');
    answered++;
    return answer;
  });
  const held = Promise.all(polls);
  // All of them have come and looked by then; on a slow machine the last ones find a task at once, which is as good.
  await sleep(2_000);
  expect(answered).toBe(0);
  expect(await sessions()).toBeLessThanOrEqual(SESSIONS_MAX);

  const tokens = Array.from({ length: POLLERS }, () => newId());
  for (let from = 0; from < POLLERS; from += 50) {
    await Promise.all(
      tokens.slice(from, from + 50).map((token, n) =>
        offerTask(service.database.pool, {
          token,
          activity: 'polled',
          input: String(from + n),
          to: { executionId, frameId: 0, key: token },
        }),
      ),
    );
    expect(await sessions()).toBeLessThanOrEqual(SESSIONS_MAX);
  }
  const answers = await held;
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(answers.map(({ body: task }) => task['taskToken']).sort()).toEqual([...tokens].sort());
  expect(await sessions()).toBeLessThanOrEqual(SESSIONS_MAX);
});
