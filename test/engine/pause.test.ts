import { expect, test } from '@jest/globals';
import {
  Activation,
  type InboxSignal,
  type InvokeEffect,
  type Leave,
  newRun,
  type Run,
  type TaskOutcome,
} from '../../src/engine/index.js';
import { createDeferred, type Deferred } from '../../src/std/deferred.js';
import { compile, START_MS } from './driver.js';
import { machineOf, parallel, task } from './machines.js';

/** An execution in one worker whose calls end when a test says so. */
function take(definition: Parameters<typeof compile>[0], before?: { run: Run; seq: number }) {
  const about = {
    executionId: 'e',
    executionName: 'e',
    stateMachineId: 'm',
    stateMachineName: 'm',
    input: {},
    startTimeMs: START_MS,
  };
  const entropy = { random: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' };
  const run = before?.run ?? newRun(about, compile(definition), entropy);
  const inbox: InboxSignal[] = [];
  const leaves: Leave[] = [];
  const calls = new Map<string, Deferred<TaskOutcome>>();
  const made: InvokeEffect[] = [];
  const activation = new Activation({
    run,
    version: 1,
    queue: 'q',
    epoch: 1,
    seq: before?.seq ?? 0,
    inboxSeq: run.meta.inboxSeq,
    snapshotBytes: 0,
    tailBytes: 0,
    standing: { draining: false, abandoned: false },
    ports: {
      clock: { now: () => START_MS },
      inbox: { read: (_id, seq) => Promise.resolve(inbox.filter((signal) => signal.seq > seq)) },
      journal: {
        append: (_checkpoint, leave) => {
          if (leave !== undefined) leaves.push(leave.leave);
          return Promise.resolve('committed');
        },
      },
      tasks: {
        invoke: (effect) => {
          const answer = createDeferred<TaskOutcome>();
          made.push(effect);
          calls.set(effect.stateName, answer);
          return answer.promise;
        },
        release: () => Promise.resolve(),
      },
    },
  });
  return {
    run,
    leaves,
    activation,
    made: () => made.map(({ stateName }) => stateName),
    signal: (kind: 'pause' | 'resume' | 'stop') => {
      inbox.push({ seq: inbox.length + 1, kind, data: {} });
      activation.poke();
    },
    answer: (stateName: string) => calls.get(stateName)?.resolve({ ok: true, output: stateName }),
  };
}

/** Everything that can happen without the world has happened. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

const TWO = machineOf({ A: task('a', { Next: 'B' }), B: task('b') });
const BESIDE = machineOf({
  Both: parallel([{ A: task('a', { Next: 'B' }), B: task('b') }, { C: task('c') }]),
});

test('a pause waits for the call under way, commits its answer, and makes no other', async () => {
  const paused = take(TWO);
  const leaving = paused.activation.advance();
  await settled();
  paused.signal('pause');
  await settled();
  expect(paused.leaves).toEqual([]);
  paused.answer('A');
  expect(await leaving).toBe('parked');
  expect(paused.made()).toEqual(['A']);

  const { run, activation } = paused;
  const resumed = take(TWO, { run, seq: activation.position.seq });
  const ending = resumed.activation.advance();
  await settled();
  expect(resumed.made()).toEqual(['B']);
  resumed.answer('B');
  expect(await ending).toBe('ended');
});

test('a resume before the last call has ended makes the calls that were held back, and no other twice', async () => {
  const { activation, made, signal, answer, leaves } = take(BESIDE);
  const ending = activation.advance();
  await settled();
  signal('pause');
  answer('A');
  await settled();
  expect(made()).toEqual(['A', 'C']);
  signal('resume');
  await settled();
  expect(made()).toEqual(['A', 'C', 'B']);
  answer('B');
  answer('C');
  expect(await ending).toBe('ended');
  expect(leaves).toMatchObject([{ status: 'SUCCEEDED', output: ['B', 'C'] }]);
});

test('a stop ends what is being paused', async () => {
  const { activation, signal, leaves } = take(TWO);
  const ending = activation.advance();
  await settled();
  signal('pause');
  await settled();
  signal('stop');
  expect(await ending).toBe('ended');
  expect(leaves).toMatchObject([{ kind: 'ended', status: 'ABORTED' }]);
});

test('what is paused before it was begun calls nothing, and neither does an endless loop', async () => {
  const early = take(TWO);
  early.signal('pause');
  expect(await early.activation.advance()).toBe('parked');
  expect(early.made()).toEqual([]);

  const loop = take(
    machineOf({
      A: { Type: 'Choice', Choices: [{ Variable: '$', IsNull: true, Next: 'B' }], Default: 'A' },
      B: { Type: 'Succeed' },
    }),
  );
  const leaving = loop.activation.advance();
  loop.signal('pause');
  expect(await leaving).toBe('parked');
});
