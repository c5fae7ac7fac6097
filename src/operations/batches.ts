import { progressOf, stopReasonOf } from '../batches/index.js';
import type { Json } from '../std/json.js';
import {
  appendSources,
  type BatchRow,
  cancelBatch,
  dropReceiving,
  findStateMachine,
  getBatch,
  hasQueue,
  hasStateMachine,
  listBatches,
  newId,
  openBatch,
  pageMembers,
  receiveBatch,
  writeInputs,
} from '../store/index.js';
import type { Deps } from './deps.js';
import { OperationError, refusal } from './errors.js';
import { guarded } from './guarded.js';
import { checkFilter, checkName, unknownQueue } from './names.js';
import { pageQuery } from './pages.js';
import { checkText, payloadText } from './payloads.js';
import { checkChained, checkSourceState } from './sources.js';
import { expressionOf } from './transformers.js';
import type { BatchFilter, BatchOperations, BatchView, CreateBatch, InputLine } from './types.js';

export function createBatchOperations(deps: Deps): BatchOperations {
  const { database, endings } = deps;
  const { pool } = database;

  return {
    create: guarded(async (stateMachineId, request) => {
      const batchId = await create(deps, stateMachineId, request);
      const waitMs = (request.waitSeconds ?? 0) * 1000;
      if (waitMs > 0) await endings.waitForEnd(batchId, waitMs, request.signal);
      return viewOf(await find(deps, batchId));
    }),

    list: guarded(async (request = {}) => {
      checkFilter(request);
      const { stateMachineId, status } = request;
      const { items, nextCursor } = await listBatches(pool, { stateMachineId, status }, pageQuery(request));
      if (items.length === 0 && stateMachineId !== undefined) await checkMachine(deps, stateMachineId);
      return { items: items.map(viewOf), nextCursor };
    }),

    get: guarded(async (id) => viewOf(await find(deps, id))),

    cancel: guarded(async (id) => {
      const cancelled = await cancelBatch(pool, id);
      if (cancelled === undefined) throw unknown(id);
      if (cancelled.over) throw new OperationError('BATCH_ENDED', `Batch '${id}' has ended already.`);
      if (cancelled.batch.endTime === null) ringForLeader(deps, cancelled.batch.queue, id);
      return viewOf(cancelled.batch);
    }),

    results: guarded(async (id, request) => {
      const page = pageQuery(request);
      const batch = await find(deps, id);
      const { items, nextCursor } = await pageMembers(pool, batch, page);
      const { error } = stopReasonOf(batch);
      // What was never created has no row that could say why.
      return {
        items: items.map((line) => (line.executionId === null ? { ...line, error } : line)),
        nextCursor,
      };
    }),
  };
}

const CONCURRENCY_DEFAULT = 10;
const CONCURRENCY_MAX = 10_000;

/** Behind the prefix come an index and, where a name is taken, a part of the batch's id; 80 in all. */
const PREFIX_MAX = 60;

/** A batch is accepted whole or not at all: what was written before a failure is removed. */
async function create(deps: Deps, stateMachineId: string, request: CreateBatch): Promise<string> {
  const { database, config } = deps;
  const { pool } = database;
  const { inputs, inputStream, filter } = request;
  checkRequest(request);
  const machine = stateMachineId.includes('\0')
    ? undefined
    : await findStateMachine(database, stateMachineId);
  if (machine === undefined) throw unknownMachine(stateMachineId);
  const queue = request.queue ?? machine.queue;
  if (request.queue !== undefined && !(await hasQueue(database, queue))) throw unknownQueue(queue);
  if (filter?.stateMachineId !== undefined) {
    await checkMachine(deps, filter.stateMachineId);
    await checkSourceState(database, filter.stateMachineId, filter.sourceStateName);
  }

  if (filter !== undefined) await checkChained(database, filter, '/filter');
  const transformer = await expressionOf(
    database,
    filter?.sourceInputTransformer,
    '/filter/sourceInputTransformer',
  );

  const batchId = newId();
  const batch = {
    batchId,
    stateMachineId,
    version: machine.version,
    mode: request.mode,
    // The end of an id is random; its beginning is the time.
    namePrefix: request.namePrefix ?? `batch-${batchId.slice(-8)}`,
    concurrency: concurrencyOf(request),
    stopOnError: request.stopOnError ?? false,
    queue,
    sourceStateName: filter?.sourceStateName,
    sourceTransformer: transformer,
    filter: filter === undefined ? undefined : (JSON.parse(JSON.stringify(filter)) as Json),
  };
  const { batchLimit = Number.POSITIVE_INFINITY } = config;
  await receiveBatch(pool, batch);
  try {
    const total =
      filter !== undefined
        ? await appendSources(pool, batch, sourcesOf(filter))
        : await writeInputs(
            pool,
            batchId,
            inputStream !== undefined
              ? within(textsOfLines(inputStream, config.payloadLimit), batchLimit)
              : within(textsOf(inputs ?? [], config.payloadLimit), batchLimit),
          );
    if (total > batchLimit) throw tooLarge(batchLimit);
    await openBatch(pool, batchId, total);
    if (total > 0) ringForLeader(deps, queue, batchId);
  } catch (error) {
    await forget(deps, batchId);
    if ((await findStateMachine(database, stateMachineId)) === undefined)
      throw unknownMachine(stateMachineId);
    throw error;
  }
  return batchId;
}

/** What cannot be removed now is swept later. */
async function forget({ database, log }: Deps, batchId: string): Promise<void> {
  try {
    await dropReceiving(database.pool, batchId);
  } catch (error) {
    log.warn({ err: error, batchId }, 'a batch that did not come in whole could not be removed yet');
  }
}

/** If the queue is down, the sweeper rings later. */
function ringForLeader({ queues, log }: Deps, queue: string, batchId: string): void {
  queues.producer
    .ringBatch(queue, batchId)
    .catch((error: unknown) => log.warn({ err: error, queue, batchId }, 'the doorbell did not ring'));
}

function checkRequest({ mode, namePrefix, concurrency, filter, inputs, inputStream }: CreateBatch): void {
  const given = [filter, inputs, inputStream].filter((source) => source !== undefined).length;
  if (given !== 1) {
    throw refusal(
      'VALIDATION_FAILED',
      '',
      'Exactly one is expected: a filter, or inputs as an array or as NDJSON.',
    );
  }
  if (namePrefix !== undefined) {
    checkName(namePrefix, '/namePrefix');
    if ([...namePrefix].length > PREFIX_MAX) {
      throw refusal('INVALID_NAME', '/namePrefix', `A name prefix has at most ${PREFIX_MAX} characters.`);
    }
  }
  if (concurrency !== undefined) checkWhole(concurrency, 1, CONCURRENCY_MAX, '/concurrency');
  if (concurrency !== undefined && mode !== 'concurrent') {
    throw refusal(
      'VALIDATION_FAILED',
      '/concurrency',
      `A concurrency needs mode 'concurrent'; a ${mode} batch ${mode === 'sequential' ? 'runs one member after another' : 'takes every slot that it gets'}.`,
    );
  }
  if (filter !== undefined) checkSources(filter);
}

function checkSources(filter: BatchFilter): void {
  checkFilter(filter);
  for (const [field, value] of Object.entries(filter)) {
    if (typeof value === 'string') checkText(value, `/filter/${field}`, 'VALIDATION_FAILED');
  }
  const { status = 'SUCCEEDED', sourceStateName } = filter;
  if (status !== 'SUCCEEDED' && sourceStateName === undefined) {
    throw refusal(
      'VALIDATION_FAILED',
      '/filter/status',
      `Executions that are ${status} have no output to be the input; name a sourceStateName, whose output is taken instead.`,
    );
  }
  if (filter.limit !== undefined) checkWhole(filter.limit, 0, COUNT_MAX, '/filter/limit');
  if (filter.offset !== undefined) checkWhole(filter.offset, 0, COUNT_MAX, '/filter/offset');
}

/** An index is an integer of PostgreSQL. */
const COUNT_MAX = 2 ** 31 - 1;

function checkWhole(value: number, min: number, max: number, pointer: string): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw refusal('VALIDATION_FAILED', pointer, `A whole number from ${min} to ${max} is expected.`);
}

/** How many members are under way at once; 0: a distributed batch has no limit of its own. */
function concurrencyOf({ mode, concurrency = CONCURRENCY_DEFAULT }: CreateBatch): number {
  switch (mode) {
    case 'distributed':
      return 0;
    case 'sequential':
      return 1;
    case 'concurrent':
      return concurrency;
  }
}

/** Without a state whose output is asked for, only those that have an output of their own. */
function sourcesOf({
  sourceStateName,
  sourceInputTransformer: _,
  ...filter
}: BatchFilter): Omit<BatchFilter, 'sourceStateName' | 'sourceInputTransformer'> {
  return sourceStateName === undefined ? { ...filter, status: 'SUCCEEDED' } : filter;
}

/** The texts of a body's lines as they come. @throws OperationError that says which one cannot be taken */
async function* textsOfLines(lines: AsyncIterable<InputLine>, limit: number): AsyncGenerator<string> {
  for await (const { line, value } of lines) yield payloadText(value, limit, `/${line}`, `Line ${line}`);
}

/** The same, no more than so many. @throws OperationError BATCH_TOO_LARGE */
async function* within(
  texts: AsyncIterable<string> | Iterable<string>,
  limit: number,
): AsyncGenerator<string> {
  let n = 0;
  for await (const text of texts) {
    if (++n > limit) throw tooLarge(limit);
    yield text;
  }
}

function tooLarge(limit: number): OperationError {
  return new OperationError('BATCH_TOO_LARGE', `A batch has at most ${limit} sources; make several of it.`);
}

/** The texts of inputs. @throws OperationError that says which one cannot be taken */
function* textsOf(inputs: Iterable<Json>, limit: number): Generator<string> {
  let n = 0;
  for (const input of inputs) yield payloadText(input, limit, `/inputs/${n++}`);
}

async function find({ database }: Deps, id: string): Promise<BatchRow> {
  const batch = await getBatch(database.pool, id);
  if (batch === undefined) throw unknown(id);
  return batch;
}

async function checkMachine({ database }: Deps, id: string): Promise<void> {
  if (!(await hasStateMachine(database, id))) throw unknownMachine(id);
}

function unknown(id: string): OperationError {
  return new OperationError('BATCH_NOT_FOUND', `There is no batch '${id}'.`);
}

function unknownMachine(id: string): OperationError {
  return new OperationError('STATE_MACHINE_NOT_FOUND', `There is no state machine '${id}'.`);
}

/** While its rest is being stopped a batch still runs. */
function viewOf(batch: BatchRow): BatchView {
  const { batchId, stateMachineId, version, mode, namePrefix, concurrency, stopOnError, queue } = batch;
  const { status, total, started, succeeded, failed, aborted, createdAt, endTime } = batch;
  return {
    batchId,
    stateMachineId,
    version,
    mode,
    status: status === 'STOPPING' || status === 'CANCELLING' ? 'RUNNING' : status,
    namePrefix,
    concurrency,
    stopOnError,
    queue,
    total,
    started,
    succeeded,
    failed,
    aborted,
    ...progressOf(batch),
    createdAt,
    endTime,
  };
}
