/** Chaining: the output of one execution, or of one of its states, as the input of another. */
import { outputOfState } from '../engine/index.js';
import type { Json } from '../std/json.js';
import { type Database, findExecution, readEventRows } from '../store/index.js';
import { refusal } from './errors.js';

/**
 * The output of the source; of a state, the one of the last time that it was left.
 * @throws OperationError EXECUTION_NOT_FOUND, SOURCE_HAS_NO_OUTPUT, STATE_NOT_FOUND
 */
export async function sourceInput(
  { pool }: Database,
  executionId: string,
  stateName: string | undefined,
): Promise<Json> {
  const source = await findExecution(pool, executionId);
  if (source === undefined) {
    throw refusal('EXECUTION_NOT_FOUND', '/sourceExecutionId', `There is no execution '${executionId}'.`);
  }
  if (stateName === undefined) {
    if (source.output !== null) return JSON.parse(source.output) as Json; // what was stored was JSON
    throw refusal(
      'SOURCE_HAS_NO_OUTPUT',
      '/sourceExecutionId',
      `Execution '${executionId}' is ${source.status} and has no output.`,
    );
  }
  // From the end, since the last time is what counts.
  let entered = false;
  for await (const events of readEventRows(pool, executionId, { reverse: true })) {
    const output = outputOfState(events, stateName);
    if (output !== undefined) return output;
    entered ||= events.some(
      ({ type, details }) => type.endsWith('StateEntered') && details?.['name'] === stateName,
    );
  }
  if (entered) {
    throw refusal(
      'SOURCE_HAS_NO_OUTPUT',
      '/sourceStateName',
      `State '${stateName}' of execution '${executionId}' was never left.`,
    );
  }
  throw refusal(
    'STATE_NOT_FOUND',
    '/sourceStateName',
    `Execution '${executionId}' has not been in a state '${stateName}'.`,
  );
}
