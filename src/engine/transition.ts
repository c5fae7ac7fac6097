/**
 * Carries a frame from where it is to where it waits, ends, or comes to another state: one transition.
 * The states decide what comes of them (`Outcome`); here it is carried out, up the tree as far as it goes.
 *
 * 1. One transition leaves at most one state of the frame, and of each of its ancestors.
 * 2. A workflow's error (`StatesError`) never leaves this file: it becomes the failure of the state that
 *    raised it. Any other error is ours, and ends the step loudly.
 */
import { type MapState, type ParallelState, type State, StatesError } from '../asl/index.js';
import type { Json } from '../std/json.js';
import {
  cancelTask,
  type Draft,
  endRun,
  frameOf,
  isReady,
  noteFailure,
  record,
  tallyOf,
  touch,
} from './draft.js';
import { catchFailure, cutChildren, parentOf, retry } from './failure.js';
import type { ChildrenPhase, Frame } from './frame.js';
import { type Exit, type Failure, type Outcome, waits } from './outcome.js';
import { boundBytes, dataLimitExceeded, isTooLarge } from './payload.js';
import type { TaskOutcome } from './ports.js';
import { stateOf } from './scope.js';
import { enterChoice } from './states/choice.js';
import { enterFail } from './states/fail.js';
import { joinMap, startIteration, startMap } from './states/map.js';
import { joinParallel, startParallel } from './states/parallel.js';
import { enterPass } from './states/pass.js';
import { enterSucceed } from './states/succeed.js';
import { completeTask, failTask, startTask, timeOutTask } from './states/task.js';
import { endWait, enterWait } from './states/wait.js';

/** Lets a ready frame go on: enters its state, or starts its next child. */
export function goOn(draft: Draft, id: number): void {
  const frame = touchIfEntering(draft, id);
  const state = stateOf(draft.run.machine, frame);
  const { phase } = frame;
  if (phase.kind === 'enter') {
    carryOut(draft, frame, state, () => enter(draft, frame, state));
  } else if (phase.kind === 'children' && state.type === 'Map') {
    carryOut(draft, frame, state, () => {
      startIteration(draft, frame, state, phase, phase.startedEventId);
      return waits;
    });
  }
}

/** A frame's time has come: its wait or pause is over, or its task has taken too long. */
export function fireTimer(draft: Draft, id: number): void {
  const frame = touch(draft, id);
  const state = stateOf(draft.run.machine, frame);
  const { phase } = frame;
  if (phase.kind === 'waiting' && state.type === 'Wait')
    carryOut(draft, frame, state, () => endWait(draft, frame, state));
  if (phase.kind === 'retrying') carryOut(draft, frame, state, () => attempt(draft, frame, state));
  if (phase.kind === 'task' && state.type === 'Task') {
    cancelTask(draft, frame);
    endCall(frame);
    carryOut(draft, frame, state, () => timeOutTask(draft, frame, state, phase));
  }
}

/** A task has answered. An answer to a call that nobody waits for any more says nothing. */
export function takeTaskOutcome(
  draft: Draft,
  { frameId: id, key }: { frameId: number; key: string },
  outcome: TaskOutcome,
): void {
  const phase = frameOf(draft, id)?.phase;
  if (phase?.kind !== 'task' || phase.key !== key) return;
  const frame = touch(draft, id);
  const state = stateOf(draft.run.machine, frame);
  if (state.type !== 'Task') throw new Error(`frame ${String(id)} runs a task in a ${state.type} state`);
  endCall(frame);
  carryOut(draft, frame, state, () =>
    outcome.ok
      ? completeTask(draft, frame, state, phase, outcome.output)
      : failTask(draft, frame, state, { error: outcome.error, cause: outcome.cause }),
  );
}

/** The call is over, so nothing may cancel it any more. What comes of it sets the next phase. */
function endCall(frame: Frame): void {
  frame.phase = { kind: 'enter' };
}

/** A Map that only starts children does not change itself, so its frame is not written again. */
function touchIfEntering(draft: Draft, id: number): Frame {
  const frame = frameOf(draft, id);
  if (frame === undefined) throw new Error(`no frame ${String(id)}`);
  return frame.phase.kind === 'enter' ? touch(draft, id) : frame;
}

function enter(draft: Draft, frame: Frame, state: State): Outcome {
  frame.enteredAtMs = draft.nowMs;
  frame.enteredEventId = record(draft, frame, `${state.type}StateEntered`, {
    name: state.name,
    input: frame.input,
  });
  draft.bytes += boundBytes(frame.input);
  return attempt(draft, frame, state);
}

/** Does what the state is for: at its entry, and again for every retry. */
function attempt(draft: Draft, frame: Frame, state: State): Outcome {
  switch (state.type) {
    case 'Pass':
      return enterPass(draft, frame, state);
    case 'Task':
      return startTask(draft, frame, state);
    case 'Choice':
      return enterChoice(draft, frame, state);
    case 'Wait':
      return enterWait(draft, frame, state);
    case 'Succeed':
      return enterSucceed(draft, frame, state);
    case 'Fail':
      return enterFail(draft, frame, state);
    case 'Parallel':
      return startParallel(draft, frame, state);
    case 'Map':
      return startMap(draft, frame, state);
    default:
      return state satisfies never;
  }
}

/** A frame, its state, and what has come of it. */
interface Turn {
  frame: Frame;
  state: State;
  outcome: Outcome;
}

type Fails = Extract<Outcome, { kind: 'fails' }>;

function carryOut(draft: Draft, frame: Frame, state: State, decide: () => Outcome): void {
  let turn: Turn | undefined = decideIn(frame, state, decide);
  // Each turn settles the matter, or hands it to the frame above: a child's end, a child's failure.
  while (turn !== undefined) turn = settle(draft, turn);
}

function decideIn(frame: Frame, state: State, decide: () => Outcome): Turn {
  try {
    return { frame, state, outcome: decide() };
  } catch (error) {
    if (!(error instanceof StatesError)) throw error;
    const where = `An error occurred while executing the state '${state.name}' (entered at the event id #${String(frame.enteredEventId)}). `;
    return {
      frame,
      state,
      outcome: { kind: 'fails', failure: { error: error.error, cause: where + error.cause } },
    };
  }
}

function settle(draft: Draft, { frame, state, outcome }: Turn): Turn | undefined {
  switch (outcome.kind) {
    case 'waits':
      return undefined;
    case 'exits':
      return leave(draft, touch(draft, frame.id), state, outcome);
    case 'fails':
      return fail(draft, touch(draft, frame.id), state, outcome);
    default:
      return outcome satisfies never;
  }
}

function leave(
  draft: Draft,
  frame: Frame,
  state: State,
  { output, next, previous, caught }: Exit,
): Turn | undefined {
  if (state.type === 'Fail') throw new Error('a Fail state has no exit');
  const bound = boundBytes(output);
  draft.bytes += bound;
  if (isTooLarge(output, bound)) {
    // What a Catcher made is not given to it again: that would go round for ever.
    const failure = dataLimitExceeded(state.name);
    return { frame, state, outcome: { kind: 'fails', failure, uncatchable: caught === true } };
  }
  record(draft, frame, `${state.type}StateExited`, { name: state.name, output }, previous);
  if (next !== undefined) {
    Object.assign(frame, { state: next, phase: { kind: 'enter' }, input: output, retries: [] });
    draft.queue.push(frame.id);
    return undefined;
  }
  if (frame.parent !== null) return endChild(draft, frame, frame.parent, output);
  record(draft, frame, 'ExecutionSucceeded', { output });
  endRun(draft, 'SUCCEEDED', { output });
  return undefined;
}

/** A branch or an item is done. Its parent ends with the last of them; a Map gives its slot to the next item. */
function endChild(draft: Draft, child: Frame, parentId: number, output: Json): Turn {
  const parent = parentOf(draft, parentId);
  const { frame, state, phase } = parent;
  const exitedEventId = child.lastEventId;
  if (state.type === 'Map')
    record(draft, child, 'MapIterationSucceeded', { index: child.index, name: state.name });
  Object.assign(child, { phase: { kind: 'done', output }, input: null, retries: [] });
  const tally = tallyOf(draft, parentId);
  tally.done += 1;
  return decideIn(frame, state, () => {
    if (tally.done === phase.total) return join(draft, touch(draft, parentId), state, phase);
    if (state.type === 'Map' && isReady(draft, frame))
      startIteration(draft, frame, state, phase, exitedEventId);
    return waits;
  });
}

function join(draft: Draft, frame: Frame, state: ParallelState | MapState, phase: ChildrenPhase): Outcome {
  return state.type === 'Map'
    ? joinMap(draft, frame, state, phase)
    : joinParallel(draft, frame, state, phase);
}

/** Retry, or catch, or fail the frame; and with a branch or an item fails the state around it. */
function fail(draft: Draft, frame: Frame, state: State, { failure, uncatchable }: Fails): Turn | undefined {
  // A runtime error ends everything at once: no event of its own, none for what it cuts.
  if (failure.error === 'States.Runtime') return failExecution(draft, frame, failure);
  if (uncatchable !== true && retry(draft, frame, state, failure)) return undefined;
  const isGroup = state.type === 'Parallel' || state.type === 'Map';
  if (isGroup) record(draft, frame, `${state.type}StateFailed`);
  noteFailure(draft, frame, { ...failure });
  if (uncatchable === true) return failUpwards(draft, frame, state, failure);
  const caught = decideIn(frame, state, () => catchFailure(draft, frame, state, failure));
  // Fails still: the failure, since no Catcher takes it, or the Catcher itself.
  return caught.outcome.kind === 'fails' ? failUpwards(draft, frame, state, caught.outcome.failure) : caught;
}

function failUpwards(draft: Draft, frame: Frame, state: State, failure: Failure): Turn | undefined {
  if (frame.parent === null || failure.error === 'States.Runtime')
    return failExecution(draft, frame, failure);
  const parent = parentOf(draft, frame.parent);
  cutChildren(draft, parent, frame, state);
  const around = touch(draft, parent.frame.id);
  around.lastEventId = frame.lastEventId;
  return { frame: around, state: parent.state, outcome: { kind: 'fails', failure } };
}

function failExecution(draft: Draft, frame: Frame, failure: Failure): undefined {
  record(draft, frame, 'ExecutionFailed', { ...failure });
  endRun(draft, 'FAILED', failure);
}
