import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  answerToken,
  clearDoneTokens,
  createActivity,
  createTaskBell,
  type Database,
  deleteActivity,
  findActivity,
  issueToken,
  leaseTask,
  listActivities,
  offerTask,
  readSignals,
  voidToken,
  voidTokensOfEnded,
  withdrawToken,
} from '../../src/store/index.js';
import { ANSWER_TOKEN, LEASE_TASK } from '../../src/store/sql/task-tokens.js';
import { eventually } from '../setup/eventually.js';
import { openStore, putExecution, silent } from './fixtures.js';
import { planOf } from './plans.js';

let database: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, close } = await openStore(10));
});

afterAll(() => close());

let tokens = 0;

/** A parked execution that has handed out a token. */
async function handedOut(): Promise<{ token: string; executionId: string; key: string }> {
  const executionId = await putExecution(database, { wake_at: null });
  const token = `token-${++tokens}`;
  const key = `${executionId}/3`;
  await issueToken(database.pool, token, { executionId, frameId: 2, key });
  return { token, executionId, key };
}

async function offered(activity: string, input: string): Promise<{ token: string; executionId: string }> {
  const executionId = await putExecution(database, { wake_at: null });
  const token = `token-${++tokens}`;
  const to = { executionId, frameId: 0, key: `${executionId}/3` };
  await offerTask(database.pool, { token, activity, input, to });
  return { token, executionId };
}

describe('a task token', () => {
  test('puts the answer into the inbox of who handed it out, and wakes it', async () => {
    const { token, executionId, key } = await handedOut();
    expect(await answerToken(database.pool, token, { kind: 'tokenHeartbeat' })).toEqual({
      kind: 'delivered',
      woken: { executionId, queue: 'm', owner: null },
    });
    const output = { text: 'a "quoted" \u0000 text', list: [1, null] };
    await answerToken(database.pool, token, { kind: 'tokenSucceeded', output });
    expect(await readSignals(database.pool, executionId, 0)).toEqual([
      { seq: 1, kind: 'tokenHeartbeat', data: { frameId: 2, key } },
      { seq: 2, kind: 'tokenSucceeded', data: { frameId: 2, key, output } },
    ]);
    const { rows } = await database.pool.query(
      'SELECT inbox_seq, wake_at <= now() AS due FROM executions WHERE id = $1',
      [executionId],
    );
    expect(rows).toEqual([{ inbox_seq: 2, due: true }]);
  });

  test('is taken back unless an answer has come that was not read', async () => {
    const { token, executionId } = await handedOut();
    await answerToken(database.pool, token, { kind: 'tokenHeartbeat' });
    expect(await withdrawToken(database.pool, token, executionId, 0)).toBe(false);
    expect(await withdrawToken(database.pool, token, executionId, 1)).toBe(true);
    expect(await answerToken(database.pool, token, { kind: 'tokenHeartbeat' })).toEqual({ kind: 'gone' });
    expect(await readSignals(database.pool, executionId, 1)).toEqual([]);
  });

  test('is either answered or taken back, when both come at once', async () => {
    const rounds = await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const { token, executionId } = await handedOut();
        const kind = n % 2 === 0 ? ('tokenHeartbeat' as const) : ('tokenFailed' as const);
        const [taken, answer] = await Promise.all([
          withdrawToken(database.pool, token, executionId, 0),
          answerToken(database.pool, token, { kind }),
        ]);
        return { taken, answer: answer.kind };
      }),
    );
    for (const { taken, answer } of rounds) expect(answer).toBe(taken ? 'gone' : 'delivered');
  });

  test('that is given up before it was written down is good for nothing', async () => {
    const { token, executionId } = await handedOut();
    const to = { executionId, frameId: 2, key: `${executionId}/9` };
    for (const giveUp of [
      (late: string) => withdrawToken(database.pool, late, executionId, 0),
      (late: string) => voidToken(database.pool, late, executionId),
    ]) {
      const late = `${token}-${crypto.randomUUID()}`;
      await giveUp(late);
      await issueToken(database.pool, late, to);
      expect(await answerToken(database.pool, late, { kind: 'tokenSucceeded', output: 1 })).toEqual({
        kind: 'gone',
      });
    }
    expect(await readSignals(database.pool, executionId, 0)).toEqual([]);
    // Not taken back, since something else is to be read first: it may still be written down.
    await answerToken(database.pool, token, { kind: 'tokenHeartbeat' });
    const later = `${token}-later`;
    expect(await withdrawToken(database.pool, later, executionId, 0)).toBe(false);
    await issueToken(database.pool, later, to);
    expect(await answerToken(database.pool, later, { kind: 'tokenHeartbeat' })).toMatchObject({
      kind: 'delivered',
    });
  });

  test('is answered once, whoever is quicker', async () => {
    const { token, executionId } = await handedOut();
    const outcomes = await Promise.all([
      answerToken(database.pool, token, { kind: 'tokenSucceeded', output: 1 }),
      answerToken(database.pool, token, { kind: 'tokenFailed', error: 'E' }),
      answerToken(database.pool, token, { kind: 'tokenSucceeded', output: 2 }),
    ]);
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['delivered', 'gone', 'gone']);
    expect(await readSignals(database.pool, executionId, 0)).toHaveLength(1);
    expect(await answerToken(database.pool, token, { kind: 'tokenHeartbeat' })).toEqual({ kind: 'gone' });
  });

  test('that there never was is unknown; one that was given up, or whose execution has ended, is gone', async () => {
    expect(await answerToken(database.pool, 'nobody', { kind: 'tokenHeartbeat' })).toEqual({
      kind: 'unknown',
    });
    expect(await answerToken(database.pool, 'a\0b', { kind: 'tokenHeartbeat' })).toEqual({ kind: 'unknown' });
    const given = await handedOut();
    await voidToken(database.pool, given.token, given.executionId);
    const over = await handedOut();
    await database.pool.query("UPDATE executions SET end_time = now(), status = 'ABORTED' WHERE id = $1", [
      over.executionId,
    ]);
    for (const { token, executionId } of [given, over]) {
      expect(await answerToken(database.pool, token, { kind: 'tokenHeartbeat' })).toEqual({ kind: 'gone' });
      expect(await answerToken(database.pool, token, { kind: 'tokenSucceeded', output: 1 })).toEqual({
        kind: 'gone',
      });
      expect(await readSignals(database.pool, executionId, 0)).toEqual([]);
    }
  });

  test('that is issued again, after a crash, stays as it is', async () => {
    const { token, executionId, key } = await handedOut();
    await answerToken(database.pool, token, { kind: 'tokenSucceeded', output: 1 });
    await issueToken(database.pool, token, { executionId, frameId: 2, key });
    expect(await answerToken(database.pool, token, { kind: 'tokenSucceeded', output: 2 })).toEqual({
      kind: 'gone',
    });
  });

  test('is cleared away a day after it was done, and voided when its execution has ended without it', async () => {
    const old = await handedOut();
    const fresh = await handedOut();
    const left = await handedOut();
    await voidToken(database.pool, old.token, old.executionId);
    await voidToken(database.pool, fresh.token, fresh.executionId);
    await database.pool.query("UPDATE task_tokens SET done_at = now() - interval '25 h' WHERE token = $1", [
      old.token,
    ]);
    await database.pool.query("UPDATE executions SET end_time = now(), status = 'FAILED' WHERE id = $1", [
      left.executionId,
    ]);
    expect(await clearDoneTokens(database.pool, 100)).toBe(1);
    let after: string | undefined = '';
    while (after !== undefined) after = await voidTokensOfEnded(database.pool, after, 2);
    const { rows } = await database.pool.query(
      'SELECT token, done_at IS NOT NULL AS done FROM task_tokens WHERE token = ANY($1) ORDER BY created_at',
      [[old.token, fresh.token, left.token]],
    );
    expect(rows).toEqual([
      { token: fresh.token, done: true },
      { token: left.token, done: true },
    ]);
  });
});

describe('the tasks of an activity', () => {
  test('are taken in order, each by one worker, and say so to who waits', async () => {
    const tasks = [];
    for (let n = 0; n < 20; n++) tasks.push(await offered('pick', String(n)));
    const first = await leaseTask(database.pool, 'pick', 'eve');
    expect(first).toMatchObject({ token: tasks[0]?.token, input: '0' });
    expect(await readSignals(database.pool, tasks[0]?.executionId ?? '', 0)).toMatchObject([
      { kind: 'taskLeased', data: { frameId: 0, workerName: 'eve' } },
    ]);
    const taken = await Promise.all(
      Array.from({ length: 25 }, () => leaseTask(database.pool, 'pick', undefined)),
    );
    const inputs = taken.flatMap((one) => (one === undefined ? [] : [Number(one.input)]));
    expect(inputs.sort((a, b) => a - b)).toEqual(Array.from({ length: 19 }, (_, n) => n + 1));
    expect(await leaseTask(database.pool, 'other', undefined)).toBeUndefined();
    const unnamed = await readSignals(database.pool, tasks[1]?.executionId ?? '', 0);
    expect(unnamed[0]?.data).toEqual({ frameId: 0, key: expect.any(String) });
  });

  test('that nobody waits for any more are passed over', async () => {
    const over = await offered('pass', '1');
    await database.pool.query("UPDATE executions SET end_time = now(), status = 'ABORTED' WHERE id = $1", [
      over.executionId,
    ]);
    const given = await offered('pass', '2');
    await voidToken(database.pool, given.token, given.executionId);
    await offered('pass', '3');
    expect(await leaseTask(database.pool, 'pass', undefined)).toMatchObject({ input: '3' });
    expect(await leaseTask(database.pool, 'pass', undefined)).toBeUndefined();
  });

  test('are not taken by who has gone, also when he went while it was being taken', async () => {
    const { executionId } = await offered('gone', '1');
    expect(await leaseTask(database.pool, 'gone', 'eve', AbortSignal.abort())).toBeUndefined();
    const session = await database.pool.connect();
    const leaving = new AbortController();
    try {
      await session.query('BEGIN');
      await session.query('SELECT 1 FROM executions WHERE id = $1 FOR UPDATE', [executionId]);
      const leased = leaseTask(database.pool, 'gone', 'eve', leaving.signal);
      for (;;) {
        const { rows } = await session.query<{ waiting: boolean }>(
          'SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))) AS waiting',
        );
        if (rows[0]?.waiting === true) break;
      }
      leaving.abort();
      await session.query('COMMIT');
      expect(await leased).toBeUndefined();
    } finally {
      session.release();
    }
    expect(await readSignals(database.pool, executionId, 0)).toEqual([]);
    expect(await leaseTask(database.pool, 'gone', 'eve')).toMatchObject({ input: '1' });
  });

  test('wake one poller each', async () => {
    const bell = createTaskBell(database, silent);
    const woken: string[] = [];
    const polls = ['a', 'b'].map((name) =>
      bell.wait('wake', 600, undefined).then(() => {
        woken.push(name);
      }),
    );
    const elsewhere = bell.wait('elsewhere', 600, undefined).then(() => {
      woken.push('elsewhere');
    });
    await eventually(async () => {
      const { rows } = await database.pool.query(
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'escapement listener' AND query LIKE 'LISTEN%' AND datname = current_database()",
      );
      expect(rows).toHaveLength(1);
    });
    // What the listener rang for when it came up.
    await new Promise((resolve) => setTimeout(resolve, 50));
    woken.length = 0;
    const again = bell.wait('wake', 600, undefined).then(() => {
      woken.push('c');
    });
    await offered('wake', '1');
    await eventually(() => expect(woken.length).toBe(1), 400);
    await Promise.all([...polls, again, elsewhere]);
    await bell.close();
  });
});

describe('activities', () => {
  test('are made once, counted, listed by name and deleted', async () => {
    for (const name of ['zeta', 'alpha', 'beta']) await createActivity(database.pool, name);
    await offered('alpha', '1');
    expect(await createActivity(database.pool, 'alpha')).toMatchObject({ created: false, waiting: 1 });
    const first = await listActivities(database.pool, { limit: 2, cursor: undefined });
    expect(first.items.map(({ name }) => name)).toEqual(['alpha', 'beta']);
    const next = await listActivities(database.pool, { limit: 2, cursor: first.nextCursor ?? undefined });
    expect(next).toMatchObject({ items: [{ name: 'zeta' }], nextCursor: null });
    expect(await deleteActivity(database.pool, 'beta')).toBe(true);
    expect(await deleteActivity(database.pool, 'beta')).toBe(false);
    expect(await findActivity(database.pool, 'beta')).toBeUndefined();
  });
});

describe('the plans', () => {
  test('of a lease and of an answer read no more than what they take', async () => {
    await database.pool.query(
      `INSERT INTO task_tokens (token, kind, execution_id, frame_id, key, activity, input, created_at, leased_at)
       SELECT 'plan-' || n, 'activity', gen_random_uuid(), 0, 'k', 'busy', '1', now(), CASE WHEN n % 10 > 0 THEN now() END
       FROM generate_series(1, 20000) n`,
    );
    await database.pool.query('VACUUM ANALYZE task_tokens, executions');
    const lease = await planOf(database.pool, LEASE_TASK, ['busy', null]);
    expect(lease).toContain('Index Scan using task_tokens_offered_idx');
    expect(lease).not.toContain('Seq Scan on task_tokens');
    const answer = await planOf(database.pool, ANSWER_TOKEN, ['plan-1', 'tokenFailed', '', 'call']);
    expect(answer).toContain('Index Scan using task_tokens_pkey');
    expect(answer).not.toContain('Seq Scan on task_tokens');
  });
});
