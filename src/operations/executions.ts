import { deriveStateRecords, type HistoryEvent, toAwsEvent } from '../engine/index.js';
import type { Json } from '../std/json.js';
import {
  countExecutions,
  createStarts,
  deliverSignal,
  type ExecutionRecord,
  findExecution,
  hasQueue,
  hasStateMachine,
  listExecutions,
  markWaited,
  newId,
  readEventRows,
  readHistory,
  type Starts,
} from '../store/index.js';
import { type Deps, ringSoon } from './deps.js';
import { OperationError, refusal } from './errors.js';
import { guarded } from './guarded.js';
import { readLinks } from './links.js';
import { checkFilter, checkName, unknownQueue } from './names.js';
import { pageQuery } from './pages.js';
import { checkLine, payloadText } from './payloads.js';
import { decodePosition, encodePosition } from './positions.js';
import { checkChained, sourceInput } from './sources.js';
import { expressionOf } from './transformers.js';
import type { ExecutionOperations, ExecutionView, StartExecution } from './types.js';

export function createExecutionOperations(deps: Deps): ExecutionOperations {
  const { database, endings } = deps;
  const { pool } = database;
  const starter: Starter = { deps, starts: createStarts(database), knownQueues: new Set() };

  return {
    start: guarded(async (stateMachineId, request, { waitSeconds = 0, signal } = {}) => {
      const waitMs = waitSeconds * 1000;
      const started = await start(starter, stateMachineId, request, { waited: waitMs > 0 });
      if (waitMs <= 0 || started.execution.endTime !== null) return viewOf(started.execution);
      if (!started.created) await markWaited(pool, started.execution.executionId);
      await endings.waitForEnd(started.execution.executionId, waitMs, signal);
      return viewOf(await findOrRefuse(deps, started.execution.executionId));
    }),

    enqueue: guarded(async ({ stateMachineId, at, ...request }) => {
      checkFilter({ at });
      const { execution } = await start(starter, stateMachineId, request, { at });
      return viewOf(execution);
    }),

    list: guarded(async (request = {}) => {
      checkFilter(request);
      await checkChained(deps.database, request);
      const { items, nextCursor } = await listExecutions(pool, request, pageQuery(request));
      if (items.length === 0) await checkMachine(deps, request.stateMachineId);
      return { items: items.map(viewOf), nextCursor };
    }),

    count: guarded(async (filter = {}) => {
      checkFilter(filter);
      await checkChained(deps.database, filter);
      const count = await countExecutions(pool, filter);
      if (count === 0) await checkMachine(deps, filter.stateMachineId);
      return { count };
    }),

    get: guarded(async (id) => viewOf(await findOrRefuse(deps, id))),

    history: guarded(async (id, { reverse = false, ...request } = {}) => {
      const page = pageQuery(request);
      const { executionId } = await findOrRefuse(deps, id);
      const { items, nextCursor } = await readHistory(pool, executionId, { ...page, reverse });
      return {
        items: items.map((event) => ({ ...toAwsEvent(event), timestamp: new Date(event.timestamp) })),
        nextCursor,
      };
    }),

    states: guarded(async (id, request) => {
      const { limit, cursor } = pageQuery(request);
      const from = cursor === undefined ? 0 : decodePosition('states', cursor);
      const { executionId } = await findOrRefuse(deps, id);
      // Which record an event belongs to follows from all events before it, so there is no shorter way.
      const events: HistoryEvent[] = [];
      for await (const row of readEventRows(pool, executionId)) events.push(...row);
      const records = deriveStateRecords(events);
      const items = records
        .slice(from, from + limit)
        .map(({ startTimeMs, endTimeMs, cause: _, ...record }) => ({
          ...record,
          output: record.output ?? null,
          error: record.error ?? null,
          startTime: new Date(startTimeMs),
          endTime: endTimeMs === undefined ? null : new Date(endTimeMs),
        }));
      return {
        items,
        nextCursor: records.length > from + limit ? encodePosition('states', from + limit) : null,
      };
    }),

    links: guarded(async (id, request) => {
      const page = pageQuery(request);
      const { executionId } = await findOrRefuse(deps, id);
      return readLinks(pool, executionId, page);
    }),

    stop: guarded(async (id, reason = {}) => {
      checkLine(reason.error, ERROR_MAX, '/error');
      checkLine(reason.cause, CAUSE_MAX, '/cause');
      const { executionId } = await findOrRefuse(deps, id);
      // First, so that the end is told even if it comes with the next statement.
      await markWaited(pool, executionId);
      const { found, ended, owner, queue } = await deliverSignal(pool, executionId, 'stop', reason);
      if (!found) throw unknown(id);
      if (ended) throw new OperationError('EXECUTION_ENDED', `Execution '${id}' has ended already.`);
      if (owner === null) ringSoon(deps, queue, [executionId]);
      await endings.waitForEnd(executionId, STOP_WAIT_MS);
      return viewOf(await findOrRefuse(deps, executionId));
    }),
  };
}

/** Long enough for a worker to hear of it, short enough for who waits. */
const STOP_WAIT_MS = 2_000;

/** AWS's limits on what StopExecution takes. */
const ERROR_MAX = 256;
const CAUSE_MAX = 32_768;

interface Starter {
  deps: Deps;
  starts: Starts;
  /** Queues that were found. None is ever removed, so what is in here stays true. */
  knownQueues: Set<string>;
}

interface Started {
  execution: ExecutionRecord;
  created: boolean;
}

async function start(
  { deps, starts, knownQueues }: Starter,
  stateMachineId: string,
  request: StartExecution,
  { at, waited = false }: { at?: Date | undefined; waited?: boolean },
): Promise<Started> {
  const { name = newId(), queue, sourceExecutionId, sourceStateName } = request;
  checkName(name);
  const input = await inputOf(deps, request);
  if (queue !== undefined && !knownQueues.has(queue)) {
    if (!(await hasQueue(deps.database, queue))) throw unknownQueue(queue);
    knownQueues.add(queue);
  }
  if (stateMachineId.includes('\0')) throw unknownMachine(stateMachineId);

  const answer = await starts.start({
    stateMachineId,
    name,
    input: payloadText(input, deps.config.payloadLimit),
    queue,
    at,
    waited,
    sourceExecutionId,
    sourceStateName,
  });
  switch (answer.kind) {
    case 'created':
      // What is held is rung for by who lets it in.
      if (answer.execution.heldAt === null)
        ringSoon(deps, answer.execution.queue, [answer.execution.executionId], at);
      return { execution: answer.execution, created: true };
    case 'existing':
      return { execution: answer.execution, created: false };
    case 'conflict':
      throw refusal(
        'EXECUTION_EXISTS',
        '/name',
        `There is an execution '${name}' of this state machine with another input: ${answer.execution.executionId}.`,
      );
    case 'unknownMachine':
      throw unknownMachine(stateMachineId);
    default:
      return answer satisfies never;
  }
}

async function inputOf(deps: Deps, request: StartExecution): Promise<Json> {
  const { input, sourceExecutionId, sourceStateName, sourceInputTransformer } = request;
  if (sourceExecutionId === undefined) {
    if (sourceInputTransformer !== undefined) {
      throw refusal(
        'VALIDATION_FAILED',
        '/sourceInputTransformer',
        'sourceInputTransformer needs a sourceExecutionId.',
      );
    }
    if (sourceStateName === undefined) return input === undefined ? {} : input;
    throw refusal('VALIDATION_FAILED', '/sourceStateName', 'sourceStateName needs a sourceExecutionId.');
  }
  if (input !== undefined) {
    throw refusal(
      'VALIDATION_FAILED',
      '/input',
      'The input comes from the source; leave out one of the two.',
    );
  }
  const transformer = await expressionOf(deps.database, sourceInputTransformer, '/sourceInputTransformer');
  return sourceInput(deps.database, sourceExecutionId, sourceStateName, transformer);
}

/** @throws OperationError EXECUTION_NOT_FOUND */
export async function findOrRefuse({ database }: Deps, id: string): Promise<ExecutionRecord> {
  const execution = await findExecution(database.pool, id);
  if (execution === undefined) throw unknown(id);
  return execution;
}

/** An empty list of what does not exist is a mistake; of a machine that was deleted, it is not. */
async function checkMachine({ database }: Deps, id: string | undefined): Promise<void> {
  if (id !== undefined && !(await hasStateMachine(database, id))) throw unknownMachine(id);
}

function unknown(id: string): OperationError {
  return new OperationError('EXECUTION_NOT_FOUND', `There is no execution '${id}'.`);
}

function unknownMachine(id: string): OperationError {
  return new OperationError('STATE_MACHINE_NOT_FOUND', `There is no state machine '${id}'.`);
}

/** What was stored was JSON. */
export function viewOf({ input, output, ...execution }: ExecutionRecord): ExecutionView {
  return {
    ...execution,
    input: JSON.parse(input) as Json,
    output: output === null ? null : (JSON.parse(output) as Json),
  };
}
