import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  abortExecution,
  advanceBulkRedrives,
  cancelBulkRedrive,
  createBulkRedrive,
  type Database,
  deleteStateMachine,
  findBulkRedrive,
  getBatch,
  listBulkRedrives,
  newId,
  readSignals,
  redriveExecution,
} from '../../src/store/index.js';
import { makeMachine, openStore, putExecution } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, close } = await openStore(10));
  await makeMachine(database, 'm');
});

afterAll(() => close());

/** An execution that has ended so, with what its last checkpoint kept. */
async function ended(
  columns: Record<string, unknown> = {},
  frames = '{"left":[{"id":0}],"meta":{}}',
): Promise<string> {
  const id = await putExecution(database, {
    status: 'FAILED',
    error: 'Down',
    cause: 'it was',
    end_time: new Date(),
    epoch: 3,
    inbox_seq: 2,
    snapshot_seq: 1,
    ...columns,
  });
  await database.pool.query(
    `INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, events, frames)
     VALUES ($1, 1, 1, 1, 1, '[]', '{}'), ($1, 2, 1, 2, 1, '[]', $2)`,
    [id, frames],
  );
  return id;
}

async function row(id: string): Promise<Record<string, unknown>> {
  const { rows } = await database.pool.query('SELECT * FROM executions WHERE id = $1', [id]);
  return rows[0];
}

describe('a redrive', () => {
  test('makes the execution run again, and tells it so in its inbox', async () => {
    const id = await ended();
    const answer = await redriveExecution(database.pool, id, undefined);
    expect(answer).toMatchObject({ kind: 'redriven', redriven: { executionId: id, queue: 'm' } });
    expect(await row(id)).toMatchObject({
      status: 'RUNNING',
      end_time: null,
      error: null,
      cause: null,
      redrive_count: 1,
      inbox_seq: 3,
      // The tail begins with what was left.
      snapshot_seq: 1,
    });
    expect((await row(id))['wake_at']).toBeInstanceOf(Date);
    expect(await readSignals(database.pool, id, 2)).toEqual([
      { seq: 3, kind: 'redrive', data: { redriveCount: 1 } },
    ]);
    expect(await redriveExecution(database.pool, id, undefined)).toEqual({ kind: 'refused', why: 'running' });
  });

  test('is refused by name', async () => {
    const why = async (id: string) => {
      const answer = await redriveExecution(database.pool, id, undefined);
      return answer.kind === 'refused' ? answer.why : answer.kind;
    };
    await makeMachine(database, 'gone');
    const ofGone = await ended({ state_machine_id: 'gone' });
    await deleteStateMachine(database, 'gone', { force: true });
    await makeMachine(database, 'fast');
    await database.pool.query("UPDATE state_machines SET type = 'EXPRESS' WHERE id = 'fast'");
    const old = new Date(Date.now() - 15 * 86_400_000);
    expect(await why('nobody')).toBe('unknown');
    expect(await why(await ended({ status: 'SUCCEEDED', error: null }))).toBe('succeeded');
    expect(await why(await ended({ end_time: old }))).toBe('tooOld');
    expect(await why(await ended({ state_machine_id: 'm/Map' }))).toBe('mapRunChild');
    expect(await why(ofGone)).toBe('machineDeleted');
    expect(await why(await ended({ state_machine_id: 'fast' }, '{}'))).toBe('express');
    expect(await why(await ended({}, '{"meta":{},"changed":[{"x":{"left":[1]}}]}'))).toBe('nothingLeft');
    for (const status of ['TIMED_OUT', 'ABORTED'])
      expect(await why(await ended({ status }))).toBe('redriven');
  });

  test('happens once, however many ask for it at once; with one token all get the same date', async () => {
    const id = await ended();
    const plain = await Promise.all(
      Array.from({ length: 6 }, () => redriveExecution(database.pool, id, undefined)),
    );
    expect(plain.filter(({ kind }) => kind === 'redriven')).toHaveLength(1);

    const other = await ended();
    const withToken = await Promise.all(
      Array.from({ length: 6 }, () => redriveExecution(database.pool, other, 'token-1')),
    );
    const dates = withToken.map((answer) =>
      answer.kind === 'redriven'
        ? answer.redriven.redriveDate
        : answer.kind === 'repeated'
          ? answer.redriveDate
          : undefined,
    );
    expect(new Set(dates.map(String)).size).toBe(1);
    expect(dates[0]).toBeInstanceOf(Date);
    expect(await row(other)).toMatchObject({ redrive_count: 1 });
  });

  test('a token is good for 15 minutes, and for the last ten redrives', async () => {
    const id = await ended();
    const again = (token: string) => redriveExecution(database.pool, id, token);
    const fail = () =>
      database.pool.query("UPDATE executions SET status = 'FAILED', end_time = now() WHERE id = $1", [id]);
    expect(await again('first')).toMatchObject({ kind: 'redriven' });
    await fail();
    expect(await again('first')).toMatchObject({ kind: 'repeated' });
    await database.pool.query(
      "UPDATE redrives SET redriven_at = now() - interval '16 minutes' WHERE execution_id = $1",
      [id],
    );
    expect(await again('first')).toMatchObject({ kind: 'redriven' });
    for (let n = 0; n < 10; n++) {
      await fail();
      expect(await again(`later-${n}`)).toMatchObject({ kind: 'redriven' });
    }
    await fail();
    expect(await again('later-0')).toMatchObject({ kind: 'repeated' });
    expect(await again('first')).toMatchObject({ kind: 'redriven' });
  });

  test('of a child whose parent has ended is of no concern to the parent any more', async () => {
    const parent = await putExecution(database, { status: 'FAILED', end_time: new Date() });
    const running = await putExecution(database, { wake_at: null });
    const orphan = await ended({ parent_id: parent, parent_frame: 0, parent_key: 'k', notify_parent: true });
    const child = await ended({ parent_id: running, parent_frame: 0, parent_key: 'k', notify_parent: true });
    for (const id of [orphan, child]) await redriveExecution(database.pool, id, undefined);
    expect(await row(orphan)).toMatchObject({ notify_parent: false });
    expect(await row(child)).toMatchObject({ notify_parent: true });
  });

  test('of a member takes it out of the counters of its batch, until it ends again', async () => {
    const batchId = newId();
    await database.pool.query(
      `INSERT INTO batches (id, state_machine_id, version, mode, status, name_prefix, concurrency, stop_on_error, queue,
         total, started, succeeded, failed, timed_out, aborted, created_at, updated_at, end_time)
       VALUES ($1, 'm', 1, 'distributed', 'FAILED', 'p', 0, false, 'm', 5, 5, 1, 2, 1, 2, now(), now(), now())`,
      [batchId],
    );
    const statuses = ['FAILED', 'TIMED_OUT', 'ABORTED', 'ABORTED'];
    const members: string[] = [];
    for (const status of statuses) members.push(await ended({ status, batch_id: batchId }));
    const { endTime } = (await getBatch(database.pool, batchId)) ?? {};
    const standing = async () => {
      const { rows } = await database.pool.query(
        'SELECT status, succeeded, failed, timed_out, aborted, end_time FROM batches WHERE id = $1',
        [batchId],
      );
      return rows[0];
    };
    for (const id of members.slice(0, 3)) await redriveExecution(database.pool, id, undefined);
    const less = { status: 'FAILED', succeeded: 1, failed: 0, timed_out: 0, aborted: 1, end_time: endTime };
    expect(await standing()).toEqual(less);
    expect(await abortExecution(database.pool, members[0] ?? '', undefined, undefined)).toBe(true);
    expect(await standing()).toEqual({ ...less, aborted: 2 });
  });

  test('takes its dead letter away', async () => {
    const id = await ended({ status: 'ABORTED' });
    await database.pool.query(
      "INSERT INTO dead_letters (id, queue, execution_id, error, attempts, failed_at) VALUES ($1, 'm', $1, 'E', 3, now())",
      [id],
    );
    await redriveExecution(database.pool, id, undefined);
    const { rowCount } = await database.pool.query('SELECT 1 FROM dead_letters WHERE execution_id = $1', [
      id,
    ]);
    expect(rowCount).toBe(0);
  });
});

describe('a redrive by filter', () => {
  test('goes through what it finds once, page by page, and leaves what ended later', async () => {
    await makeMachine(database, 'bulk');
    const mine = { state_machine_id: 'bulk' };
    const failed = [];
    for (let n = 0; n < 5; n++) failed.push(await ended(mine));
    const empty = await ended(mine, '{}');
    const stopped = await ended({ ...mine, status: 'ABORTED' });
    const other = await ended();
    const { redriveId } = await createBulkRedrive(database.pool, {
      stateMachineId: 'bulk',
      status: 'FAILED',
      startedBefore: new Date(Date.now() + 60_000),
    });
    const later = await ended({ ...mine, end_time: new Date(Date.now() + 60_000) });

    const redriven: string[] = [];
    for (;;) {
      const page = await advanceBulkRedrives(database.pool, 2);
      if (page === undefined) break;
      redriven.push(...page.map(({ executionId }) => executionId));
    }
    expect(redriven).toEqual(failed);
    expect(await findBulkRedrive(database.pool, redriveId)).toMatchObject({ redriven: 5, refused: 1 });
    expect((await findBulkRedrive(database.pool, redriveId))?.endTime).toBeInstanceOf(Date);
    for (const id of [empty, stopped, other, later]) expect((await row(id))['status']).not.toBe('RUNNING');
    expect(await findBulkRedrive(database.pool, 'nothing')).toBeUndefined();
  });

  test('is listed, newest first, and when it is cancelled goes no further', async () => {
    await makeMachine(database, 'cancelled');
    for (let n = 0; n < 3; n++) await ended({ state_machine_id: 'cancelled' });
    const { redriveId } = await createBulkRedrive(database.pool, { stateMachineId: 'cancelled' });
    expect(await advanceBulkRedrives(database.pool, 2)).toHaveLength(2);
    const open = await listBulkRedrives(
      database.pool,
      { status: 'RUNNING' },
      { limit: 1, cursor: undefined },
    );
    expect(open).toMatchObject({ items: [{ redriveId, redriven: 2 }], nextCursor: null });
    expect(await cancelBulkRedrive(database.pool, redriveId)).toMatchObject({
      redrive: { aborted: true, redriven: 2 },
      over: false,
    });
    expect(await advanceBulkRedrives(database.pool, 2)).toBeUndefined();
    expect(await cancelBulkRedrive(database.pool, redriveId)).toMatchObject({ over: true });
    expect(await cancelBulkRedrive(database.pool, newId())).toBeUndefined();

    const first = await listBulkRedrives(database.pool, {}, { limit: 1, cursor: undefined });
    expect(first.items).toMatchObject([{ redriveId, aborted: true }]);
    const cursor = first.nextCursor ?? undefined;
    const second = await listBulkRedrives(database.pool, { status: 'SUCCEEDED' }, { limit: 1, cursor });
    expect(second.items).toMatchObject([{ aborted: false }]);
    expect(second.items[0]?.redriveId).not.toBe(redriveId);
  });

  test('is advanced by one at a time', async () => {
    await makeMachine(database, 'many');
    for (let n = 0; n < 6; n++) await ended({ state_machine_id: 'many' });
    const { redriveId } = await createBulkRedrive(database.pool, { stateMachineId: 'many' });
    for (let n = 0; n < 4; n++) await Promise.all([1, 2, 3].map(() => advanceBulkRedrives(database.pool, 2)));
    expect(await findBulkRedrive(database.pool, redriveId)).toMatchObject({ redriven: 6, refused: 0 });
  });
});
