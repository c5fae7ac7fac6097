/**
 * Children: executions that a state of another one started.
 *
 * 1. A call starts one child, however often it is repeated: (parent_id, parent_key) is unique.
 * 2. A parent that waits for its child (`notify_parent`) is told of its end once, by a statement of its own after the
 *    end was committed: in the flush, the parent's row would be locked in an order that is nobody's.
 * 3. Rows are locked child first, then parent. A child that has ended is locked by nobody else.
 */
import type pg from 'pg';
import type { Arns, EndedExecution, EndStatus } from '../engine/index.js';
import type { Json } from '../std/json.js';
import { sameJson } from '../std/json.js';
import { newId } from './ids.js';
import { ADOPT_CHILD, FIND_CHILD, START_CHILD } from './sql/children.js';
import type { ReturnAddress } from './task-tokens.js';
import { WOKEN, type Woken, type WokenRow, wakeWith, wokenOf } from './waking.js';

export interface ChildStart {
  parent: ReturnAddress;
  stateMachineId: string;
  name: string;
  /** JSON text. */
  input: string;
  /** Whether its end is to be told to the parent. */
  notify: boolean;
  /** How many parents it may have, one above the other; absent: any number. */
  depthMax?: number;
}

export type ChildAnswer =
  | { kind: 'started'; child: StartedChild; created: boolean }
  /** There is one of this name that cannot be ours. */
  | { kind: 'exists' }
  /** There is no such machine, or it was deleted. */
  | { kind: 'unknownMachine' }
  /** It would have more parents than it may. */
  | { kind: 'tooDeep' };

export interface StartedChild {
  executionId: string;
  name: string;
  queue: string;
  startTimeMs: number;
  isExpress: boolean;
}

/**
 * Starts a child, or finds the one that this call started before. One of the same name and input that runs by itself is
 * taken for ours, as StartExecution is idempotent; if it is to be waited for, it becomes the parent's.
 */
export async function startChild(pool: pg.Pool, start: ChildStart): Promise<ChildAnswer> {
  const { parent, stateMachineId, name, input, notify, depthMax = DEPTH_MAX } = start;
  const { rows: made } = await pool.query<ChildRow>(START_CHILD, [
    newId(),
    stateMachineId,
    name,
    input,
    parent.executionId,
    parent.frameId,
    parent.key,
    notify,
    depthMax,
  ]);
  if (made[0] !== undefined) return { kind: 'started', child: toChild(made[0]), created: true };
  // A statement of its own: the insert may have waited for another's, which its own snapshot does not show.
  const { rows: found } = await pool.query<FoundRow>(FIND_CHILD, [
    parent.executionId,
    parent.key,
    stateMachineId,
    name,
  ]);
  const own = found.find(({ own }) => own);
  if (own !== undefined) return { kind: 'started', child: toChild(own), created: false };
  const namesake = found[0];
  if (namesake === undefined) {
    const { rows: above } = await pool.query<{ depth: number }>(
      'SELECT depth FROM executions WHERE id = $1',
      [parent.executionId],
    );
    return { kind: (above[0]?.depth ?? 0) < depthMax ? 'unknownMachine' : 'tooDeep' };
  }
  if (!namesake.running || !isSameText(namesake.input, input)) return { kind: 'exists' };
  if (notify) {
    const { rowCount } = await pool.query(ADOPT_CHILD, [
      namesake.id,
      parent.executionId,
      parent.frameId,
      parent.key,
    ]);
    // Another's child, or it has ended meanwhile: its end would never be told.
    if (rowCount !== 1) return { kind: 'exists' };
  }
  return { kind: 'started', child: toChild(namesake), created: false };
}

/** The child that a call started and waits for, while it runs. Plan: executions_parent_id_parent_key_key. */
export async function findRunningChild(
  pool: pg.Pool,
  parent: Pick<ReturnAddress, 'executionId' | 'key'>,
): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string }>(
    'SELECT id FROM executions WHERE parent_id = $1 AND parent_key = $2 AND notify_parent AND end_time IS NULL',
    [parent.executionId, parent.key],
  );
  return rows[0]?.id;
}

/**
 * Tells parents of the ends of their children; those that are not to be told, or were, are left out.
 * @returns who has been woken.
 */
export async function tellParents(pool: pg.Pool, arns: Arns, childIds: readonly string[]): Promise<Woken[]> {
  const woken: Woken[] = [];
  for (let from = 0; from < childIds.length; from += PAGE) {
    const { rows } = await pool.query<EndedRow>(READ_ENDED, [childIds.slice(from, from + PAGE)]);
    for (let next = 0; next < rows.length; next += AT_ONCE) {
      const answers = await Promise.all(
        rows.slice(next, next + AT_ONCE).map(async (row) => {
          const data = { frameId: row.parent_frame, key: row.parent_key, child: endedOf(row, arns) };
          const told = await pool.query<WokenRow>(TELL, [row.id, JSON.stringify(data)]);
          return wokenOf(told.rows[0]);
        }),
      );
      woken.push(...answers.filter((one) => one !== undefined));
    }
  }
  return woken;
}

/** Children that have ended and whose parents have not heard: what a crash left. Plan: executions_untold_idx. */
export async function untoldChildren(pool: pg.Pool, limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    'SELECT id FROM executions WHERE notify_parent AND end_time IS NOT NULL ORDER BY id LIMIT $1',
    [limit],
  );
  return rows.map(({ id }) => id);
}

/** Children that run although the parent that waits for them has ended, and that are not asked to stop yet. */
export interface OrphanedChildren {
  orphans: string[];
  /** The last that was looked at; undefined: it came to the end. */
  last: string | undefined;
}

/** Walks through the children that are waited for, a page at a time. Plan: executions_awaited_idx, then primary keys. */
export async function orphanedChildren(
  pool: pg.Pool,
  afterId: string,
  limit: number,
): Promise<OrphanedChildren> {
  const { rows } = await pool.query<{ id: string; orphan: boolean }>(
    `SELECT c.id, p.end_time IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.execution_id = c.id AND i.kind = 'stop') AS orphan
     FROM (
       SELECT id, parent_id FROM executions WHERE notify_parent AND end_time IS NULL AND id > $1 ORDER BY id LIMIT $2
     ) c LEFT JOIN executions p ON p.id = c.parent_id
     ORDER BY c.id`,
    [afterId, limit],
  );
  return {
    orphans: rows.filter(({ orphan }) => orphan).map(({ id }) => id),
    last: rows.length < limit ? undefined : rows.at(-1)?.id,
  };
}

/** Inputs and outputs of so many are held at once: some tens of MB at most. */
const PAGE = 50;
const AT_ONCE = 4;

/** The largest integer of a column. */
const DEPTH_MAX = 2 ** 31 - 1;

interface ChildRow {
  id: string;
  name: string;
  queue: string;
  start_ms: number;
  type: string | null;
}

interface FoundRow extends ChildRow {
  own: boolean;
  running: boolean;
  input: string;
}

function toChild({ id, name, queue, start_ms, type }: ChildRow): StartedChild {
  return { executionId: id, name, queue, startTimeMs: start_ms, isExpress: type === 'EXPRESS' };
}

/** The same JSON, however it is written. */
function isSameText(a: string, b: string): boolean {
  return a === b || sameJson(JSON.parse(a) as Json, JSON.parse(b) as Json);
}

interface EndedRow {
  id: string;
  name: string;
  state_machine_id: string;
  type: string | null;
  status: EndStatus;
  input: string;
  output: string | null;
  error: string | null;
  cause: string | null;
  start_ms: number;
  stop_ms: number;
  parent_frame: number;
  parent_key: string;
}

/** Plan: Index Scans on executions_pkey and state_machines_pkey. */
const READ_ENDED = `
SELECT e.id, e.name, e.state_machine_id, m.type, e.status, e.input, e.output, e.error, e.cause, e.parent_frame, e.parent_key,
  (extract(epoch FROM e.start_time) * 1000)::float8 AS start_ms, (extract(epoch FROM e.end_time) * 1000)::float8 AS stop_ms
FROM executions e LEFT JOIN state_machines m ON m.id = e.state_machine_id
WHERE e.id = ANY($1::uuid[]) AND e.notify_parent AND e.end_time IS NOT NULL AND e.parent_key IS NOT NULL`;

function endedOf(row: EndedRow, arns: Arns): EndedExecution {
  return {
    executionArn:
      row.type === 'EXPRESS'
        ? arns.express(row.state_machine_id, row.name, row.id)
        : arns.execution(row.state_machine_id, row.name),
    name: row.name,
    stateMachineArn: arns.stateMachine(row.state_machine_id),
    status: row.status,
    input: row.input,
    ...(row.output === null ? {} : { output: row.output }),
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.cause === null ? {} : { cause: row.cause }),
    startTimeMs: row.start_ms,
    stopTimeMs: row.stop_ms,
  };
}

/** Of two that tell the same, the second waits for the first and then finds nothing to tell. $1 child, $2 data. */
const TELL = `
WITH told AS (
  UPDATE executions c SET notify_parent = false WHERE c.id = $1 AND c.notify_parent AND c.end_time IS NOT NULL
  RETURNING c.parent_id AS execution_id, $2::text AS data
), ${wakeWith('told', "'childEnded'")}
SELECT ${WOKEN} FROM woken w`;
