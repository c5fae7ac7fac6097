/** The registry of queues, and how full they are. PostgreSQL is asked, not the queue: it is the truth. */
import type { Database } from './database.js';

/** The queues that are always there, with their weights. */
const BUILT_IN_QUEUES: Readonly<Record<string, number>> = { critical: 6, default: 3, low: 1 };

/** The weight of a machine's own queue. */
export const MACHINE_QUEUE_WEIGHT = 5;

/**
 * Makes the built-in queues and those of `weights`, and sets the weights that `weights` names. A weight that
 * is not named stays what it is, so that processes with different settings do not undo each other's.
 */
export async function ensureQueues(
  database: Database,
  weights: Readonly<Record<string, number>>,
): Promise<void> {
  await database.prisma.queue.createMany({
    data: Object.entries({ ...BUILT_IN_QUEUES, ...weights }).map(([name, weight]) => ({
      name,
      weight,
      createdAt: new Date(),
    })),
    skipDuplicates: true,
  });
  for (const [name, weight] of Object.entries(weights)) {
    await database.prisma.queue.updateMany({ where: { name, NOT: { weight } }, data: { weight } });
  }
}

export interface QueueRecord {
  name: string;
  weight: number;
  /** The machine that it was made with. */
  stateMachineId: string | null;
}

/** All queues, by name. */
export async function listQueues({ prisma }: Database): Promise<QueueRecord[]> {
  return prisma.queue.findMany({
    orderBy: { name: 'asc' },
    select: { name: true, weight: true, stateMachineId: true },
  });
}

/** Whether there is a queue of this name: of the house, of a machine, or made by QUEUE_WEIGHTS. */
export async function hasQueue({ prisma }: Database, name: string): Promise<boolean> {
  if (name.includes('\0')) return false;
  return (await prisma.queue.findUnique({ where: { name }, select: { name: true } })) !== null;
}

export interface QueueStats extends QueueRecord {
  waiting: number;
  active: number;
  delayed: number;
  completed: number;
  failed: number;
  oldestAgeSeconds: number | null;
}

/**
 * Each queue with what is open in it and what has ended. A queue whose machine was deleted is left out once
 * nothing is in it.
 * Plan: scans what is open (Bitmap Heap Scan using executions_wake_at_idx), so its cost is the backlog's
 * size; whoever calls it keeps the answer for a moment.
 */
export async function queueStats({ pool }: Database): Promise<QueueStats[]> {
  const { rows } = await pool.query<QueueStats>(
    `WITH open AS (
       SELECT queue,
         count(*) FILTER (WHERE owner IS NULL AND wake_at <= now()) AS waiting,
         count(*) FILTER (WHERE owner IS NOT NULL) AS active,
         count(*) FILTER (WHERE owner IS NULL AND wake_at > now()) AS delayed,
         count(*) AS n,
         extract(epoch FROM now() - min(wake_at) FILTER (WHERE owner IS NULL AND wake_at <= now())) AS age
       FROM executions WHERE end_time IS NULL GROUP BY queue
     ), ended AS (
       SELECT queue, sum(succeeded) AS completed, sum(failed) AS failed FROM queue_totals GROUP BY queue
     )
     SELECT q.name, q.weight, q.state_machine_id AS "stateMachineId",
       coalesce(o.waiting, 0)::float8 AS waiting, coalesce(o.active, 0)::float8 AS active,
       coalesce(o.delayed, 0)::float8 AS delayed, coalesce(e.completed, 0)::float8 AS completed,
       coalesce(e.failed, 0)::float8 AS failed, o.age::float8 AS "oldestAgeSeconds"
     FROM queues q
     LEFT JOIN open o ON o.queue = q.name
     LEFT JOIN ended e ON e.queue = q.name
     LEFT JOIN state_machines m ON m.id = q.state_machine_id
     WHERE m.deleted_at IS NULL OR o.n > 0
     ORDER BY q.name`,
  );
  return rows;
}

export interface LiveWorker {
  workerId: string;
  host: string;
  pid: number;
  queues: string[];
  concurrency: number;
  running: number;
  startedAt: Date;
  heartbeatAt: Date;
}

/** The workers whose lease has not run out, oldest first. */
export async function liveWorkers({ pool }: Database): Promise<LiveWorker[]> {
  const { rows } = await pool.query<LiveWorker>(
    `SELECT id AS "workerId", host, pid, queues, concurrency,
       (SELECT coalesce(sum(value::float8), 0) FROM jsonb_each_text(running)) AS running,
       started_at AS "startedAt", heartbeat_at AS "heartbeatAt"
     FROM workers WHERE heartbeat_at >= now() - lease_ms * interval '1 ms' ORDER BY started_at, id`,
  );
  return rows;
}
