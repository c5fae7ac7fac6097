import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Call, createArns, type InvokeEffect, type ReleaseEffect } from '../../src/engine/index.js';
import {
  answerToken,
  createActivity,
  type Database,
  deliverMessage,
  issueToken,
  leaseTask,
  newId,
  readSignals,
} from '../../src/store/index.js';
import { createFunctions, type Handlers } from '../../src/tasks/index.js';
import { createForgotten } from '../../src/worker/forgotten.js';
import { createServices } from '../../src/worker/services/index.js';
import type { MapRuns } from '../../src/worker/services/map-runs.js';
import { rememberingLog } from '../setup/log.js';
import { makeMachine, openStore, putExecution } from '../store/fixtures.js';

let database: Database;
let close: () => Promise<void>;
let rung: string[] = [];
const arns = createArns({ region: 'us-east-1', accountId: '000000000000' });
const ring = (queue: string, id: string): void => {
  rung.push(`${queue} ${id}`);
};

/** Map runs have tests of their own (map-runs.test.ts); here they are not asked for. */
const mapRuns: MapRuns = {
  start: () => Promise.reject(new Error('not here')),
  redrive: () => Promise.reject(new Error('not here')),
  finish: () => Promise.reject(new Error('not here')),
  cancel: () => Promise.reject(new Error('not here')),
};

beforeAll(async () => {
  ({ database, close } = await openStore(8));
  await makeMachine(database, 'child');
});
afterAll(() => close());
beforeEach(() => {
  rung = [];
});

function services(
  handlers: Handlers = {},
  on: Database = database,
  log = rememberingLog(),
  nestingLimit = 0,
) {
  const functions = createFunctions({ handlers, arnOf: (name) => name, logFor: () => log });
  return createServices({ database: on, functions, mapRuns, arns, ring, log, nestingLimit });
}

async function waiting(): Promise<string> {
  return putExecution(database, { wake_at: null });
}

function effectOf(executionId: string, call: Call, event = 3): InvokeEffect {
  const key = `${executionId}/${event}`;
  return { kind: 'invoke', frameId: 1, key, call, stateName: 'S', attempt: 0, timeoutAtMs: undefined };
}

function aboutOf(executionId: string) {
  return { executionId, executionName: executionId, stateMachineId: 'm', version: 1, queue: 'm' };
}

const patient = { signal: new AbortController().signal, heartbeat: () => undefined };

async function invoke(call: Call, tasks = services(), executionId?: string) {
  const id = executionId ?? (await waiting());
  return tasks.invoke(effectOf(id, call), aboutOf(id), patient);
}

function release(executionId: string, awaited: ReleaseEffect['awaited'], event = 3) {
  const key = `${executionId}/${event}`;
  return services().release({ kind: 'release', frameId: 1, key, awaited }, aboutOf(executionId));
}

const START = { kind: 'startExecution', stateMachine: 'child', input: '{}', sync: true } as const;

/** The database, whose pool cannot be reached so many times. */
function unreachable(times: number): { database: Database; tried: () => number } {
  let tried = 0;
  const pool = new Proxy(database.pool, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (name !== 'query') return typeof member === 'function' ? member.bind(target) : member;
      return (...values: unknown[]) => {
        if (tried++ < times)
          return Promise.reject(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }));
        return Reflect.apply(target.query, target, values);
      };
    },
  });
  return { database: { ...database, pool }, tried: () => tried };
}

describe('a database that is away', () => {
  test('fails no task: what was asked for is asked for again until it works', async () => {
    const away = unreachable(2);
    const log = rememberingLog();
    const outcome = await invoke({ ...START, name: 'patience' }, services({}, away.database, log));
    expect(outcome).toMatchObject({ ok: true });
    expect(away.tried()).toBe(3);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  test('is not asked any more when nobody waits', async () => {
    const id = await waiting();
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 150);
    const away = unreachable(1_000);
    const call = { signal: controller.signal, heartbeat: () => undefined };
    const outcome = await services({}, away.database).invoke(effectOf(id, START), aboutOf(id), call);
    expect(outcome).toMatchObject({ ok: false });
    expect(away.tried()).toBeLessThan(6);
  });

  test('does not keep a release from coming back', async () => {
    const id = await waiting();
    const away = unreachable(1_000);
    const effect = {
      kind: 'release',
      frameId: 1,
      key: `${id}/3`,
      awaited: { kind: 'token', token: 't' },
    } as const;
    await services({}, away.database).release(effect, aboutOf(id));
    expect(away.tried()).toBe(1);
  });
});

describe('a function', () => {
  test('is not called any more when it was cancelled while its token was written down', async () => {
    const id = await waiting();
    let called = 0;
    const tasks = services({ ask: () => ++called });
    const call = { kind: 'function', functionName: 'ask', input: null, token: newId() } as const;
    const cancelled = new AbortController();
    const answered = tasks.invoke(effectOf(id, call), aboutOf(id), { ...patient, signal: cancelled.signal });
    cancelled.abort();
    expect(await answered).toMatchObject({ ok: false });
    expect(called).toBe(0);
  });

  test('can have its token answered before it has returned', async () => {
    const token = newId();
    const seen: string[] = [];
    const early: Handlers = {
      ask: async (input: { token: string }) => {
        const answer = await answerToken(database.pool, input.token, { kind: 'tokenSucceeded', output: 1 });
        seen.push(answer.kind);
      },
    };
    const call = { kind: 'function', functionName: 'ask', input: { token }, token } as const;
    const id = await waiting();
    expect(await invoke(call, services(early), id)).toEqual({ ok: true, output: null });
    expect(seen).toEqual(['delivered']);
    // Called again after a crash, it finds its token answered.
    await invoke(call, services(early), id);
    expect(seen).toEqual(['delivered', 'gone']);
  });
});

describe('a child execution', () => {
  test('is started once for a call, under a name that follows from it, and rung for', async () => {
    const id = await waiting();
    const first = await invoke(START, services(), id);
    expect(await invoke(START, services(), id)).toEqual(first);
    if (!first.ok) throw new Error(first.error);
    const { executionId, executionArn } = first.output as Record<string, string>;
    expect(executionArn).toMatch(
      /^arn:aws:states:us-east-1:000000000000:execution:child:[0-9a-f]{8}-[0-9a-f]{4}-8/,
    );
    expect(rung).toEqual([`child ${executionId}`, `child ${executionId}`]);
    const other = await services().invoke(effectOf(id, START, 9), aboutOf(id), patient);
    expect(other).not.toEqual(first);
  });

  test('that cannot be started fails in the words of AWS', async () => {
    const arn = 'arn:aws:states:eu-west-1:123456789012:stateMachine:nobody';
    expect(await invoke({ ...START, stateMachine: arn })).toEqual({
      ok: false,
      error: 'StateMachineDoesNotExist',
      cause: `State Machine Does Not Exist: '${arn}'`,
    });
    expect(await invoke({ ...START, name: 'a b' })).toEqual({
      ok: false,
      error: 'InvalidName',
      cause: "Invalid Name: 'a b'",
    });
    expect(await invoke({ ...START, input: '{' })).toMatchObject({ error: 'InvalidExecutionInput' });
    await invoke({ ...START, name: 'taken' });
    expect(await invoke({ ...START, name: 'taken' })).toEqual({
      ok: false,
      error: 'ExecutionAlreadyExists',
      cause: "Execution Already Exists: 'arn:aws:states:us-east-1:000000000000:execution:child:taken'",
    });
  });

  test('that is let go while it is being started is stopped once it is there', async () => {
    const id = await waiting();
    const tasks = services();
    const starting = tasks.invoke(effectOf(id, START), aboutOf(id), patient);
    const key = `${id}/3`;
    await tasks.release({ kind: 'release', frameId: 1, key, awaited: { kind: 'child' } }, aboutOf(id));
    const answer = await starting;
    if (!answer.ok) throw new Error(answer.error);
    const { executionId } = answer.output as Record<string, string>;
    expect(await readSignals(database.pool, executionId ?? '', 0)).toMatchObject([{ kind: 'stop' }]);
  });

  test('is asked to stop when nobody waits for it any more', async () => {
    const id = await waiting();
    const answer = await invoke(START, services(), id);
    if (!answer.ok) throw new Error(answer.error);
    const { executionId } = answer.output as Record<string, string>;
    rung = [];
    await release(id, { kind: 'child' });
    expect(await readSignals(database.pool, executionId ?? '', 0)).toMatchObject([
      { kind: 'stop', data: {} },
    ]);
    expect(rung).toEqual([`child ${executionId}`]);
    await release(await waiting(), { kind: 'child' });
  });
});

describe('an answer to a token', () => {
  test('can come from a workflow, and is refused in the words of AWS', async () => {
    const token = newId();
    await invoke({ kind: 'function', functionName: 'ask', input: null, token }, services({ ask: () => 1 }));
    const send = (call: object) =>
      invoke({ kind: 'sendTaskResult', result: 'success', token, output: '{"a":1}', ...call } as Call);
    expect(await send({ token: 'none' })).toEqual({
      ok: false,
      error: 'InvalidToken',
      cause: "Invalid Token: 'Invalid token'",
    });
    expect(await send({ output: '{' })).toMatchObject({ ok: false, error: 'InvalidOutput' });
    expect(await send({ result: 'heartbeat' })).toEqual({ ok: true, output: {} });
    expect(await send({})).toEqual({ ok: true, output: {} });
    expect(await send({ result: 'failure' })).toEqual({
      ok: false,
      error: 'TaskTimedOut',
      cause: "Task Timed Out: 'Provided task does not exist anymore'",
    });
  });

  test('that a workflow has given is known again when its call is made again, and no other is', async () => {
    const asker = await waiting();
    const token = newId();
    const ask = { kind: 'function', functionName: 'ask', input: null, token } as const;
    await invoke(ask, services({ ask: () => 1 }), asker);
    const send = { kind: 'sendTaskResult', result: 'success', token, output: '1' } as const;
    const sender = await waiting();
    const both = await Promise.all([1, 2].map(() => invoke(send, services(), sender)));
    expect(both).toEqual([
      { ok: true, output: {} },
      { ok: true, output: {} },
    ]);
    expect(await invoke(send)).toMatchObject({ ok: false, error: 'TaskTimedOut' });
    expect(await readSignals(database.pool, asker, 0)).toMatchObject([{ kind: 'tokenSucceeded' }]);
  });

  test('of an execution that has ended is refused however often it is given', async () => {
    const ended = await putExecution(database, { status: 'ABORTED', end_time: new Date() });
    const token = newId();
    await issueToken(database.pool, token, { executionId: ended, frameId: 1, key: `${ended}/3` });
    const send = { kind: 'sendTaskResult', result: 'failure', token } as const;
    const sender = await waiting();
    for (let time = 0; time < 2; time++)
      expect(await invoke(send, services(), sender)).toMatchObject({ ok: false, error: 'TaskTimedOut' });
  });
});

test('a child is not given more than a payload may have, nor started deeper than executions may nest', async () => {
  const id = await waiting();
  const large = JSON.stringify('x'.repeat(256 * 1024));
  expect(await invoke({ ...START, input: large }, services(), id)).toMatchObject({
    ok: false,
    error: 'States.DataLimitExceeded',
  });
  await database.pool.query('UPDATE executions SET depth = 3 WHERE id = $1', [id]);
  const limited = (depth: number) => services({}, database, rememberingLog(), depth);
  expect(await invoke(START, limited(3), id)).toMatchObject({ ok: false, error: 'ExecutionLimitExceeded' });
  expect(await invoke(START, limited(4), id)).toMatchObject({ ok: true });
});

describe('an activity', () => {
  test('is looked for, offered a task once, and the task is void when nobody waits', async () => {
    const activityArn = arns.activity('work');
    expect(await invoke({ kind: 'findActivity', activityArn })).toEqual({
      ok: false,
      error: 'ActivityDoesNotExist',
      cause: `Activity Does Not Exist: '${activityArn}'`,
    });
    await createActivity(database.pool, 'work');
    expect(await invoke({ kind: 'findActivity', activityArn })).toEqual({ ok: true, output: null });
    const token = newId();
    const id = await waiting();
    const offer = { kind: 'offerTask', activityArn, token, input: { n: 1 } } as const;
    await invoke(offer, services(), id);
    await invoke(offer, services(), id);
    expect(await leaseTask(database.pool, 'work', 'eve')).toMatchObject({ token, input: '{"n":1}' });
    expect(await leaseTask(database.pool, 'work', 'eve')).toBeUndefined();
    await release(id, { kind: 'activity', token });
    expect(await answerToken(database.pool, token, { kind: 'tokenHeartbeat' })).toEqual({ kind: 'gone' });
  });
});

describe('a wait for a message', () => {
  test('is registered, takes what was kept, and is forgotten when nobody waits', async () => {
    const correlation = { correlationKey: 'k', correlationValue: 'v' };
    await deliverMessage(database.pool, correlation, '"kept"', 60);
    const id = await waiting();
    expect(await invoke({ kind: 'awaitMessage', ...correlation }, services(), id)).toEqual({
      ok: true,
      output: null,
    });
    expect(await readSignals(database.pool, id, 0)).toMatchObject([
      { kind: 'message', data: { data: 'kept' } },
    ]);
    expect(rung).toEqual([`m ${id}`]);
    const other = await waiting();
    await invoke({ kind: 'awaitMessage', ...correlation }, services(), other);
    await release(other, { kind: 'message' });
    expect(await deliverMessage(database.pool, correlation, '1', 0)).toMatchObject({ delivered: 0 });
  });
});

test('what a crash left between executions is finished by the sweeper', async () => {
  const start = async (): Promise<{ parent: string; child: string }> => {
    const parent = await waiting();
    const answer = await invoke(START, services(), parent);
    if (!answer.ok) throw new Error(answer.error);
    return { parent, child: String((answer.output as Record<string, string>)['executionId']) };
  };
  const end = (id: string) =>
    database.pool.query(
      "UPDATE executions SET end_time = now(), status = 'SUCCEEDED', output = '1', wake_at = NULL WHERE id = $1",
      [id],
    );
  const untold = await start();
  await end(untold.child);
  const orphan = await start();
  await end(orphan.parent);
  rung = [];
  const ringBatch = () => Promise.resolve();
  const forgotten = createForgotten({ database, arns, ring, ringBatch, takeAside: () => undefined });
  await forgotten.finish();
  await forgotten.clear();
  expect(await readSignals(database.pool, untold.parent, 0)).toMatchObject([{ kind: 'childEnded' }]);
  expect(await readSignals(database.pool, orphan.child, 0)).toMatchObject([{ kind: 'stop' }]);
  expect(rung).toContain(`m ${untold.parent}`);
  expect(rung).toContain(`child ${orphan.child}`);
  rung = [];
  await forgotten.finish();
  expect(rung).toEqual([]);
});
