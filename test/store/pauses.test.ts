import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  changeStateMachine,
  type Database,
  deliverSignal,
  leaveWorkers,
  newId,
  pauseExecution,
  type Recovery,
  readSignals,
  reapWorkers,
  registerWorker,
  resumeExecution,
} from '../../src/store/index.js';
import { makeMachine, openStore, putExecution } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, close } = await openStore(10));
});

afterAll(() => close());

async function row(id: string): Promise<Record<string, unknown>> {
  const { rows } = await database.pool.query('SELECT * FROM executions WHERE id = $1', [id]);
  return rows[0];
}

const signalsOf = async (id: string) =>
  (await readSignals(database.pool, id, 0)).map(({ kind, data }) => ({ kind, data }));

const isWoken = async (id: string): Promise<boolean> => (await row(id))['wake_at'] !== null;

describe('a pause', () => {
  test('of what nobody has keeps it from being runnable, whatever comes in, until it is resumed', async () => {
    const id = await putExecution(database, { wake_at: new Date() });
    expect(await pauseExecution(database.pool, id, 'too dear')).toMatchObject({ changed: true, owner: null });
    expect(await row(id)).toMatchObject({ wake_at: null, pause_reason: 'too dear' });
    await deliverSignal(database.pool, id, 'tokenSucceeded', { frameId: 0, key: 'k', output: 1 });
    expect(await isWoken(id)).toBe(false);
    expect(await pauseExecution(database.pool, id, 'other')).toMatchObject({ changed: false, ended: false });
    expect(await resumeExecution(database.pool, id)).toMatchObject({ changed: true, queue: 'm' });
    expect(await isWoken(id)).toBe(true);
    expect(await row(id)).toMatchObject({ paused_at: null, pause_reason: null });
    expect(await signalsOf(id)).toMatchObject([{ kind: 'tokenSucceeded' }, { kind: 'resume' }]);
    expect(await resumeExecution(database.pool, id)).toMatchObject({ changed: false });
  });

  test('is ended by a stop', async () => {
    const id = await putExecution(database, { wake_at: null });
    await pauseExecution(database.pool, id, undefined);
    await deliverSignal(database.pool, id, 'stop', {});
    expect(await isWoken(id)).toBe(true);
    expect(await row(id)).toMatchObject({ paused_at: null });
  });

  test('of what has been asked to stop is none: the stop is not kept waiting', async () => {
    const parked = await putExecution(database, { wake_at: null });
    const owned = await putExecution(database, { owner: await worker(), wake_at: new Date(0), epoch: 1 });
    for (const id of [parked, owned]) {
      await deliverSignal(database.pool, id, 'stop', {});
      expect(await pauseExecution(database.pool, id, undefined)).toMatchObject({
        changed: false,
        ended: false,
      });
      expect(await row(id)).toMatchObject({ paused_at: null });
      expect(await isWoken(id)).toBe(true);
      expect(await signalsOf(id)).toMatchObject([{ kind: 'stop' }]);
    }
  });

  test('of what somebody has tells the owner, and survives the owner', async () => {
    const workerId = await worker();
    const id = await putExecution(database, { owner: workerId, wake_at: new Date(0), epoch: 1 });
    expect(await pauseExecution(database.pool, id, undefined)).toMatchObject({
      changed: true,
      owner: workerId,
    });
    expect(await signalsOf(id)).toEqual([{ kind: 'pause', data: {} }]);
    expect(await isWoken(id)).toBe(true);
    expect(await leaveWorkers(database.pool, workerId)).toEqual([]);
    expect(await row(id)).toMatchObject({ owner: null, wake_at: null });
  });

  test('of what has ended, or is not there, is none', async () => {
    const id = await putExecution(database, { status: 'SUCCEEDED', end_time: new Date() });
    expect(await pauseExecution(database.pool, id, undefined)).toMatchObject({ ended: true, changed: false });
    expect(await resumeExecution(database.pool, id)).toMatchObject({ ended: true, changed: false });
    expect(await pauseExecution(database.pool, newId(), undefined)).toBeUndefined();
    expect(await pauseExecution(database.pool, 'x', undefined)).toBeUndefined();
  });
});

async function worker(): Promise<string> {
  const workerId = newId();
  await registerWorker(database.pool, {
    workerId,
    host: 'h',
    pid: 1,
    queues: [],
    concurrency: 1,
    leaseMs: 600_000,
  });
  return workerId;
}

let machines = 0;

/** An execution of a machine with this strategy, and how to kill whoever advances it. */
async function advanced(recovery: Recovery | null): Promise<{ id: string; kill(): Promise<void> }> {
  const stateMachineId = `machine-${++machines}`;
  await makeMachine(database, stateMachineId);
  await changeStateMachine(database, stateMachineId, { recovery });
  const id = await putExecution(database, { state_machine_id: stateMachineId, wake_at: new Date(0) });
  return {
    id,
    kill: async () => {
      const workerId = await worker();
      await database.pool.query('UPDATE executions SET owner = $2, epoch = epoch + 1 WHERE id = $1', [
        id,
        workerId,
      ]);
      await database.pool.query("UPDATE workers SET lease_ms = 0, heartbeat_at = 'epoch' WHERE id = $1", [
        workerId,
      ]);
      // The reaper counts a lease from the server's start at the earliest; with none left, it is over.
      await reapWorkers(database.pool);
    },
  };
}

describe('the death of its worker', () => {
  test('leaves an execution of a machine without a strategy to be tried again, and 20 times pause it', async () => {
    const { id, kill } = await advanced(null);
    await kill();
    expect(await row(id)).toMatchObject({ owner: null, paused_at: null, recoveries: 1, faults: 0 });
    expect(await isWoken(id)).toBe(true);
    for (let deaths = 1; deaths < 20; deaths++) await kill();
    expect(await row(id)).toMatchObject({ wake_at: null, faults: 0 });
    expect((await row(id))['pause_reason']).toContain('20 in a row');
    expect(await signalsOf(id)).toEqual([]);
    await resumeExecution(database.pool, id);
    await kill();
    expect(await isWoken(id)).toBe(true);
  });

  test('does not pause what is to be stopped', async () => {
    const once = await advanced({ strategy: 'pause', maxRecoveries: 0 });
    await deliverSignal(database.pool, once.id, 'stop', {});
    await once.kill();
    expect(await row(once.id)).toMatchObject({ owner: null, paused_at: null });
    expect(await isWoken(once.id)).toBe(true);
  });

  test('pauses it where the machine says so', async () => {
    const { id, kill } = await advanced({ strategy: 'pause', maxRecoveries: 3 });
    await kill();
    expect(await row(id)).toMatchObject({ owner: null, wake_at: null });
    expect((await row(id))['paused_at']).toBeInstanceOf(Date);
    expect(await signalsOf(id)).toEqual([]);
  });

  test('is told to the machine where the interrupted state is to be skipped or to fail', async () => {
    const skip = await advanced({ strategy: 'skip', output: null, maxRecoveries: 3 });
    const fail = await advanced({ strategy: 'fail', maxRecoveries: 3 });
    await skip.kill();
    await fail.kill();
    expect(await signalsOf(skip.id)).toEqual([
      { kind: 'interrupted', data: { strategy: 'skip', output: null } },
    ]);
    expect(await signalsOf(fail.id)).toEqual([{ kind: 'interrupted', data: { strategy: 'fail' } }]);
    expect(await row(skip.id)).toMatchObject({ inbox_seq: 1, recoveries: 1, paused_at: null });
    expect(await isWoken(skip.id)).toBe(true);
  });

  test('pauses it when it is one too many; who resumes it begins to count anew', async () => {
    const { id, kill } = await advanced({ strategy: 'retry', maxRecoveries: 2 });
    for (let deaths = 0; deaths < 2; deaths++) {
      await kill();
      expect(await isWoken(id)).toBe(true);
    }
    await kill();
    expect(await row(id)).toMatchObject({ wake_at: null, recoveries: 3 });
    expect((await row(id))['pause_reason']).toContain('3 in a row');
    const { rowCount } = await database.pool.query('SELECT 1 FROM dead_letters WHERE execution_id = $1', [
      id,
    ]);
    expect(rowCount).toBe(0);
    await resumeExecution(database.pool, id);
    expect(await row(id)).toMatchObject({ recoveries: 0, paused_at: null });
    await kill();
    expect(await isWoken(id)).toBe(true);
  });
});
