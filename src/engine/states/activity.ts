/**
 * A task that an activity worker takes by asking for it
 * (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html). It is scheduled once it is known
 * that there is such an activity, and its times run from the moment in which a worker takes it.
 */
import { StatesError, type TaskState } from '../../asl/index.js';
import { type Draft, record } from '../draft.js';
import type { AwaitPhase, Frame, TaskPhase } from '../frame.js';
import { type Outcome, waits } from '../outcome.js';
import { call, durationsOf, keyOf, type Prepared, recordScheduled, timesFromNow } from './task-call.js';

/** Asks whether there is the activity: nothing is scheduled for one that there is not. */
export function findActivity(draft: Draft, frame: Frame, activityArn: string): Outcome {
  const key = keyOf(draft, frame);
  return call(draft, frame, { kind: 'task', key, call: { kind: 'findActivity', activityArn } });
}

/** @throws StatesError States.Runtime, for an activity that is not there. */
export function refuseActivity(activityArn: string): never {
  throw new StatesError('States.Runtime', `The activity ${activityArn} does not exist.`);
}

/** Puts the task where workers ask for it. */
export function offerTask(
  draft: Draft,
  frame: Frame,
  state: TaskState,
  activityArn: string,
  prepared: Prepared & { token: string },
): Outcome {
  recordScheduled(draft, frame, state, prepared);
  const { token, parameters } = prepared;
  return call(draft, frame, {
    kind: 'task',
    key: keyOf(draft, frame),
    call: { kind: 'offerTask', activityArn, token, input: parameters },
    ...durationsOf(prepared),
  });
}

/** A worker has it: now the clock runs. It may be quicker than the answer that the task is on offer. */
export function takeLease(
  draft: Draft,
  frame: Frame,
  phase: TaskPhase | AwaitPhase,
  workerName: string | undefined,
): Outcome {
  const token = offeredToken(phase);
  if (token === undefined) return waits;
  record(draft, frame, 'ActivityStarted', workerName === undefined ? {} : { workerName });
  frame.phase = {
    kind: 'awaiting',
    key: phase.key,
    awaited: { kind: 'activity', token },
    ...timesFromNow(draft, phase),
  };
  return waits;
}

function offeredToken(phase: TaskPhase | AwaitPhase): string | undefined {
  if (phase.kind === 'awaiting') return phase.awaited.kind === 'lease' ? phase.awaited.token : undefined;
  return phase.call.kind === 'offerTask' ? phase.call.token : undefined;
}
