import { describe, expect, test } from '@jest/globals';
import {
  applyDelta,
  currentState,
  isEmpty,
  isEnded,
  MAX_TRANSITIONS,
  mergeAllSteps,
  newRun,
  nextWakeAt,
  pendingInvocations,
  type Run,
  step,
} from '../../src/engine/index.js';
import { compile, play, START_MS } from './driver.js';
import { inlineMap, machineOf, parallel, task } from './machines.js';

const LOOP = {
  A: { Type: 'Pass', Next: 'B' },
  B: { Type: 'Choice', Choices: [{ Variable: '$.stop', IsPresent: true, Next: 'C' }], Default: 'A' },
  C: { Type: 'Succeed' },
};

describe('a step', () => {
  test('runs everything that needs nothing of the world, in one go', async () => {
    const { commits, history } = await play({
      definition: machineOf({
        A: { Type: 'Pass', Next: 'B' },
        B: { Type: 'Pass', Next: 'C' },
        C: { Type: 'Succeed' },
      }),
    });
    expect(commits).toBe(1);
    expect(history.at(-1)?.type).toBe('ExecutionSucceeded');
  });

  test('gives way in an endless loop, with a checkpoint of bounded size, and wants a tick', async () => {
    const run = newRun(aboutOf(), compile(machineOf(LOOP)), entropy);
    for (let turn = 0; turn < 3; turn += 1) {
      const taken = await step(run, { kind: turn === 0 ? 'start' : 'tick' }, START_MS);
      applyDelta(run, taken.delta);
      expect(taken.more).toBe(true);
      expect(taken.history.length).toBeLessThanOrEqual(2 * MAX_TRANSITIONS + 1);
      expect(taken.delta.changed).toHaveLength(1);
      expect(nextWakeAt(run)).toBe(0);
    }
    expect(run.meta.nextEventId).toBe(1 + 1 + 3 * 2 * MAX_TRANSITIONS);
  });

  test('of a heartbeat, which is not committed, leads to nothing else', async () => {
    const definition = machineOf({ W: task('work', { HeartbeatSeconds: 5 }) }, { TimeoutSeconds: 3 });
    const run = newRun(aboutOf(), compile(definition), entropy);
    applyDelta(run, (await step(run, { kind: 'start' }, START_MS)).delta);
    const [call] = pendingInvocations(run);
    if (call === undefined) throw new Error('no call');
    const beat = { kind: 'heartbeat' as const, frameId: call.frameId, key: call.key };
    const taken = await step(run, beat, START_MS + 4000);
    expect(taken).toMatchObject({ history: [], effects: [], more: false });
    expect(taken.delta.meta.ended).toBeUndefined();
  });

  test('gives way when its events hold much data, before they hold too much', async () => {
    const run = newRun(
      { ...aboutOf(), input: { text: 'x'.repeat(200_000) } },
      compile(machineOf(LOOP)),
      entropy,
    );
    const taken = await step(run, { kind: 'start' }, START_MS);
    expect(taken.more).toBe(true);
    expect(JSON.stringify(taken.history).length).toBeLessThan(16 * 1024 * 1024);
  });

  test('lets no branch starve beside an endless one', async () => {
    const { end } = await play({
      definition: machineOf({
        P: parallel([
          LOOP,
          { Count: { Type: 'Wait', Seconds: 0, Next: 'Stop' }, Stop: { Type: 'Fail', Error: 'Enough' } },
        ]),
      }),
    });
    expect(end?.error).toBe('Enough');
  });

  test('changes nothing of the run that it is given', async () => {
    const run = newRun(aboutOf(), compile(machineOf({ M: inlineMap({ W: task('work') }) })), entropy);
    applyDelta(run, (await step(run, { kind: 'start' }, START_MS)).delta);
    for (const frame of run.frames.values()) deepFreeze(frame);
    const before = view(run);
    const [first] = pendingInvocations(run);
    const answer = {
      kind: 'taskSucceeded' as const,
      frameId: first?.frameId ?? 0,
      key: first?.key ?? '',
      output: 1,
    };
    const once = await step(run, answer, START_MS + 1);
    expect(view(run)).toEqual(before);
    expect(await step(run, answer, START_MS + 1)).toEqual(once);
  });

  test('ignores an answer that comes too late, for a frame or a call that is no more', async () => {
    const run = newRun(aboutOf(), compile(machineOf({ W: task('work', { TimeoutSeconds: 1 }) })), entropy);
    applyDelta(run, (await step(run, { kind: 'start' }, START_MS)).delta);
    const [call] = pendingInvocations(run);
    const late = {
      kind: 'taskSucceeded' as const,
      frameId: call?.frameId ?? 0,
      key: call?.key ?? '',
      output: 1,
    };
    expect(isEmpty(await step(run, { ...late, key: 'other' }, START_MS))).toBe(true);
    expect(isEmpty(await step(run, { ...late, frameId: 99 }, START_MS))).toBe(true);
    applyDelta(run, (await step(run, { kind: 'tick' }, START_MS + 1000)).delta);
    expect(isEnded(run)).toBe(true);
    expect(isEmpty(await step(run, late, START_MS + 1001))).toBe(true);
  });

  test('starts only once', async () => {
    const run = newRun(aboutOf(), compile(machineOf({ W: task('work') })), entropy);
    applyDelta(run, (await step(run, { kind: 'start' }, START_MS)).delta);
    expect(isEmpty(await step(run, { kind: 'start' }, START_MS))).toBe(true);
  });

  test('merged with the next takes back a call that was not made yet', async () => {
    const run = newRun(aboutOf(), compile(machineOf({ W: task('work') })), entropy);
    const first = await step(run, { kind: 'start' }, START_MS);
    applyDelta(run, first.delta);
    const second = await step(run, { kind: 'stop', error: 'Halt' }, START_MS);
    const merged = mergeAllSteps(first, [second]);
    expect(merged.effects).toEqual([{ kind: 'end', status: 'ABORTED', error: 'Halt' }]);
    expect(merged.history.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('time', () => {
  test('ends a Wait, not before', async () => {
    const run = newRun(
      aboutOf(),
      compile(machineOf({ W: { Type: 'Wait', Seconds: 10, End: true } })),
      entropy,
    );
    applyDelta(run, (await step(run, { kind: 'start' }, START_MS)).delta);
    expect(nextWakeAt(run)).toBe(START_MS + 10_000);
    expect(isEmpty(await step(run, { kind: 'tick' }, START_MS + 9999))).toBe(true);
    applyDelta(run, (await step(run, { kind: 'tick' }, START_MS + 10_000)).delta);
    expect(isEnded(run)).toBe(true);
    expect(nextWakeAt(run)).toBeUndefined();
  });

  test('lets a Retry pause longer each time, and counts in the context object', async () => {
    const at: number[] = [];
    const { end, elapsedMs, calls } = await play({
      definition: machineOf({
        W: task('work', {
          Parameters: { 'n.$': '$$.State.RetryCount' },
          Retry: [
            { ErrorEquals: ['Once'], MaxAttempts: 1, IntervalSeconds: 7 },
            { ErrorEquals: ['States.ALL'], IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 2 },
          ],
        }),
      }),
      handlers: {
        work: (input) => {
          at.push((input as { n: number }).n);
          if (at.length === 1) return { error: 'Once', cause: '' };
          return at.length < 4 ? { error: 'Again', cause: '' } : { output: 'at last' };
        },
      },
    });
    expect(end?.output).toBe('at last');
    expect(at).toEqual([0, 1, 2, 3]);
    expect(calls.map(({ attempt }) => attempt)).toEqual([0, 1, 2, 3]);
    expect(elapsedMs).toBe(7000 + 2000 + 6000);
  });

  test('ends a task that takes longer than its TimeoutSeconds, and cancels the call', async () => {
    const { end, history, cancelled, calls } = await play({
      definition: machineOf({ W: task('work', { TimeoutSeconds: 5 }) }),
      handlers: { work: () => ({ output: 1, afterMs: 6000 }) },
    });
    expect(end).toEqual({ kind: 'end', status: 'FAILED', error: 'States.Timeout' });
    expect(history.at(-2)).toMatchObject({
      type: 'LambdaFunctionTimedOut',
      details: { error: 'States.Timeout' },
    });
    expect(history.find(({ type }) => type === 'LambdaFunctionScheduled')?.details).toMatchObject({
      timeoutInSeconds: 5,
    });
    expect(cancelled).toEqual([calls[0]?.key]);
  });

  test('ends a task that is silent for HeartbeatSeconds, and spares one that is not', async () => {
    const script = (beats: number[]): ReturnType<typeof play> =>
      play({
        definition: machineOf({ W: task('work', { HeartbeatSeconds: 5, TimeoutSeconds: 60 }) }),
        handlers: { work: () => ({ output: 1, afterMs: 12_000 }) },
        signals: beats.map((atMs) => ({
          atMs,
          happening: { kind: 'heartbeat', frameId: 0, key: 'execution-1/3' },
        })),
      });
    expect((await script([4000, 8000])).end?.status).toBe('SUCCEEDED');
    const silent = await script([4000]);
    expect(silent.end).toMatchObject({ status: 'FAILED', error: 'States.HeartbeatTimeout' });
    expect(silent.elapsedMs).toBe(9000);
  });

  test('ends a machine at its TimeoutSeconds, wherever it is, without error or cause', async () => {
    const { end, history, elapsedMs, cancelled } = await play({
      definition: machineOf(
        { P: parallel([{ W: task('work') }, { L: { Type: 'Wait', Seconds: 60, End: true } }]) },
        { TimeoutSeconds: 3 },
      ),
      handlers: { work: () => ({ output: 1, afterMs: 10_000 }) },
    });
    expect(end).toEqual({ kind: 'end', status: 'TIMED_OUT' });
    expect(elapsedMs).toBe(3000);
    expect(history.at(-1)).toMatchObject({ type: 'ExecutionTimedOut', details: { error: 'States.Timeout' } });
    expect(history.some(({ type }) => type.endsWith('Aborted'))).toBe(false);
    expect(cancelled).toHaveLength(1);
  });
});

describe('a stop', () => {
  test('ends the execution with its error and cause, cancels what runs, and leaves the state to be seen', async () => {
    const { end, history, run, cancelled } = await play({
      definition: machineOf({ W: task('work') }),
      handlers: { work: () => ({ output: 1, afterMs: 10_000 }) },
      signals: [{ atMs: 500, happening: { kind: 'stop', error: 'Halt', cause: 'enough' } }],
    });
    expect(end).toEqual({ kind: 'end', status: 'ABORTED', error: 'Halt', cause: 'enough' });
    expect(history.at(-1)).toMatchObject({
      type: 'ExecutionAborted',
      details: { error: 'Halt', cause: 'enough' },
    });
    expect(currentState(run)).toBe('W');
    expect(cancelled).toHaveLength(1);
  });
});

describe('limits', () => {
  test('a state that hands on more than 256 KiB fails with States.DataLimitExceeded', async () => {
    const { end } = await play({
      definition: machineOf({ W: task('work', { Retry: [{ ErrorEquals: ['Other'] }] }) }),
      handlers: { work: () => ({ output: 'ä'.repeat(131_072) }) },
    });
    expect(end).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });

  test('a Catcher whose own output is too large does not catch that again', async () => {
    const { end } = await play({
      definition: machineOf({
        W: task('work', { Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'After' }] }),
        After: { Type: 'Pass', End: true },
      }),
      input: { text: 'x'.repeat(262_100) },
      handlers: { work: () => ({ error: 'Broken', cause: 'why'.repeat(20) }) },
    });
    expect(end).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });

  test('exactly 256 KiB are not too much', async () => {
    const { end } = await play({
      definition: machineOf({ W: task('work') }),
      handlers: { work: () => ({ output: 'x'.repeat(262_142) }) },
    });
    expect(end?.status).toBe('SUCCEEDED');
  });

  test.each([2499, 2500, 2501])(
    'a history of at most %i events ends with that event, which nothing catches',
    async (maxEvents) => {
      const { end, history } = await play({
        definition: machineOf({
          P: parallel([LOOP, { W: task('work') }], {
            Retry: [{ ErrorEquals: ['States.ALL'] }],
            Catch: [{ ErrorEquals: ['States.ALL'], Next: 'After' }],
            Next: 'After',
          }),
          After: { Type: 'Pass', End: true },
        }),
        handlers: { work: () => ({ output: 1, afterMs: 1000 }) },
        about: { maxEvents },
      });
      expect(end).toEqual({
        kind: 'end',
        status: 'FAILED',
        error: 'States.Runtime',
        cause: `The execution reached the maximum number of history events (${String(maxEvents)}).`,
      });
      expect(history.map(({ id }) => id)).toEqual(Array.from({ length: maxEvents }, (_, at) => at + 1));
      expect(history.at(-1)?.type).toBe('ExecutionFailed');
    },
  );

  test('an execution that ends with the last event that fits has not failed', async () => {
    const { end } = await play({
      definition: machineOf({ A: { Type: 'Pass', End: true } }),
      about: { maxEvents: 4 },
    });
    expect(end?.status).toBe('SUCCEEDED');
  });
});

const entropy = { random: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' };

function aboutOf(): Parameters<typeof newRun>[0] {
  return {
    executionId: 'execution-1',
    executionName: 'execution',
    stateMachineId: 'machine-1',
    stateMachineName: 'machine',
    input: [1, 2, 3],
    startTimeMs: START_MS,
  };
}

function view(run: Run): unknown {
  return structuredClone([run.meta, [...run.frames], [...run.ready], run.timers, [...run.families]]);
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
}
