/** Chaining: the output of one execution, or of one of its states, as the input of another. */
import { createTransform } from '../batches/index.js';
import { outputOfState } from '../engine/index.js';
import { isObject, type Json } from '../std/json.js';
import {
  type Database,
  type ExecutionFilter,
  type ExecutionRecord,
  findExecution,
  hasStateMachine,
  readDefinitions,
  readEventRows,
} from '../store/index.js';
import { refusal } from './errors.js';

type Pool = Database['pool'];

/**
 * The output of the source; of a state, the one of the last time that it was left.
 * @param transformer a checked expression that makes the input from it; undefined: it is the input.
 * @throws OperationError EXECUTION_NOT_FOUND, SOURCE_HAS_NO_OUTPUT, STATE_NOT_FOUND, TRANSFORMER_FAILED
 */
export async function sourceInput(
  { pool }: Database,
  executionId: string,
  stateName: string | undefined,
  transformer: string | undefined,
): Promise<Json> {
  const source = await findExecution(pool, executionId);
  if (source === undefined) {
    throw refusal('EXECUTION_NOT_FOUND', '/sourceExecutionId', `There is no execution '${executionId}'.`);
  }
  const output = await outputOf(pool, source, stateName);
  if (transformer === undefined) return output;
  const { name, stateMachineId, status } = source;
  const about = {
    id: source.executionId,
    name,
    stateMachineId,
    status,
    ...(stateName !== undefined && { stateName }),
  };
  const made = await createTransform(transformer)(output, about);
  if (!made.ok) throw refusal('TRANSFORMER_FAILED', '/sourceInputTransformer', made.cause);
  return made.value;
}

async function outputOf(pool: Pool, source: ExecutionRecord, stateName: string | undefined): Promise<Json> {
  const { executionId } = source;
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

/**
 * Whether sources of this machine can have been in the state: some version of it has one of this name, at any level.
 * @throws OperationError STATE_NOT_FOUND
 */
export async function checkSourceState(
  database: Database,
  stateMachineId: string,
  stateName: string | undefined,
): Promise<void> {
  if (stateName === undefined) return;
  for await (const definition of readDefinitions(database, stateMachineId)) {
    if (hasState(definition, stateName)) return;
  }
  throw refusal(
    'STATE_NOT_FOUND',
    '/filter/sourceStateName',
    `No version of the state machine '${stateMachineId}' has a state '${stateName}'.`,
  );
}

/**
 * Machines that a filter asks after: of a mistyped one nothing would ever have come.
 * @throws OperationError STATE_MACHINE_NOT_FOUND
 */
export async function checkChained(
  database: Database,
  filter: Pick<ExecutionFilter, 'chainedInto' | 'notChainedInto'>,
  pointer = '',
): Promise<void> {
  for (const field of ['chainedInto', 'notChainedInto'] as const) {
    const id = filter[field];
    if (id === undefined || (!id.includes('\0') && (await hasStateMachine(database, id)))) continue;
    throw refusal('STATE_MACHINE_NOT_FOUND', `${pointer}/${field}`, `There is no state machine '${id}'.`);
  }
}

/** A stored definition was validated, so it is not nested too deep for recursion. */
function hasState(machine: Json | undefined, name: string): boolean {
  const states = isObject(machine) ? machine['States'] : undefined;
  if (!isObject(states)) return false;
  if (Object.hasOwn(states, name)) return true;
  return Object.values(states).some((state) => {
    if (!isObject(state)) return false;
    const branches = Array.isArray(state['Branches']) ? state['Branches'] : [];
    return [...branches, state['ItemProcessor'], state['Iterator']].some((inner) => hasState(inner, name));
  });
}
