/** Which executions are meant: by lists, counts, and the sources of a batch alike. */
export interface ExecutionFilter {
  stateMachineId?: string | undefined;
  status?: string | undefined;
  /** Part of the name, in any case. */
  name?: string | undefined;
  /** The root's state: where it stands now, or where it ended. */
  currentState?: string | undefined;
  startedAfter?: Date | undefined;
  startedBefore?: Date | undefined;
  batchId?: string | undefined;
}

/**
 * The conditions of a filter on `executions e`, joined by AND; `true` for an empty filter.
 * Appends to `values` what the conditions refer to as $n, so a statement may have values of its own before.
 */
export function executionConditions(filter: ExecutionFilter, values: unknown[]): string {
  const conditions: string[] = [];
  const add = (value: unknown, condition: (parameter: string) => string): void => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  add(filter.stateMachineId, (p) => `e.state_machine_id = ${p}`);
  add(filter.status, (p) => `e.status = ${p}`);
  add(filter.name, (p) => `strpos(lower(e.name), lower(${p})) > 0`);
  add(filter.currentState, (p) => `${CURRENT_STATE} = ${p}`);
  add(filter.startedAfter, (p) => `e.start_time > ${p}`);
  add(filter.startedBefore, (p) => `e.start_time < ${p}`);
  add(filter.batchId, (p) => `e.batch_id = ${p}`);
  return conditions.length === 0 ? 'true' : conditions.join(' AND ');
}

/**
 * Where an execution stands. Its own row knows as of the last park or end; while it is under way the last
 * checkpoint knows better. One probe of the journal's primary key for each execution that has not ended.
 */
export const CURRENT_STATE = `CASE WHEN e.end_time IS NOT NULL THEN e.current_state ELSE (
  SELECT j.current_state FROM journal j WHERE j.execution_id = e.id ORDER BY j.seq DESC LIMIT 1) END`;
