/**
 * Redrives: executions that have ended without success, taken up again
 * (https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html). The row runs again, and a signal in its
 * inbox tells the machine; one statement does both, so an execution is redriven once, whoever asks for it at the same time.
 */
import type pg from 'pg';
import type { ExecutionStatus } from './execution-filter.js';
import { isUuid } from './ids.js';
import { withTransaction } from './own-session.js';
import { keptIn, REDRIVE } from './sql/redrive.js';

/** Why an execution is not redriven. */
export type RedriveRefusal =
  | 'unknown'
  | 'running'
  | 'succeeded'
  | 'express'
  /** Its parent is redriven instead. */
  | 'mapRunChild'
  | 'machineDeleted'
  | 'tooOld'
  /** It ended before there were redrives, without the machine, or with a full history. */
  | 'nothingLeft';

export type RedriveAnswer =
  | { kind: 'redriven'; redriven: Redriven }
  /** The client token was used before: it has been done. */
  | { kind: 'repeated'; redriveDate: Date }
  | { kind: 'refused'; why: RedriveRefusal };

export interface Redriven {
  executionId: string;
  queue: string;
  redriveDate: Date;
}

/**
 * Redrives one execution, once for a client token. Tokens are remembered for 15 minutes, the last ten of an execution, as AWS
 * does.
 */
export async function redriveExecution(
  pool: pg.Pool,
  id: string,
  clientToken: string | undefined,
): Promise<RedriveAnswer> {
  if (!isUuid(id)) return { kind: 'refused', why: 'unknown' };
  return withTransaction(pool, async (session) => {
    // Whoever asks with the same token at the same time waits here, and then finds it used.
    const { rows: standing } = await session.query<Standing>(STANDING, [id]);
    const execution = standing[0];
    if (execution === undefined) return { kind: 'refused', why: 'unknown' };
    if (clientToken !== undefined) {
      const { rows: before } = await session.query<{ redriveDate: Date }>(USED, [id, clientToken]);
      if (before[0] !== undefined) return { kind: 'repeated', redriveDate: before[0].redriveDate };
    }
    const { rows } = await session.query<Redriven>(REDRIVE, [[id], clientToken ?? null]);
    const redriven = rows[0];
    return redriven === undefined
      ? { kind: 'refused', why: refusalOf(execution) }
      : { kind: 'redriven', redriven };
  });
}

/** Redrives those of the executions that can be. Returns them. */
export async function redriveExecutions(
  session: Pick<pg.ClientBase, 'query'>,
  ids: readonly string[],
): Promise<Redriven[]> {
  const { rows } = await session.query<Redriven>(REDRIVE, [ids, null]);
  return rows;
}

interface Standing {
  status: ExecutionStatus;
  type: string | null;
  child: boolean;
  recent: boolean | null;
  kept: boolean | null;
}

const STANDING = `
SELECT e.status, m.type, strpos(e.state_machine_id, '/') > 0 AS child, e.end_time > now() - interval '14 days' AS recent,
  (SELECT ${keptIn('j.frames')} FROM journal j WHERE j.execution_id = e.id ORDER BY j.seq DESC LIMIT 1) AS kept
FROM executions e
LEFT JOIN state_machines m ON m.id = e.state_machine_id AND m.deleted_at IS NULL
WHERE e.id = $1
FOR NO KEY UPDATE OF e`;

const USED = `
SELECT redriven_at AS "redriveDate" FROM (
  SELECT client_token, redriven_at FROM redrives WHERE execution_id = $1 ORDER BY redrive_count DESC LIMIT 10
) r WHERE client_token = $2 AND redriven_at > now() - interval '15 minutes'`;

function refusalOf({ status, type, child, recent, kept }: Standing): RedriveRefusal {
  if (status === 'RUNNING') return 'running';
  if (status === 'SUCCEEDED') return 'succeeded';
  if (child) return 'mapRunChild';
  if (type === null) return 'machineDeleted';
  if (type === 'EXPRESS') return 'express';
  if (recent !== true) return 'tooOld';
  // All else holds, and is locked: only its machine can have gone between the two statements.
  return kept === true ? 'machineDeleted' : 'nothingLeft';
}
