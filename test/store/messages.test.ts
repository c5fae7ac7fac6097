import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  awaitMessage,
  clearExpiredMessages,
  clearLeftovers,
  clearSettledWaits,
  type Database,
  deliverForgotten,
  deliverMessage,
  forgetWait,
  listWaits,
  type ReturnAddress,
  readSignals,
  type SettledPosition,
  withdrawWait,
} from '../../src/store/index.js';
import { openStore, putExecution } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, close } = await openStore(10));
});

afterAll(() => close());

async function executionThatWaits(value: string, more: { machine?: string } = {}): Promise<ReturnAddress> {
  const executionId = await putExecution(database, { wake_at: null });
  const to = newWait(executionId);
  await wait(to, value, more);
  return to;
}

function newWait(executionId: string): ReturnAddress {
  return { executionId, frameId: 1, key: `${executionId}/5` };
}

function wait(to: ReturnAddress, value: string, { machine = 'm' }: { machine?: string } = {}) {
  return awaitMessage(database.pool, {
    to,
    stateMachineId: machine,
    stateName: 'Await',
    correlationKey: 'payment',
    correlationValue: value,
    timeoutAtMs: undefined,
  });
}

const send = (value: string, data: unknown = { paid: value }, ttlSeconds = 60) =>
  deliverMessage(
    database.pool,
    { correlationKey: 'payment', correlationValue: value },
    JSON.stringify(data),
    ttlSeconds,
  );

async function received({ executionId }: ReturnAddress): Promise<unknown[]> {
  return (await readSignals(database.pool, executionId, 0)).map(({ kind, data }) => ({ kind, data }));
}

describe('a message', () => {
  test('is kept when only the wait of an ended execution matches', async () => {
    const to = await executionThatWaits('over');
    await database.pool.query("UPDATE executions SET end_time = now(), status = 'ABORTED' WHERE id = $1", [
      to.executionId,
    ]);
    expect(await send('over')).toEqual({ delivered: 0, kept: true, woken: [] });
    const next = await executionThatWaits('over');
    expect(await received(next)).toHaveLength(1);
  });

  test('and the end of a wait at once: it is delivered or kept, never neither', async () => {
    const rounds = await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const to = await executionThatWaits(`race-${n}`);
        const [taken, sent] = await Promise.all([withdrawWait(database.pool, to, 0), send(`race-${n}`)]);
        return { taken, sent, received: await received(to) };
      }),
    );
    for (const { taken, sent, received } of rounds) {
      expect(sent).toMatchObject(taken ? { delivered: 0, kept: true } : { delivered: 1, kept: false });
      expect(received).toHaveLength(taken ? 0 : 1);
    }
    await database.pool.query("DELETE FROM messages WHERE correlation_value LIKE 'race-%'");
  });

  test('reaches everybody who waits for its key and value, once, and nobody else', async () => {
    const first = await executionThatWaits('a');
    const second = await executionThatWaits('a');
    const other = await executionThatWaits('other');
    const { woken, ...answer } = await send('a', { text: 'é "x"' });
    expect(answer).toEqual({ delivered: 2, kept: false });
    expect(woken.map(({ executionId }) => executionId).sort()).toEqual(
      [first.executionId, second.executionId].sort(),
    );
    for (const one of [first, second]) {
      expect(await received(one)).toEqual([
        { kind: 'message', data: { frameId: 1, key: one.key, data: { text: 'é "x"' } } },
      ]);
    }
    expect(await received(other)).toEqual([]);
    expect(await send('a', 2, 0)).toMatchObject({ delivered: 0, kept: false });
  });

  test('that nobody waits for is kept for the first who will, the oldest first, until its time is over', async () => {
    expect(await send('kept', 1)).toMatchObject({ delivered: 0, kept: true });
    expect(await send('kept', 2)).toMatchObject({ kept: true });
    expect(await send('kept', 3, 1)).toMatchObject({ kept: true });
    const first = await executionThatWaits('kept');
    const second = await executionThatWaits('kept');
    expect(await received(first)).toMatchObject([{ data: { data: 1 } }]);
    expect(await received(second)).toMatchObject([{ data: { data: 2 } }]);
    await database.pool.query("UPDATE messages SET expires_at = now() - interval '1 s'");
    const late = await executionThatWaits('kept');
    expect(await received(late)).toEqual([]);
    expect(await clearExpiredMessages(database.pool, 100)).toBe(1);
  });

  test('with a key and a value longer than an index entry finds who waits', async () => {
    const long = 'v'.repeat(100_000);
    const waiting = await executionThatWaits(long);
    expect(await send(`${long}!`, 1, 0)).toMatchObject({ delivered: 0 });
    expect(await send(long, 1)).toMatchObject({ delivered: 1 });
    expect(await received(waiting)).toHaveLength(1);
  });

  test('and a wait that come at the same time always find each other', async () => {
    const rounds = Array.from({ length: 60 }, async (_, n) => {
      const executionId = await putExecution(database, { wake_at: null });
      const to = newWait(executionId);
      await Promise.all([wait(to, `race-${n}`), send(`race-${n}`)]);
      return to;
    });
    for (const to of await Promise.all(rounds)) expect(await received(to)).toHaveLength(1);
    const { rows } = await database.pool.query(
      `SELECT (SELECT count(*) FROM messages WHERE correlation_value LIKE 'race-%')::int AS kept,
         (SELECT count(*) FROM message_correlations WHERE correlation_value LIKE 'race-%')::int AS waiting`,
    );
    expect(rows).toEqual([{ kept: 0, waiting: 0 }]);
  });

  test('that two send at once to one who waits reaches it once; the other is kept', async () => {
    const waiting = await executionThatWaits('twice');
    const answers = await Promise.all([send('twice', 1), send('twice', 2)]);
    expect(answers.map(({ delivered }) => delivered).sort()).toEqual([0, 1]);
    expect(await received(waiting)).toHaveLength(1);
  });
});

describe('who waits', () => {
  test('and asks again after a crash waits once, and is not given two messages', async () => {
    const to = await executionThatWaits('again');
    await wait(to, 'again');
    await send('again', 1);
    await send('again', 2);
    expect(await received(to)).toHaveLength(1);
  });

  test('and registers again after its message has come loses no second one', async () => {
    const to = await executionThatWaits('late');
    expect(await send('late', 1)).toMatchObject({ delivered: 1, kept: false });
    // The answer was lost, or it is somebody who does not know yet that another has taken over.
    await wait(to, 'late');
    expect(await send('late', 2)).toMatchObject({ delivered: 0, kept: true });
    expect(await received(to)).toMatchObject([{ data: { data: 1 } }]);
    const next = await executionThatWaits('late');
    expect(await received(next)).toMatchObject([{ data: { data: 2 } }]);
  });

  test.each([
    ['has given up', (to: ReturnAddress) => forgetWait(database.pool, to)],
    ['has timed out', (to: ReturnAddress) => withdrawWait(database.pool, to, 0)],
  ])('and registers after it %s takes no message from others', async (how, giveUp) => {
    const [before, after] = [await executionThatWaits(how), newWait(await putExecution(database, {}))];
    await Promise.all([giveUp(before), giveUp(after)]);
    await Promise.all([wait(before, how), wait(after, how)]);
    expect(await send(how)).toMatchObject({ delivered: 0, kept: true });
    expect(await received(await executionThatWaits(how))).toHaveLength(1);
  });

  test('no more is written down until its execution has ended', async () => {
    const [running, over] = [await executionThatWaits('settled'), await executionThatWaits('settled')];
    expect(await send('settled')).toMatchObject({ delivered: 2 });
    await database.pool.query("UPDATE executions SET end_time = now(), status = 'SUCCEEDED' WHERE id = $1", [
      over.executionId,
    ]);
    let after: SettledPosition | undefined;
    do after = await clearSettledWaits(database.pool, after, 1);
    while (after !== undefined);
    const { rows } = await database.pool.query<{ id: string }>(
      'SELECT execution_id AS id FROM message_correlations WHERE execution_id = ANY($1)',
      [[running.executionId, over.executionId]],
    );
    expect(rows).toEqual([{ id: running.executionId }]);
    expect((await listWaits(database.pool, 'm', { limit: 500, cursor: undefined })).items).not.toContainEqual(
      expect.objectContaining({ executionId: running.executionId }),
    );
  });

  test('and gives up gets nothing more', async () => {
    const to = await executionThatWaits('gone');
    await forgetWait(database.pool, to);
    expect(await send('gone', 1, 0)).toMatchObject({ delivered: 0 });
  });

  test('gets what a crash left between the match and the inbox', async () => {
    const to = await executionThatWaits('crash');
    await database.pool.query("UPDATE message_correlations SET message = '7' WHERE execution_id = $1", [
      to.executionId,
    ]);
    expect(await deliverForgotten(database.pool, 10)).toMatchObject([{ executionId: to.executionId }]);
    expect(await received(to)).toMatchObject([{ kind: 'message', data: { data: 7 } }]);
    expect(await deliverForgotten(database.pool, 10)).toEqual([]);
  });

  test('is listed by machine, longest first, page by page; and forgotten once its execution has ended', async () => {
    const waiting: ReturnAddress[] = [];
    for (let n = 0; n < 5; n++) waiting.push(await executionThatWaits(`list-${n}`, { machine: 'listed' }));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listWaits(database.pool, 'listed', { limit: 2, cursor });
      seen.push(...page.items.map(({ executionId }) => executionId));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(waiting.map(({ executionId }) => executionId));
    await database.pool.query(
      "UPDATE executions SET end_time = now(), status = 'ABORTED' WHERE id = ANY($1)",
      [seen.slice(0, 4)],
    );
    let after: string | undefined = '00000000-0000-0000-0000-000000000000';
    while (after !== undefined) after = await clearLeftovers(database.pool, 'message_correlations', after, 2);
    const left = await listWaits(database.pool, 'listed', { limit: 10, cursor: undefined });
    expect(left.items.map(({ executionId }) => executionId)).toEqual(seen.slice(4));
  });
});
