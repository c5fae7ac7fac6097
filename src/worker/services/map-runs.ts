/**
 * Map runs, as the execution whose Map state it is asks for them: begun in its own activation, ended by its
 * children, gathered at the end.
 *
 * 1. `start` may be repeated, by this worker or another: an intake begins anew until the run has begun to run,
 *    and then it is only answered.
 * 2. A database that is away fails nothing: it is tried again until it is back, or nobody waits any more.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Machine, StatesError } from '../../asl/index.js';
import {
  type Arns,
  type Call,
  type Clock,
  childInputs,
  childInputsFrom,
  distributedMapOf,
  type Entropy,
  type ExecutionAbout,
  type InvokeEffect,
  type MapRunRequest,
  type TaskOutcome,
} from '../../engine/index.js';
import {
  type ChildResult,
  ItemReaderError,
  type ObjectStore,
  ResultsTooLargeError,
  ResultWriterError,
  readSourcedItems,
  transformResults,
  writeResults,
} from '../../objects/index.js';
import { getField, isObject, type Json, type JsonObject } from '../../std/json.js';
import {
  cancelMapRun,
  type Database,
  dropMapRun,
  getMapRun,
  isUnavailable,
  type MapRunRow,
  openMapRun,
  readMapRunChildren,
  receiveMapRun,
  redriveMapRun,
  tellMapRunParents,
  writeMapRunInputs,
} from '../../store/index.js';
import type { WorkerLog } from '../runner.js';

interface MapRunsOptions {
  database: Pick<Database, 'pool'>;
  /** undefined: the operator has named no place for objects. */
  objects: ObjectStore | undefined;
  arns: Arns;
  clock: Clock;
  entropy: Entropy;
  machineOf: (stateMachineId: string, version: number) => Promise<Machine | undefined>;
  /** Rings for a leader. May reject; the sweeper rings again. */
  ringBatch: (queue: string, batchId: string) => Promise<void>;
  /** Rings for an execution that was told something; best effort. */
  ring: (queue: string, executionId: string) => void;
  log: WorkerLog;
}

export type StartMapRunCall = Extract<Call, { kind: 'startMapRun' }>;
type RedriveMapRunCall = Extract<Call, { kind: 'redriveMapRun' }>;
type FinishMapRunCall = Extract<Call, { kind: 'finishMapRun' }>;

export interface MapRuns {
  /** Makes the items into children's inputs, writes them down, and starts the run. Answers `{total}`. Never throws for what the workflow or the database did. */
  start(
    effect: InvokeEffect,
    call: StartMapRunCall,
    about: ExecutionAbout,
    signal: AbortSignal,
  ): Promise<TaskOutcome>;
  /** Begins a map run again when it has ended. Answers `{total}`, or null: it is gone. Never throws for what the database did. */
  redrive(
    effect: InvokeEffect,
    call: RedriveMapRunCall,
    about: ExecutionAbout,
    signal: AbortSignal,
  ): Promise<TaskOutcome>;
  /** The Map's result: the children's outputs in the order of the items, or where they were written. */
  finish(call: FinishMapRunCall, about: ExecutionAbout, signal: AbortSignal): Promise<TaskOutcome>;
  /** Nobody waits for it any more under the call's key. @throws what the database throws when it is away. */
  cancel(mapRunId: string, key: string): Promise<void>;
}

export function createMapRuns(options: MapRunsOptions): MapRuns {
  const { arns, log } = options;
  const { pool } = options.database;

  /** What is being taken in or up again here, by the map run's id: told when nobody waits for it any more. */
  const starting = new Map<string, AbortController>();

  return {
    start: (effect, { request }, about, signal) =>
      unlessGivenUp(request.mapRunId, effect.key, signal, (either) => start(effect, request, about, either)),
    redrive: (effect, { run }, about, signal) =>
      unlessGivenUp(run.mapRunId, effect.key, signal, (either) =>
        redrive(effect, run.mapRunId, about, either),
      ),
    finish: (call, about, signal) => untilKnown(signal, () => finish(call, about, signal)),
    cancel,
  };

  async function unlessGivenUp(
    mapRunId: string,
    key: string,
    signal: AbortSignal,
    begin: (signal: AbortSignal) => Promise<TaskOutcome>,
  ): Promise<TaskOutcome> {
    const givenUp = new AbortController();
    starting.set(mapRunId, givenUp);
    const either = AbortSignal.any([signal, givenUp.signal]);
    try {
      return await untilKnown(either, () => begin(either));
    } finally {
      starting.delete(mapRunId);
      // The cancel may have come before there was anything to cancel. A worker that shuts down cancels nothing.
      if (givenUp.signal.aborted) await cancelAgain(mapRunId, key);
    }
  }

  async function cancel(mapRunId: string, key: string): Promise<void> {
    starting.get(mapRunId)?.abort();
    const stopping = await cancelMapRun(pool, mapRunId, key);
    if (stopping !== undefined) callLeader(stopping.queue, mapRunId);
  }

  async function start(
    effect: InvokeEffect,
    request: MapRunRequest,
    about: ExecutionAbout,
    signal: AbortSignal,
  ): Promise<TaskOutcome> {
    const { mapRunId } = request;
    const attempt = randomUUID();
    const machine = await machineOf(about);
    signal.throwIfAborted();
    const before = await receiveMapRun(pool, newMapRun(effect, request, about), attempt);
    let total = before?.total ?? 0;
    if (before === undefined) {
      const counted = { items: 0 };
      try {
        const inputs = inputTexts(machine, request, counted, signal);
        total = await writeMapRunInputs(pool, mapRunId, attempt, inputs);
        signal.throwIfAborted();
        await openMapRun(pool, mapRunId, attempt, { total, items: counted.items });
      } catch (error) {
        await forget(mapRunId, attempt);
        throw error;
      }
    }
    if (total === 0 || before?.over === true) await tellParent(mapRunId);
    else callLeader(about.queue, mapRunId);
    return { ok: true, output: { total } };
  }

  async function redrive(
    effect: InvokeEffect,
    mapRunId: string,
    about: ExecutionAbout,
    signal: AbortSignal,
  ): Promise<TaskOutcome> {
    for (;;) {
      const to = { parentFrame: effect.frameId, parentKey: effect.key };
      const redriven = await redriveMapRun(pool, mapRunId, to);
      if (redriven.kind === 'gone') return { ok: true, output: null };
      if (redriven.kind === 'begun') {
        if (redriven.over) await tellParent(mapRunId);
        else callLeader(about.queue, mapRunId);
        return { ok: true, output: { total: redriven.total } };
      }
      await sleep(ENDING_MS, undefined, { signal });
    }
  }

  /** JSON texts of the children's inputs. @throws StatesError, ItemReaderError, or when the signal aborts */
  async function* inputTexts(
    machine: Machine,
    request: MapRunRequest,
    counted: { items: number },
    signal: AbortSignal,
  ): AsyncGenerator<string> {
    const env = { nowMs: options.clock.now(), entropy: options.entropy };
    const inputs =
      request.items !== undefined
        ? childInputs(machine, request, request.items, env)
        : childInputsFrom(machine, request, readItems(request), env);
    for await (const input of inputs) {
      signal.throwIfAborted();
      counted.items += request.plan.batcher === undefined ? 1 : itemsIn(input);
      const text = JSON.stringify(input);
      if (text.length > PAYLOAD_LIMIT / 3 && Buffer.byteLength(text) > PAYLOAD_LIMIT) {
        throw new StatesError(
          'States.DataLimitExceeded',
          'The input of a child workflow execution exceeds the maximum number of bytes service limit.',
        );
      }
      yield text;
    }
  }

  function readItems({ plan }: MapRunRequest): ReturnType<typeof readSourcedItems> {
    if (plan.reader === undefined) throw new Error('a map run has neither items nor a reader');
    if (options.objects === undefined) {
      throw new ItemReaderError(`There is no place to read objects from. ${NO_OBJECTS}`);
    }
    return readSourcedItems(options.objects, { ...plan.reader, maxItems: plan.reader.maxItems });
  }

  async function finish(
    { mapRunId, mapRunArn, label, writer }: FinishMapRunCall,
    about: ExecutionAbout,
    signal: AbortSignal,
  ): Promise<TaskOutcome> {
    const run = await getMapRun(pool, mapRunId);
    if (run === undefined) throw new Error(`there is no map run ${mapRunId}`);
    const express = distributedMapOf(await machineOf(about), label)?.distributed?.executionType === 'EXPRESS';
    const whole = writer !== undefined;
    const results = resultsOf(run, { express, whole }, signal);
    if (writer?.resource === undefined) {
      try {
        return { ok: true, output: await transformResults(writer?.config ?? {}, results) };
      } catch (error) {
        if (error instanceof ResultsTooLargeError) return tooLarge(run.mapState);
        throw error;
      }
    }
    if (options.objects === undefined) {
      throw new ResultWriterError(`There is no place to write objects to. ${NO_OBJECTS}`);
    }
    const target = {
      bucket: textIn(writer.parameters, 'Bucket'),
      prefix: textIn(writer.parameters, 'Prefix'),
      writer: writer.config,
      mapRunArn,
      mapRunId,
    };
    return { ok: true, output: await writeResults(options.objects, target, results) };
  }

  async function* resultsOf(
    run: MapRunRow,
    { express, whole }: { express: boolean; whole: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<ChildResult> {
    const stateMachineArn = arns.stateMachine(run.stateMachineId);
    for await (const child of readMapRunChildren(pool, run.mapRunId, { whole })) {
      signal.throwIfAborted();
      // A run is over when all its children are: none is RUNNING any more.
      const status = child.status === 'RUNNING' ? 'PENDING' : child.status;
      const name = child.executionId ?? '';
      yield {
        executionArn: express
          ? arns.express(run.stateMachineId, name, name)
          : arns.execution(run.stateMachineId, name),
        name,
        stateMachineArn,
        status,
        input: child.input,
        ...(child.output !== null && { output: child.output }),
        ...(child.error !== null && { error: child.error }),
        ...(child.cause !== null && { cause: child.cause }),
        startTimeMs: child.startTime?.getTime() ?? 0,
        stopTimeMs: child.endTime?.getTime(),
      };
    }
  }

  async function machineOf({ stateMachineId, version }: ExecutionAbout): Promise<Machine> {
    const machine = await options.machineOf(stateMachineId, version);
    if (machine === undefined) throw new Error(`there is no version ${version} of ${stateMachineId}`);
    return machine;
  }

  /** Tries again while the database is away; what the workflow's own data did is an outcome. */
  async function untilKnown(signal: AbortSignal, ask: () => Promise<TaskOutcome>): Promise<TaskOutcome> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        const failed = failureIn(error);
        if (failed !== undefined) return failed;
        if (signal.aborted) return NOBODY_WAITS;
        if (!isUnavailable(error)) throw error;
        log.warn({ err: error }, 'a map run met a fault of the database; it is tried again');
        await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async function cancelAgain(mapRunId: string, key: string): Promise<void> {
    try {
      await cancel(mapRunId, key);
    } catch (error) {
      log.warn({ err: error, mapRunId }, 'a map run could not be cancelled; it is when its parent ends');
    }
  }

  /** What cannot be removed now is swept later. */
  async function forget(mapRunId: string, attempt: string): Promise<void> {
    try {
      await dropMapRun(pool, mapRunId, attempt);
    } catch (error) {
      log.warn({ err: error, mapRunId }, 'a map run that was not taken in could not be removed yet');
    }
  }

  async function tellParent(mapRunId: string): Promise<void> {
    for (const { queue, executionId, owner } of await tellMapRunParents(pool, [mapRunId])) {
      if (owner === null) options.ring(queue, executionId);
    }
  }

  function callLeader(queue: string, mapRunId: string): void {
    options.ringBatch(queue, mapRunId).catch((error: unknown) => {
      log.warn({ err: error, mapRunId }, 'the doorbell of a map run did not ring; the sweeper will');
    });
  }
}

/** AWS's limit of an execution's input, in bytes. */
const PAYLOAD_LIMIT = 256 * 1024;

/** A restart of PostgreSQL takes some seconds. */
const AGAIN_MS = 500;

/** What a stopped execution leaves of a map run ends within moments, unless handlers do not heed their signals. */
const ENDING_MS = 200;

const NO_OBJECTS = 'Set OBJECTS_DIR, or S3_ENDPOINT with its keys, for the workers.';

/** The answer to a call that was given up: nobody reads it. */
const NOBODY_WAITS: TaskOutcome = { ok: false, error: 'States.Timeout', cause: 'Nobody waits for it.' };

function newMapRun(effect: InvokeEffect, request: MapRunRequest, about: ExecutionAbout) {
  // A nested Map's run belongs to the machine that was created, too: labels are unique in it.
  const [root] = about.stateMachineId.split('/', 1);
  return {
    mapRunId: request.mapRunId,
    stateMachineId: `${root ?? ''}/${request.label}`,
    version: about.version,
    queue: about.queue,
    parentId: about.executionId,
    parentFrame: effect.frameId,
    parentKey: effect.key,
    label: request.label,
    mapState: effect.stateName,
    maxConcurrency: request.maxConcurrency,
    toleratedCount: request.toleratedFailureCount,
    toleratedPercentage: request.toleratedFailurePercentage,
    batched: request.plan.batcher !== undefined,
  };
}

function failureIn(error: unknown): TaskOutcome | undefined {
  if (
    error instanceof StatesError ||
    error instanceof ItemReaderError ||
    error instanceof ResultWriterError
  ) {
    return { ok: false, error: error.error, cause: error.cause };
  }
  return undefined;
}

function tooLarge(stateName: string): TaskOutcome {
  const cause = `The state/task '${stateName}' returned a result with a size exceeding the maximum number of bytes service limit.`;
  return { ok: false, error: 'States.DataLimitExceeded', cause };
}

function itemsIn(input: Json): number {
  const items = isObject(input) ? getField(input, 'Items') : undefined;
  return Array.isArray(items) ? items.length : 1;
}

function textIn(parameters: JsonObject, name: string): string | undefined {
  const value = getField(parameters, name);
  return typeof value === 'string' ? value : undefined;
}
