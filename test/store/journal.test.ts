import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { createClaims } from '../../src/store/claims.js';
import { deliverSignal } from '../../src/store/inbox.js';
import { createJournalWriter, type JournalWriter } from '../../src/store/journal.js';
import { CLAIM } from '../../src/store/sql/claim.js';
import { reapWorkers } from '../../src/store/workers.js';
import { createDatabase } from '../setup/database.js';
import { checkpointOf, insertExecutions, insertWorker, leaveOf, PARK_FOR_EVER } from './rows.js';

let database: Awaited<ReturnType<typeof createDatabase>>;
let pool: pg.Pool;
let workerId: string;
let journal: JournalWriter;
let losses = 0;
let told: string[] = [];

beforeAll(async () => {
  database = await createDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 10 });
  pool.on('error', () => undefined);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(async () => {
  workerId = await insertWorker(pool);
  losses = 0;
  told = [];
  journal = writerFor(workerId);
});

function writerFor(id: string): JournalWriter {
  return createJournalWriter({
    pool,
    workerId: id,
    timeoutMs: 10_000,
    onBatchStopping: () => undefined,
    onTell: ({ executions, mapRuns }) => {
      told.push(...executions, ...mapRuns);
    },
    onLost: () => {
      losses++;
    },
  });
}

async function claimAll(ids: readonly string[], worker = workerId): Promise<number[]> {
  const claims = createClaims({
    pool,
    workerId: worker,
    onLost: () => undefined,
    isActive: () => false,
    onFreed: () => undefined,
  });
  const claimed = await Promise.all(ids.map((id) => claims.claim(id)));
  return claimed.map((one) => (one.kind === 'claimed' ? one.claimed.epoch : 0));
}

async function journalOf(id: string): Promise<{ seq: number; epoch: number }[]> {
  const { rows } = await pool.query('SELECT seq, epoch FROM journal WHERE execution_id = $1 ORDER BY seq', [
    id,
  ]);
  return rows;
}

async function rowOf(id: string): Promise<Record<string, unknown>> {
  const { rows } = await pool.query('SELECT * FROM executions WHERE id = $1', [id]);
  return rows[0];
}

describe('a claim', () => {
  test('gives each execution to one of many askers', async () => {
    const ids = await insertExecutions(pool, 40);
    const other = await insertWorker(pool);
    const [mine, theirs] = await Promise.all([claimAll([...ids, ...ids]), claimAll(ids, other)]);
    const taken = [...mine, ...theirs].filter((epoch) => epoch > 0);
    expect(taken).toHaveLength(40);
    expect(new Set(taken)).toEqual(new Set([1]));
  });

  test('takes nothing that has ended, is not due, or is owned', async () => {
    const [ended, later, owned] = (await insertExecutions(pool, 3)) as [string, string, string];
    await pool.query(
      "UPDATE executions SET end_time = now(), wake_at = NULL, status = 'SUCCEEDED' WHERE id = $1",
      [ended],
    );
    await pool.query("UPDATE executions SET wake_at = now() + interval '1 minute' WHERE id = $1", [later]);
    await claimAll([owned]);
    expect(await claimAll([ended, later, owned])).toEqual([0, 0, 0]);
  });

  test('is refused to a worker that was declared dead', async () => {
    const ids = await insertExecutions(pool, 1);
    await pool.query('DELETE FROM workers WHERE id = $1', [workerId]);
    expect(await claimAll(ids)).toEqual([0]);
    expect((await rowOf(ids[0] as string))['owner']).toBeNull();
  });

  test('is planned by the primary key on a backlog that nobody has analysed yet', async () => {
    await insertExecutions(pool, 3_000);
    const ids = await insertExecutions(pool, 50);
    const { rows } = await pool.query(`EXPLAIN ${CLAIM}`, [workerId, ids]);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('executions_pkey');
    expect(plan).not.toContain('executions_wake_at_idx');
  });

  test('is planned by the primary key also after a VACUUM ANALYZE of a large backlog', async () => {
    await pool.query('VACUUM ANALYZE executions');
    const ids = await insertExecutions(pool, 50);
    const { rows } = await pool.query(`EXPLAIN ${CLAIM}`, [workerId, ids]);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('executions_pkey');
    expect(plan).not.toContain('executions_wake_at_idx');
  });
});

describe('an append', () => {
  test('writes a hundred checkpoints of different executions and all their ends', async () => {
    const ids = await insertExecutions(pool, 100);
    await claimAll(ids);
    await Promise.all(ids.map((id) => journal.append(checkpointOf(id, 1, 1))));
    const answers = await Promise.all(
      ids.map((id) =>
        journal.append(
          checkpointOf(id, 2, 1),
          leaveOf(id, 1, {
            kind: 'ended',
            inboxSeq: 0,
            status: 'SUCCEEDED',
            output: { ok: true },
            endTimeMs: Date.now(),
          }),
        ),
      ),
    );
    expect(new Set(answers)).toEqual(new Set(['committed']));
    for (const id of ids) {
      expect(await journalOf(id)).toEqual([
        { seq: 1, epoch: 1 },
        { seq: 2, epoch: 1 },
      ]);
      expect(await rowOf(id)).toMatchObject({
        status: 'SUCCEEDED',
        output: '{"ok":true}',
        owner: null,
        wake_at: null,
      });
    }
    const { rows } = await pool.query('SELECT succeeded FROM queue_totals WHERE worker_id = $1', [workerId]);
    expect(rows).toEqual([{ succeeded: '100' }]);
  });

  test('that is refused for its data leaves its neighbours in', async () => {
    const ids = await insertExecutions(pool, 60);
    await claimAll(ids);
    const bad = ids[17] as string;
    const answers = await Promise.allSettled(
      ids.map((id) =>
        journal.append(
          checkpointOf(id, 1, 1, id === bad ? 'x' : '').executionId === bad
            ? { ...checkpointOf(id, 1, 1), events: 'a \u0000 that PostgreSQL cannot hold' }
            : checkpointOf(id, 1, 1),
        ),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(
      ids.map((id) => (id === bad ? 'rejected' : 'fulfilled')),
    );
    expect(await journalOf(bad)).toEqual([]);
    const { rows } = await pool.query(
      'SELECT count(*)::int AS n FROM journal WHERE execution_id = ANY($1::uuid[])',
      [ids],
    );
    expect(rows[0].n).toBe(59);
  });

  test('by a worker that was declared dead writes nothing and says so', async () => {
    const ids = await insertExecutions(pool, 3);
    await claimAll(ids);
    await pool.query("UPDATE workers SET heartbeat_at = now() - interval '1 s', lease_ms = 1 WHERE id = $1", [
      workerId,
    ]);
    const freed = await reapWorkers(pool);
    expect(freed.map(({ executionId }) => executionId).sort()).toEqual([...ids].sort());
    const answers = await Promise.all(ids.map((id) => journal.append(checkpointOf(id, 1, 1))));
    expect(answers).toEqual(['lost', 'lost', 'lost']);
    expect(losses).toBe(1);
    for (const id of ids) {
      expect(await journalOf(id)).toEqual([]);
      expect(await rowOf(id)).toMatchObject({ owner: null });
    }
  });

  test('that ends what a parent waits for says which, and nothing of the others', async () => {
    const ids = await insertExecutions(pool, 4);
    const [first, second] = ids;
    await pool.query('UPDATE executions SET notify_parent = true WHERE id = ANY($1)', [[first, second]]);
    await claimAll(ids);
    const end = { kind: 'ended', inboxSeq: 0, status: 'FAILED', endTimeMs: Date.now() } as const;
    await journal.append(undefined, leaveOf(second as string, 1, PARK_FOR_EVER));
    await Promise.all(
      ids
        .filter((id) => id !== second)
        .map((id) => journal.append(checkpointOf(id, 1, 1), leaveOf(id, 1, end))),
    );
    expect(told).toEqual([first]);
  });

  test('whose connection is cut commits once, whatever became of the first try', async () => {
    const ids = await insertExecutions(pool, 30);
    await claimAll(ids);
    const victim = new pg.Pool({ connectionString: database.url, max: 2, application_name: 'victim' });
    victim.on('error', () => undefined);
    const cut = createJournalWriter({
      pool: victim,
      workerId,
      timeoutMs: 20_000,
      onBatchStopping: () => undefined,
      onTell: () => undefined,
      onLost: () => undefined,
    });
    let cutting = true;
    const killer = (async () => {
      while (cutting) {
        await pool.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'",
        );
        await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 60));
      }
    })();
    for (let seq = 1; seq <= 20; seq++) {
      const answers = await Promise.all(ids.map((id) => cut.append(checkpointOf(id, seq, 1))));
      expect(new Set(answers)).toEqual(new Set(['committed']));
    }
    const leaves = await Promise.all(
      ids.map((id) => cut.append(checkpointOf(id, 21, 1), leaveOf(id, 1, PARK_FOR_EVER))),
    );
    expect(new Set(leaves)).toEqual(new Set(['committed']));
    cutting = false;
    await killer;
    await victim.end();
    for (const id of ids) {
      expect(await journalOf(id)).toEqual(Array.from({ length: 21 }, (_, n) => ({ seq: n + 1, epoch: 1 })));
      expect(await rowOf(id)).toMatchObject({ owner: null, wake_at: null });
    }
  });
});

test('an append whose answer was lost is not acted upon when another has taken over meanwhile', async () => {
  const [id] = (await insertExecutions(pool, 1)) as [string];
  const [epoch] = (await claimAll([id])) as [number];
  const successor = await insertWorker(pool);
  // The flush commits; before its answer comes, the connection breaks and somebody else claims the execution.
  const unlucky = Object.create(pool) as pg.Pool;
  Object.defineProperty(unlucky, 'query', {
    value: async (statement: pg.QueryConfig | string, values?: unknown[]) => {
      const answer = await pool.query(statement, values);
      if (typeof statement === 'string' || statement.name !== 'flush') return answer;
      await pool.query('UPDATE executions SET owner = $2, epoch = epoch + 1 WHERE id = $1', [id, successor]);
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    },
  });
  const writer = createJournalWriter({
    pool: unlucky,
    workerId,
    timeoutMs: 10_000,
    onBatchStopping: () => undefined,
    onTell: () => undefined,
    onLost: () => undefined,
  });
  expect(await writer.append(checkpointOf(id, 1, epoch), undefined)).toBe('lost');
  // What it wrote is in, once, and its successor reads it.
  expect(await journalOf(id)).toEqual([{ seq: 1, epoch }]);
});

describe('a park', () => {
  test('leaves the execution to whoever is rung when its timer is due', async () => {
    const [id] = (await insertExecutions(pool, 1)) as [string];
    await claimAll([id]);
    const wakeAtMs = Date.now() + 60_000;
    await journal.append(
      checkpointOf(id, 1, 1),
      leaveOf(id, 1, {
        ...PARK_FOR_EVER,
        wakeAtMs,
        kind: 'parked',
        inboxSeq: 0,
        snapshot: { seq: 1, text: '{}' },
      }),
    );
    const row = await rowOf(id);
    expect(row).toMatchObject({ owner: null, snapshot: '{}', snapshot_seq: 1, current_state: 'S' });
    expect(Math.abs((row['wake_at'] as Date).getTime() - wakeAtMs)).toBeLessThan(2);
  });

  test('forgets the deaths of workers once a call has come back, and no sooner', async () => {
    const [kept, forgotten] = (await insertExecutions(pool, 2)) as [string, string];
    await claimAll([kept, forgotten]);
    await pool.query('UPDATE executions SET recoveries = 2 WHERE id = ANY($1)', [[kept, forgotten]]);
    await Promise.all([
      journal.append(checkpointOf(kept, 1, 1), leaveOf(kept, 1, PARK_FOR_EVER)),
      journal.append(
        checkpointOf(forgotten, 1, 1),
        leaveOf(forgotten, 1, { ...PARK_FOR_EVER, answered: true }),
      ),
    ]);
    expect(await rowOf(kept)).toMatchObject({ owner: null, recoveries: 2 });
    expect(await rowOf(forgotten)).toMatchObject({ owner: null, recoveries: 0 });
  });

  test('that crosses a signal is woken at once, in either order', async () => {
    const ids = await insertExecutions(pool, 200);
    await claimAll(ids);
    const answers = await Promise.all(
      ids.map(async (id, n) => {
        const signal = async () => {
          if (n % 3 > 0) await new Promise((resolve) => setTimeout(resolve, n % 7));
          return deliverSignal(pool, id, 'stop', { error: 'E' });
        };
        const [answer] = await Promise.all([
          journal.append(checkpointOf(id, 1, 1), leaveOf(id, 1, PARK_FOR_EVER)),
          signal(),
        ]);
        return answer;
      }),
    );
    // Whether the park saw it or it came after the park: the execution is runnable, never asleep on a signal.
    expect(answers.every((answer) => answer === 'woken' || answer === 'committed')).toBe(true);
    const { rows } = await pool.query(
      'SELECT count(*)::int AS n FROM executions WHERE id = ANY($1::uuid[]) AND owner IS NULL AND wake_at <= now() AND inbox_seq = 1',
      [ids],
    );
    expect(rows[0].n).toBe(200);
  });
});

test('workers that steal from each other never fork a journal', async () => {
  const ids = await insertExecutions(pool, 12);
  await pool.query('DELETE FROM workers');
  const until = Date.now() + 4_000;
  let takeovers = 0;
  const actor = async () => {
    while (Date.now() < until) {
      const me = await insertWorker(pool);
      const writer = writerFor(me);
      const claims = createClaims({
        pool,
        workerId: me,
        onLost: () => undefined,
        isActive: () => false,
        onFreed: () => undefined,
      });
      let mine = 0;
      await Promise.all(
        ids.map(async (id) => {
          const answer = await claims.claim(id).catch(() => undefined);
          if (answer?.kind !== 'claimed') return;
          const { claimed } = answer;
          const tail = await claims.readTail(id, 0);
          takeovers++;
          mine++;
          for (let seq = tail.lastSeq + 1; Date.now() < until; seq++) {
            // A stale tail would make this a duplicate of a row that came in late, which rejects or answers lost while we own it.
            if ((await writer.append(checkpointOf(id, seq, claimed.epoch))) === 'lost') return;
          }
        }),
      );
      if (mine === 0) {
        await pool.query('DELETE FROM workers WHERE id = $1', [me]);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  };
  const thief = async () => {
    while (Date.now() < until) {
      await pool.query(
        "UPDATE workers SET heartbeat_at = now() - interval '1 s', lease_ms = 1 WHERE id = (SELECT id FROM workers ORDER BY random() LIMIT 1)",
      );
      await reapWorkers(pool);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  };
  await Promise.all([actor(), actor(), actor(), thief()]);
  expect(takeovers).toBeGreaterThan(50);
  for (const id of ids) {
    const rows = await journalOf(id);
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, n) => n + 1));
    const epochs = rows.map(({ epoch }) => epoch);
    expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
  }
});

test('a claim whose answer was lost is given back, so that nothing stays owned by who does not know of it', async () => {
  const ids = await insertExecutions(pool, 20);
  const victim = new pg.Pool({ connectionString: database.url, max: 1, application_name: 'forgetful' });
  victim.on('error', () => undefined);
  const freed: string[] = [];
  const claims = createClaims({
    pool: victim,
    workerId,
    isActive: () => false,
    onLost: () => undefined,
    onFreed: (rows) => freed.push(...rows.map(({ executionId }) => executionId)),
  });
  // The claim commits, and then its connection is cut before the answer comes: a trigger holds the answer up.
  await pool.query(
    `CREATE FUNCTION hold() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END $$ LANGUAGE plpgsql;
     CREATE CONSTRAINT TRIGGER hold AFTER UPDATE ON executions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
     WHEN (old.owner IS NULL AND new.owner IS NOT NULL AND new.queue = 'held') EXECUTE FUNCTION hold()`,
  );
  const [held] = ids as [string];
  await pool.query("UPDATE executions SET queue = 'held' WHERE id = $1", [held]);
  const claim = claims.claim(held);
  claim.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 150));
  // Only the client's end is cut: the server goes on and commits.
  for (const client of (victim as unknown as { _clients: { connection: { stream: { destroy(): void } } }[] })
    ._clients)
    client.connection.stream.destroy();
  await expect(claim).rejects.toThrow();
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(await rowOf(held)).toMatchObject({ owner: workerId, epoch: 1 });
  await claims.settleDoubts();
  expect(freed).toEqual([held]);
  expect(await rowOf(held)).toMatchObject({ owner: null });
  await pool.query('DROP TRIGGER hold ON executions');
  expect((await claims.claim(held)).kind).toBe('claimed');
  await victim.end();
});

test('a doorbell that rings early learns when to ring again', async () => {
  const [id] = (await insertExecutions(pool, 1)) as [string];
  await pool.query("UPDATE executions SET wake_at = now() + interval '10 s' WHERE id = $1", [id]);
  const claims = createClaims({
    pool,
    workerId,
    isActive: () => false,
    onLost: () => undefined,
    onFreed: () => undefined,
  });
  const answer = await claims.claim(id);
  expect(answer).toMatchObject({ kind: 'early', queue: 'default' });
});

test('a doorbell that finds the row held by another statement is to ring again', async () => {
  const [id] = (await insertExecutions(pool, 1)) as [string];
  const claims = createClaims({
    pool,
    workerId,
    isActive: () => false,
    onLost: () => undefined,
    onFreed: () => undefined,
  });
  const holder = await pool.connect();
  await holder.query('BEGIN');
  await holder.query('UPDATE executions SET waited = true WHERE id = $1', [id]);
  expect(await claims.claim(id)).toMatchObject({ kind: 'early', queue: 'default' });
  await holder.query('COMMIT');
  holder.release();
  expect((await claims.claim(id)).kind).toBe('claimed');
  expect(await claims.claim(id)).toEqual({ kind: 'none' });
});
