import type { EndStatus } from '../engine/index.js';
import { Conditions, escapeLike } from './conditions.js';
import { firstIdAt, isUuid } from './ids.js';

export type ExecutionStatus = 'RUNNING' | EndStatus;

/** Which executions are meant: by lists, counts, and the sources of a batch alike. */
export interface ExecutionFilter {
  stateMachineId?: string;
  status?: ExecutionStatus;
  /** Part of the name, in any case. */
  name?: string;
  currentState?: string;
  startedAfter?: Date;
  startedBefore?: Date;
  batchId?: string;
  /** Started by a Task state of this execution. */
  parentExecutionId?: string;
  /** Whether it is paused. */
  paused?: boolean;
  /** Whether it waits for a place in its limited machine. */
  held?: boolean;
  /** Executions of this machine were started from it, and ran … */
  chainedInto?: string;
  /** … or none has yet. */
  notChainedInto?: string;
  /** Started by this schedule. */
  scheduleId?: string;
}

/** Ids are dated by the process that made them, start times by the database; they are taken to agree within a day. */
const CLOCK_SLACK_MS = 86_400_000;

/** The conditions of a filter on `executions e`, to which the statement may add its own. */
export function conditionsOf(filter: ExecutionFilter): Conditions {
  const {
    stateMachineId,
    status,
    name,
    currentState,
    startedAfter,
    startedBefore,
    batchId,
    parentExecutionId,
    paused,
    held,
    chainedInto,
    notChainedInto,
    scheduleId,
  } = filter;
  const where = new Conditions();
  if (stateMachineId !== undefined) where.add((p) => `e.state_machine_id = ${p(stateMachineId)}`);
  if (status !== undefined) where.add((p) => `e.status = ${p(status)}`);
  // Says again what the status says, for the partial index on what is open.
  if (status === 'RUNNING') where.add(() => 'e.end_time IS NULL');
  if (name !== undefined) where.add((p) => `e.name ILIKE ${p(`%${escapeLike(name)}%`)}`);
  if (currentState !== undefined) where.add((p) => `${CURRENT_STATE} = ${p(currentState)}`);
  if (batchId !== undefined) where.add((p) => (isUuid(batchId) ? `e.batch_id = ${p(batchId)}` : 'false'));
  if (parentExecutionId !== undefined) {
    where.add((p) => (isUuid(parentExecutionId) ? `e.parent_id = ${p(parentExecutionId)}` : 'false'));
    // Says what the partial index on (parent_id, parent_key) holds: a map run's children have no key.
    where.add(() => 'e.parent_key IS NOT NULL');
  }
  // What has ended is not paused.
  if (paused !== undefined) where.add(() => `e.paused_at IS ${paused ? 'NOT ' : ''}NULL`);
  if (held !== undefined) where.add(() => `e.held_at IS ${held ? 'NOT ' : ''}NULL`);
  if (chainedInto !== undefined) where.add((p) => `EXISTS (${chained(p(chainedInto))})`);
  if (notChainedInto !== undefined) where.add((p) => `NOT EXISTS (${chained(p(notChainedInto))})`);
  if (scheduleId !== undefined) where.add((p) => `e.schedule_id = ${p(scheduleId)}`);
  // The bound on the id lets the index find the range.
  if (startedAfter !== undefined) {
    where.add((p) => `e.start_time > ${p(startedAfter)}`);
    where.add((p) => `e.id >= ${p(firstIdAt(startedAfter.getTime() - CLOCK_SLACK_MS))}`);
  }
  if (startedBefore !== undefined) {
    where.add((p) => `e.start_time < ${p(startedBefore)}`);
    where.add((p) => `e.id < ${p(firstIdAt(startedBefore.getTime() + CLOCK_SLACK_MS))}`);
  }
  return where;
}

/**
 * The executions of a machine that `e` was the source of. One that ended without entering a state was never run: its
 * source had no output, or it was stopped before its turn. Index: executions_chained_idx.
 */
function chained(machine: string): string {
  return `SELECT 1 FROM executions x WHERE x.state_machine_id = ${machine} AND x.source_execution_id = e.id
    AND (x.end_time IS NULL OR x.current_state IS NOT NULL)`;
}

/**
 * The root's state. Once an execution has been claimed, the journal knows better than its own row until it
 * ends: the row is written when it parks, and not when its worker dies.
 */
export const CURRENT_STATE = `CASE WHEN e.end_time IS NOT NULL OR e.epoch = 0 THEN e.current_state ELSE coalesce(
    (SELECT j.current_state FROM journal j WHERE j.execution_id = e.id ORDER BY j.seq DESC LIMIT 1),
    e.current_state) END`;
