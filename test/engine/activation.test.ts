import { expect, test } from '@jest/globals';
import {
  Activation,
  applyDelta,
  type InboxSignal,
  type Leave,
  newRun,
  type Run,
  step,
} from '../../src/engine/index.js';
import type { JsonObject } from '../../src/std/json.js';
import { compile } from './driver.js';
import { machineOf, parallel, task } from './machines.js';

const START_MS = 1_767_225_600_000;
const LATE_MS = START_MS + 3_600_000;

const ask = (more: JsonObject, name = 'Ask'): JsonObject => ({
  [name]: task('arn:aws:states:::lambda:invoke.waitForTaskToken', {
    Parameters: { FunctionName: 'ask', Payload: { 'token.$': '$$.Task.Token' } },
    ...more,
  }),
});

/** An execution that has parked, with frames that wait for their tokens. */
async function parkedOn(definition: JsonObject): Promise<{ run: Run; seq: number }> {
  const about = {
    executionId: 'e',
    executionName: 'e',
    stateMachineId: 'm',
    stateMachineName: 'm',
    input: {},
    startTimeMs: START_MS,
  };
  let uuids = 0;
  const entropy = { random: () => 0.5, uuid: () => `uuid-${String(++uuids)}` };
  const run = newRun(about, compile(definition), entropy);
  const { activation, leaves } = activate({ run, seq: 0, epoch: 1, nowMs: START_MS });
  await activation.advance();
  expect(leaves).toMatchObject([{ kind: 'parked', answered: true }]);
  return { run, seq: activation.position.seq };
}

/** `inbox`: at the claim; `late`: comes in when the first wait is to be taken back. */
function activate(at: {
  run: Run;
  seq: number;
  epoch: number;
  nowMs: number;
  inbox?: InboxSignal[];
  late?: InboxSignal[];
  draining?: boolean;
}) {
  const inbox = [...(at.inbox ?? [])];
  const late = [...(at.late ?? [])];
  const leaves: Leave[] = [];
  const withdrawn: string[] = [];
  const activation = new Activation({
    run: at.run,
    version: 1,
    queue: 'q',
    epoch: at.epoch,
    seq: at.seq,
    inboxSeq: inbox.length,
    snapshotBytes: 0,
    tailBytes: 0,
    standing: { draining: at.draining === true, abandoned: false },
    ports: {
      clock: { now: () => at.nowMs },
      inbox: { read: (_id, seq) => Promise.resolve(inbox.filter((signal) => signal.seq > seq)) },
      journal: {
        append: (_checkpoint, leave) => {
          if (leave !== undefined) leaves.push(leave.leave);
          return Promise.resolve('committed');
        },
      },
      tasks: {
        invoke: () => Promise.resolve({ ok: true, output: null }),
        release: () => Promise.resolve(),
        withdraw: ({ key }, _about, inboxSeq) => {
          inbox.push(...late.splice(0));
          if (inbox.length > inboxSeq) return Promise.resolve(false);
          withdrawn.push(key);
          return Promise.resolve(true);
        },
      },
    },
  });
  return { activation, leaves, withdrawn };
}

function answers(run: Run) {
  const waiting = [...run.frames.values()].flatMap(({ id, phase }) =>
    phase.kind === 'awaiting' ? [{ frameId: id, key: phase.key }] : [],
  );
  return waiting.map((to, index) => ({
    seq: index + 1,
    kind: 'tokenSucceeded' as const,
    data: { ...to, output: index },
  }));
}

test('answers that came in time count, however late and together they are read', async () => {
  const both = machineOf({
    Both: parallel([ask({ TimeoutSeconds: 60 }, 'A'), ask({ TimeoutSeconds: 60 }, 'B')]),
  });
  const { run, seq } = await parkedOn(both);
  const { activation, leaves, withdrawn } = activate({
    run,
    seq,
    epoch: 2,
    nowMs: LATE_MS,
    inbox: answers(run),
  });
  expect(await activation.advance()).toBe('ended');
  expect(leaves).toMatchObject([{ kind: 'ended', status: 'SUCCEEDED', output: [0, 1] }]);
  expect(withdrawn).toEqual([]);
});

test('an answer that comes while the wait is being taken back counts', async () => {
  const { run, seq } = await parkedOn(machineOf(ask({ TimeoutSeconds: 60 })));
  const late = answers(run);
  const { activation, leaves } = activate({ run, seq, epoch: 2, nowMs: LATE_MS, late });
  await activation.advance();
  expect(leaves).toMatchObject([{ kind: 'ended', status: 'SUCCEEDED', output: 0 }]);
});

test('a wait that nobody answers is taken back before it times out', async () => {
  const { run, seq } = await parkedOn(machineOf(ask({ HeartbeatSeconds: 60 })));
  const [answer] = answers(run);
  const { activation, leaves, withdrawn } = activate({ run, seq, epoch: 2, nowMs: LATE_MS });
  await activation.advance();
  expect(withdrawn).toEqual([answer?.data.key]);
  expect(leaves).toMatchObject([{ kind: 'ended', status: 'FAILED', error: 'States.HeartbeatTimeout' }]);
});

const skip = (seq: number): InboxSignal => ({
  seq,
  kind: 'interrupted',
  data: { strategy: 'skip', output: 'skipped' },
});

test('an interruption is of the calls that were under way, not of those that what came in with it leads to', async () => {
  const { Ask } = ask({ Next: 'Ship' });
  const { run, seq } = await parkedOn(machineOf({ Ask: Ask ?? null, Ship: task('ship') }));
  const inbox = [...answers(run), skip(2)];
  const { activation, leaves } = activate({ run, seq, epoch: 2, nowMs: START_MS, inbox });
  expect(await activation.advance()).toBe('ended');
  expect(leaves).toMatchObject([{ status: 'SUCCEEDED', output: null }]);
});

test('an interruption before the first checkpoint, or told twice, skips nothing that was not called', async () => {
  const { run: parked } = await parkedOn(machineOf(ask({})));
  const { about, entropy } = parked;
  const two = compile(machineOf({ A: task('a', { Next: 'B' }), B: task('b') }));
  const early = activate({
    run: newRun(about, two, entropy),
    seq: 0,
    epoch: 2,
    nowMs: START_MS,
    inbox: [skip(1)],
  });
  await early.activation.advance();
  expect(early.leaves).toMatchObject([{ status: 'SUCCEEDED', output: null }]);

  const run = newRun(about, compile(machineOf({ A: task('a', { Next: 'B' }), B: task('b') })), entropy);
  const { delta } = await step(run, { kind: 'start' }, START_MS);
  applyDelta(run, delta);
  const twice = activate({ run, seq: 1, epoch: 3, nowMs: START_MS, inbox: [skip(1), skip(2)] });
  await twice.activation.advance();
  // A was skipped, and B called.
  expect(twice.leaves).toMatchObject([{ status: 'SUCCEEDED', output: null }]);
});

test('an execution whose time is up when it is taken up again has timed out, whatever call was under way', async () => {
  const { run: parked } = await parkedOn(machineOf(ask({})));
  const { about, entropy } = parked;
  const run = newRun(about, compile(machineOf({ A: task('a') }, { TimeoutSeconds: 60 })), entropy);
  applyDelta(run, (await step(run, { kind: 'start' }, START_MS)).delta);
  const { activation, leaves } = activate({ run, seq: 1, epoch: 2, nowMs: LATE_MS });
  expect(await activation.advance()).toBe('ended');
  expect(leaves).toMatchObject([{ kind: 'ended', status: 'TIMED_OUT' }]);
});

test('a token that was answered before the call returned is the result, when the worker has died over the call', async () => {
  const { run: parked } = await parkedOn(machineOf(ask({})));
  const { about, entropy } = parked;
  const run = newRun(about, compile(machineOf(ask({}))), entropy);
  applyDelta(run, (await step(run, { kind: 'start' }, START_MS)).delta);
  const phase = run.frames.get(0)?.phase;
  if (phase?.kind !== 'task') throw new Error('no call');
  const answer = { kind: 'tokenSucceeded' as const, frameId: 0, key: phase.key, output: 'answered' };
  applyDelta(run, (await step(run, answer, START_MS)).delta);
  const { activation, leaves } = activate({ run, seq: 2, epoch: 2, nowMs: START_MS, inbox: [skip(1)] });
  await activation.advance();
  expect(leaves).toMatchObject([{ status: 'SUCCEEDED', output: 'answered' }]);
});

test('a worker that shuts down does not wait for a timer that is nearly due', async () => {
  const { run: parked } = await parkedOn(machineOf(ask({})));
  const { about, entropy } = parked;
  const wait = machineOf({ W: { Type: 'Wait', Seconds: 60, End: true } });
  const run = newRun(about, compile(wait), entropy);
  applyDelta(run, (await step(run, { kind: 'start' }, START_MS)).delta);
  const nearly = START_MS + 59_980;
  const { activation, leaves } = activate({ run, seq: 1, epoch: 2, nowMs: nearly, draining: true });
  expect(await activation.advance()).toBe('parked');
  expect(leaves).toMatchObject([{ kind: 'parked', wakeAtMs: START_MS + 60_000 }]);
});
