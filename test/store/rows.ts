import type pg from 'pg';
import type { Checkpoint, Leave, LeaveRequest } from '../../src/engine/ports.js';
import { newId } from '../../src/store/ids.js';
import { registerWorker } from '../../src/store/workers.js';

/** Inserts executions that are runnable now; answers their ids. */
export async function insertExecutions(
  pool: pg.Pool,
  count: number,
  batchId: string | null = null,
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId());
  await pool.query(
    `INSERT INTO executions (id, state_machine_id, version, name, status, input, start_time, queue, wake_at, batch_id, batch_index)
     SELECT id, 'machine', 1, id::text, 'RUNNING', '{}', now(), 'default', now(), $2, CASE WHEN $2::uuid IS NULL THEN NULL ELSE n END
     FROM unnest($1::uuid[]) WITH ORDINALITY t (id, n)`,
    [ids, batchId],
  );
  return ids;
}

export async function insertWorker(pool: pg.Pool, leaseMs = 60_000): Promise<string> {
  const workerId = crypto.randomUUID();
  await registerWorker(pool, { workerId, host: 'test', pid: 1, queues: [], concurrency: 10, leaseMs });
  return workerId;
}

/** A checkpoint with one event, whose id is its seq. */
export function checkpointOf(executionId: string, seq: number, epoch: number, text = ''): Checkpoint {
  return {
    executionId,
    seq,
    epoch,
    firstEventId: seq,
    eventCount: 1,
    events: JSON.stringify([
      { id: seq, previousEventId: seq - 1, type: 'PassStateEntered', timestamp: 0, text },
    ]),
    frames: JSON.stringify({
      meta: { nextEventId: seq + 1, nextFrameId: 1, inboxSeq: 0 },
      changed: [],
      dropped: [],
    }),
    currentState: 'S',
  };
}

export function leaveOf(executionId: string, epoch: number, leave: Leave): LeaveRequest {
  return { executionId, epoch, currentState: 'S', leave };
}

export const PARK_FOR_EVER: Extract<Leave, { kind: 'parked' }> = {
  kind: 'parked',
  inboxSeq: 0,
  wakeAtMs: undefined,
  snapshot: undefined,
  answered: false,
};
