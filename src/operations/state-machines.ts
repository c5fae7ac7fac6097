import type { Json } from '../std/json.js';
import {
  changeStateMachine,
  createStateMachine,
  deleteStateMachine,
  deliverSignal,
  executionStatistics,
  findStateMachine,
  hasStateMachine,
  listOpenBatches,
  listOpenExecutions,
  listStateMachines,
  listVersions,
  MACHINE_QUEUE_WEIGHT,
  type MachineType,
  type StateMachineRecord,
} from '../store/index.js';
import { checkType, readDefinition, validate } from './definitions.js';
import { type Deps, ringSoon } from './deps.js';
import { OperationError, refusal } from './errors.js';
import { guarded } from './guarded.js';
import { checkFilter, checkStateMachineId, checkStateMachineName, slugOf, unknownQueue } from './names.js';
import { pageQuery } from './pages.js';
import { checkLine, payloadText } from './payloads.js';
import { checkRecovery } from './recovery.js';
import type {
  BatchOperations,
  CreateStateMachine,
  ExecutionStatus,
  StateMachineOperations,
  StateMachineView,
  StatusStatistics,
} from './types.js';

export function createStateMachineOperations(
  deps: Deps,
  batches: Pick<BatchOperations, 'cancel'>,
): StateMachineOperations {
  const { database } = deps;
  return {
    create: guarded((request) => create(deps, request)),

    list: guarded(async (request = {}) => {
      checkFilter(request);
      const { items, nextCursor } = await listStateMachines(database, request, pageQuery(request));
      return { items: items.map(viewOf), nextCursor };
    }),

    get: guarded(async (id) => {
      const machine = await findStateMachine(database, id);
      if (machine === undefined) throw unknown(id);
      return viewOf(machine);
    }),

    update: guarded(
      async (id, { name, description, definition, queue, metadata, roleArn, recovery, ...limits }) => {
        if (name !== undefined) checkStateMachineName(name);
        checkLine(description, DESCRIPTION_MAX, '/description');
        checkMetadata(metadata);
        checkLine(roleArn, ROLE_ARN_MAX, '/roleArn');
        const type = definition === undefined ? undefined : await typeOf(deps, id);
        const outcome = await changeStateMachine(database, id, {
          ...(name === undefined ? {} : { name }),
          ...(description === undefined ? {} : { description }),
          ...(queue === undefined ? {} : { queue }),
          ...(metadata === undefined ? {} : { metadata }),
          ...(roleArn === undefined ? {} : { roleArn }),
          ...(recovery === undefined ? {} : { recovery: checkRecovery(recovery, deps.config.payloadLimit) }),
          ...limits,
          ...(definition === undefined ? {} : { definition: readDefinition(definition, type) }),
        });
        switch (outcome.kind) {
          case 'changed':
            return viewOf(outcome.machine);
          case 'unknown':
            throw unknown(id);
          case 'unknownQueue':
            throw unknownQueue(queue ?? '');
          default:
            return outcome satisfies never;
        }
      },
    ),

    remove: guarded(async (id, { force = false } = {}) => {
      const { kind } = await deleteStateMachine(database, id, { force });
      if (kind === 'unknown') throw unknown(id);
      if (kind === 'inUse') {
        throw new OperationError(
          'STATE_MACHINE_IN_USE',
          `Executions of '${id}' are running, or schedules would start more; force stops and pauses them.`,
        );
      }
      return { stateMachineId: id, stopped: force ? await stopAll(deps, batches, id) : 0 };
    }),

    versions: guarded(async (id, request) => {
      const page = await listVersions(database, id, pageQuery(request));
      if (page === undefined) throw unknown(id);
      return page;
    }),

    validate: guarded(async (definition, type = 'STANDARD') => {
      return validate(definition, checkType(type));
    }),

    statistics: guarded(async (id, range = {}) => {
      checkFilter(range);
      // Those of a deleted machine can be counted as its executions can be listed.
      if (!(await hasStateMachine(database, id))) throw unknown(id);
      const found = await executionStatistics(database.pool, { ...range, stateMachineId: id });
      const byStatus = new Map(found.map((row) => [row.status, row]));
      return {
        stateMachineId: id,
        statuses: STATUSES.map((status) => byStatus.get(status) ?? noneOf(status)),
      };
    }),
  };
}

const DESCRIPTION_MAX = 4_096;
/** AWS's limit. */
const ROLE_ARN_MAX = 256;
const METADATA_LIMIT = 64 * 1024;

/** How many ids are tried that are made from a name. */
const SLUG_TRIES = 100;

const STATUSES: readonly ExecutionStatus[] = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'];

async function create(deps: Deps, request: CreateStateMachine): Promise<StateMachineView> {
  const { id, name, description = null, queue, metadata = null, roleArn = null } = request;
  checkStateMachineName(name);
  if (id !== undefined) checkStateMachineId(id);
  const type = checkType(request.type ?? 'STANDARD');
  checkLine(roleArn, ROLE_ARN_MAX, '/roleArn');
  checkLine(description, DESCRIPTION_MAX, '/description');
  checkMetadata(metadata);
  const recovery = checkRecovery(request.recovery ?? null, deps.config.payloadLimit);
  const definition = readDefinition(request.definition, type);
  const slug = slugOf(name);

  for (let attempt = 1; attempt <= SLUG_TRIES; attempt++) {
    const stateMachineId = id ?? (attempt === 1 ? slug : `${slug}-${attempt}`);
    // An id that was made up must not bring a deleted machine back to life.
    if (id === undefined && (await hasStateMachine(deps.database, stateMachineId))) continue;
    const weight = deps.config.queueWeights[stateMachineId] ?? MACHINE_QUEUE_WEIGHT;
    const outcome = await createStateMachine(deps.database, {
      stateMachineId,
      name,
      description,
      type,
      queue,
      weight,
      metadata,
      definition,
      roleArn,
      recovery,
      maxConcurrentExecutions: request.maxConcurrentExecutions ?? null,
      startsPerSecond: request.startsPerSecond ?? null,
    });
    switch (outcome.kind) {
      case 'created':
        return viewOf(outcome.machine);
      case 'unknownQueue':
        throw unknownQueue(queue ?? '');
      case 'exists':
        if (id === undefined) break;
        throw refusal('STATE_MACHINE_EXISTS', '/id', `There is a state machine '${id}' already.`);
      case 'queueTaken':
        if (id === undefined) break;
        throw refusal(
          'INVALID_NAME',
          '/id',
          `'${id}' is the name of a queue; name that as the queue, or choose another id.`,
        );
      default:
        return outcome satisfies never;
    }
  }
  throw refusal(
    'STATE_MACHINE_EXISTS',
    '/name',
    `'${slug}' and ids like it are taken; give the state machine an id.`,
  );
}

/** What its definitions are validated as. */
async function typeOf({ database }: Deps, id: string): Promise<MachineType> {
  const machine = await findStateMachine(database, id);
  if (machine === undefined) throw unknown(id);
  return machine.type === 'EXPRESS' ? 'EXPRESS' : 'STANDARD';
}

function checkMetadata(metadata: Json | undefined): void {
  if (metadata !== undefined) payloadText(metadata, METADATA_LIMIT, '/metadata');
}

/** Asks everything of a deleted machine to stop: its batches first, so that they make no more executions. */
async function stopAll(deps: Deps, batches: Pick<BatchOperations, 'cancel'>, id: string): Promise<number> {
  for (const batchId of await listOpenBatches(deps.database, id)) {
    await batches.cancel(batchId).catch((error: unknown) => {
      // It ended meanwhile: as well.
      if (
        !(
          error instanceof OperationError &&
          (error.code === 'BATCH_ENDED' || error.code === 'BATCH_NOT_FOUND')
        )
      )
        throw error;
    });
  }
  const reason = { error: 'States.Runtime', cause: `State machine ${id} has been deleted` };
  let stopped = 0;
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const ids = await listOpenExecutions(deps.database, id, after);
    const last = ids.at(-1);
    if (last === undefined) return stopped;
    after = last;
    for (let from = 0; from < ids.length; from += STOPS_AT_ONCE) {
      const answers = await Promise.all(
        ids.slice(from, from + STOPS_AT_ONCE).map(async (executionId) => {
          const { found, ended, owner, queue } = await deliverSignal(
            deps.database.pool,
            executionId,
            'stop',
            reason,
          );
          if (found && !ended && owner === null) ringSoon(deps, queue, [executionId]);
          return found && !ended;
        }),
      );
      stopped += answers.filter(Boolean).length;
    }
  }
}

/** Each is a statement of one row, so that none waits for another's lock; some at once, to use the pool but leave room. */
const STOPS_AT_ONCE = 4;

function unknown(id: string): OperationError {
  return new OperationError('STATE_MACHINE_NOT_FOUND', `There is no state machine '${id}'.`);
}

function viewOf({ type, ...machine }: StateMachineRecord): StateMachineView {
  return { ...machine, type: type === 'EXPRESS' ? 'EXPRESS' : 'STANDARD' };
}

function noneOf(status: ExecutionStatus): StatusStatistics {
  return {
    status,
    count: 0,
    averageMs: null,
    minMs: null,
    maxMs: null,
    p50Ms: null,
    p95Ms: null,
    p99Ms: null,
    first: null,
    last: null,
  };
}
