/**
 * Carries a frame from where it is to where it waits, ends, or comes to another state: one transition.
 * The states decide what comes of them (`Outcome`); here it is carried out, up the tree as far as it goes.
 *
 * 1. One transition leaves at most one state of the frame, and of each of its ancestors.
 * 2. A workflow's error (`StatesError`) never leaves this file: it becomes the failure of the state that
 *    raised it. Any other error is ours, and ends the step loudly.
 * 3. Only expressions of JSONata are promises. Without one, everything here happens at once.
 */
import { type MapState, type ParallelState, QueryError, type State, StatesError } from '../asl/index.js';
import type { Json, JsonObject } from '../std/json.js';
import { after, type Maybe } from '../std/maybe.js';
import {
  cancelTask,
  type Draft,
  dropChildren,
  endRun,
  frameOf,
  isReady,
  noteFailure,
  record,
  recordAside,
  tallyOf,
  touch,
} from './draft.js';
import { catchFailure, cutChildren, parentOf, retry } from './failure.js';
import type { ChildrenPhase, Frame, TaskPhase } from './frame.js';
import { awaitedOf } from './invocation.js';
import { forgetCut, keepCut, noteFailing } from './left.js';
import { type Exit, type Failure, type Outcome, waits } from './outcome.js';
import { boundBytes, dataLimitExceeded, isTooLarge } from './payload.js';
import type { TaskOutcome } from './ports.js';
import { stateOf } from './scope.js';
import { enterChoice } from './states/choice.js';
import { enterFail } from './states/fail.js';
import { joinMap, startIteration, startMap } from './states/map.js';
import { answerMapRun, endMapRun, redriveMapRun, startMapRun } from './states/map-run.js';
import { answerMessage, enterMessage, takeMessage, timeOutMessage } from './states/message.js';
import { joinParallel, startParallel } from './states/parallel.js';
import { enterPass } from './states/pass.js';
import { enterSucceed } from './states/succeed.js';
import {
  answerTask,
  type Interruption,
  interruptTask,
  signalTask,
  startTask,
  timeOutTask,
} from './states/task.js';
import { endWait, enterWait } from './states/wait.js';
import type { FromOutside } from './step.js';
import { assign } from './variables.js';

/** Lets a ready frame go on: enters its state, or starts its next child. */
export function goOn(draft: Draft, id: number): Maybe<void> {
  const frame = touchIfEntering(draft, id);
  const state = stateOf(draft.run.machine, frame);
  const { phase } = frame;
  if (phase.kind === 'enter') {
    // A Wait comes to its expressions in a second move, after its entry has been recorded.
    const since = state.type === 'Wait' ? undefined : frame.lastEventId;
    return carryOut(draft, frame, state, () => enter(draft, frame, state), since);
  }
  if (phase.kind === 'children' && state.type === 'Map') {
    return carryOut(draft, frame, state, () =>
      startIteration(draft, frame, state, phase, phase.startedEventId),
    );
  }
}

/** A frame's time has come: its wait or pause is over, or its task has taken too long. */
export function fireTimer(draft: Draft, id: number): Maybe<void> {
  const frame = touch(draft, id);
  const state = stateOf(draft.run.machine, frame);
  const { phase } = frame;
  if (phase.kind === 'waiting' && state.type === 'Wait')
    return carryOut(draft, frame, state, () => endWait(draft, frame, state));
  if (phase.kind === 'retrying') {
    const { mapRun } = phase;
    return carryOut(draft, frame, state, () =>
      mapRun === undefined ? attempt(draft, frame, state) : redriveMapRun(draft, frame, mapRun),
    );
  }
  if (phase.kind !== 'task' && phase.kind !== 'awaiting') return;
  cancelTask(draft, frame);
  endCall(frame);
  if (state.type === 'Task')
    return carryOut(draft, frame, state, () => timeOutTask(draft, frame, state, phase));
  if (state.type === 'Message')
    return carryOut(draft, frame, state, () => timeOutMessage(draft, frame, state));
}

/** A call has answered. An answer that nobody waits for any more says nothing. */
export function takeTaskOutcome(
  draft: Draft,
  { frameId: id, key }: { frameId: number; key: string },
  outcome: TaskOutcome,
): Maybe<void> {
  const phase = frameOf(draft, id)?.phase;
  if (phase?.kind !== 'task' || phase.key !== key) return;
  const frame = touch(draft, id);
  const state = stateOf(draft.run.machine, frame);
  const awaited = awaitedOf(frame);
  endCall(frame);
  return carryOut(draft, frame, state, () =>
    after(answered(draft, frame, state, phase, outcome), (result) => {
      // What the call may have left in the world although it failed: nobody will wait for it.
      if (result.kind === 'fails' && awaited !== undefined)
        draft.effects.push({ kind: 'release', frameId: id, key, awaited });
      return result;
    }),
  );
}

function answered(
  draft: Draft,
  frame: Frame,
  state: State,
  phase: TaskPhase,
  outcome: TaskOutcome,
): Maybe<Outcome> {
  switch (state.type) {
    case 'Task':
      return answerTask(draft, frame, state, phase, outcome);
    case 'Map':
      return answerMapRun(draft, frame, state, phase, outcome);
    case 'Message':
      return answerMessage(frame, phase, outcome);
    default:
      throw new Error(`frame ${String(frame.id)} runs a task in a ${state.type} state`);
  }
}

/** The worker that was calling a function, or something over HTTP, for the frame has died: the state is left without it, or has failed. */
export function interruptCall(draft: Draft, id: number, how: Interruption): Maybe<void> {
  const phase = frameOf(draft, id)?.phase;
  if (phase?.kind !== 'task' || (phase.call.kind !== 'function' && phase.call.kind !== 'httpRequest')) return;
  // Its token has been answered: that is the result, once the call is made again.
  if (phase.early !== undefined) return;
  const frame = touch(draft, id);
  const state = stateOf(draft.run.machine, frame);
  if (state.type !== 'Task') throw new Error(`a ${state.type} state made a call`);
  cancelTask(draft, frame);
  endCall(frame);
  return carryOut(draft, frame, state, () => interruptTask(draft, frame, state, how));
}

type ForFrame = Exclude<FromOutside, { kind: 'stop' | 'tokenHeartbeat' | 'redrive' | 'interrupted' }>;

/** Something has come from outside for a frame. What comes too late says nothing. */
export function takeSignal(draft: Draft, signal: ForFrame): Maybe<void> {
  const { frameId: id, key } = signal;
  const phase = frameOf(draft, id)?.phase;
  if ((phase?.kind !== 'task' && phase?.kind !== 'awaiting') || phase.key !== key) return;
  const frame = touch(draft, id);
  const state = stateOf(draft.run.machine, frame);
  return carryOut(draft, frame, state, () => {
    switch (signal.kind) {
      case 'message':
        return state.type === 'Message' ? takeMessage(draft, frame, state, signal.data) : waits;
      case 'mapRunEnded':
        return state.type === 'Map' ? endMapRun(draft, frame, state, phase, signal.run) : waits;
      default:
        return state.type === 'Task' ? signalTask(draft, frame, state, phase, signal) : waits;
    }
  });
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

function enter(draft: Draft, frame: Frame, state: State): Maybe<Outcome> {
  frame.enteredAtMs = draft.nowMs;
  frame.enteredEventId = record(draft, frame, `${state.type}StateEntered`, {
    name: state.name,
    input: frame.input,
  });
  draft.bytes += boundBytes(frame.input);
  return attempt(draft, frame, state);
}

/** Does what the state is for: at its entry, and again for every retry. */
function attempt(draft: Draft, frame: Frame, state: State): Maybe<Outcome> {
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
      return state.distributed === undefined
        ? startMap(draft, frame, state)
        : startMapRun(draft, frame, state, state.distributed);
    case 'Message':
      return enterMessage(draft, frame, state);
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

/** `since`: what an EvaluationFailed event points to; absent: the frame's last event. */
function carryOut(
  draft: Draft,
  frame: Frame,
  state: State,
  decide: () => Maybe<Outcome>,
  since?: number,
): Maybe<void> {
  return settleAll(draft, decideIn(draft, frame, state, decide, since));
}

/** Each turn settles the matter, or hands it to the frame above: a child's end, a child's failure. */
function settleAll(draft: Draft, first: Maybe<Turn | undefined>): Maybe<void> {
  let turn = first;
  while (turn !== undefined) {
    if (turn instanceof Promise) return turn.then((settled) => settleAll(draft, settled));
    turn = settle(draft, turn);
  }
}

function decideIn(
  draft: Draft,
  frame: Frame,
  state: State,
  decide: () => Maybe<Outcome>,
  since?: number,
): Maybe<Turn> {
  try {
    const outcome = decide();
    if (!(outcome instanceof Promise)) return { frame, state, outcome };
    return outcome.then(
      (decided) => ({ frame, state, outcome: decided }),
      (error: unknown) => failed(draft, frame, state, error, since),
    );
  } catch (error) {
    return failed(draft, frame, state, error, since);
  }
}

/** What AWS allows an EvaluationFailed event, in characters. */
const MAX_CAUSE = 32_768;

function failed(draft: Draft, frame: Frame, state: State, error: unknown, since?: number): Turn {
  if (!(error instanceof StatesError)) throw error;
  const where = `An error occurred while executing the state '${state.name}' (entered at the event id #${String(frame.enteredEventId)}). `;
  const failure = { error: error.error, cause: where + error.cause };
  const outcome: Outcome = { kind: 'fails', failure };
  if (!(error instanceof QueryError)) return { frame, state, outcome };
  // It may show a value, of any size.
  failure.cause = failure.cause.slice(0, MAX_CAUSE);
  const own = touch(draft, frame.id);
  const details: JsonObject = { ...failure, state: state.name };
  if (error.location !== undefined) details['location'] = error.location;
  // What the state has recorded since its entry comes between.
  const entered = own.lastEventId === own.enteredEventId;
  record(draft, own, 'EvaluationFailed', details, entered ? since : undefined);
  return { frame: own, state, outcome };
}

function settle(draft: Draft, { frame, state, outcome }: Turn): Maybe<Turn | undefined> {
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
  { output, assigned, next, caught }: Exit,
): Maybe<Turn | undefined> {
  if (state.type === 'Fail') throw new Error('a Fail state has no exit');
  const bound = boundBytes(output);
  draft.bytes += bound;
  if (isTooLarge(output, bound)) {
    // What a Catcher made is not given to it again: that would go round for ever.
    const failure = dataLimitExceeded(state.name);
    return { frame, state, outcome: { kind: 'fails', failure, uncatchable: caught === true } };
  }
  if (assigned !== undefined) {
    const refused = refusalOf(() => assign(draft, frame, assigned));
    if (refused !== undefined) return { frame, state, outcome: { ...refused, uncatchable: caught === true } };
  }
  const details: JsonObject = { name: state.name, output };
  if (assigned !== undefined) details['assignedVariables'] = assigned;
  record(draft, frame, `${state.type}StateExited`, details);
  if (next !== undefined) {
    frame.state = next;
    frame.phase = { kind: 'enter' };
    frame.input = output;
    frame.retries = [];
    if (frame.mapRun !== undefined) delete frame.mapRun;
    draft.queue.push(frame.id);
    return undefined;
  }
  if (frame.parent !== null) return endChild(draft, frame, frame.parent, output);
  record(draft, frame, 'ExecutionSucceeded', { output });
  endRun(draft, 'SUCCEEDED', { output });
  return undefined;
}

function refusalOf(work: () => void): Fails | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof StatesError)) throw error;
    return { kind: 'fails', failure: { error: error.error, cause: error.cause } };
  }
}

/** A branch or an item is done. Its parent ends with the last of them; a Map gives its slot to the next item. */
function endChild(draft: Draft, child: Frame, parentId: number, output: Json): Maybe<Turn> {
  const parent = parentOf(draft, parentId);
  const { frame, state, phase } = parent;
  const exitedEventId = child.lastEventId;
  if (state.type === 'Map')
    record(draft, child, 'MapIterationSucceeded', { index: child.index, name: state.name });
  child.phase = { kind: 'done', output };
  child.input = null;
  child.retries = [];
  if (child.mapRun !== undefined) delete child.mapRun;
  const tally = tallyOf(draft, parentId);
  tally.done += 1;
  return decideIn(draft, frame, state, () => {
    if (tally.done === phase.total) return join(draft, touch(draft, parentId), state, phase);
    if (state.type === 'Map' && isReady(draft, frame))
      return startIteration(draft, frame, state, phase, exitedEventId);
    return waits;
  });
}

function join(
  draft: Draft,
  frame: Frame,
  state: ParallelState | MapState,
  phase: ChildrenPhase,
): Maybe<Outcome> {
  return state.type === 'Map'
    ? joinMap(draft, frame, state, phase)
    : joinParallel(draft, frame, state, phase);
}

/** Retry, or catch, or fail the frame; and with a branch or an item fails the state around it. */
function fail(
  draft: Draft,
  frame: Frame,
  state: State,
  { failure, uncatchable }: Fails,
): Maybe<Turn | undefined> {
  noteFailing(draft, frame);
  // A runtime error ends everything at once: no event of its own, none for what it cuts.
  if (failure.error === 'States.Runtime') return failExecution(draft, frame, failure);
  // A Map whose next item cannot be made has others under way.
  if (frame.phase.kind === 'children') {
    keepCut(draft, frame.id);
    dropChildren(draft, frame.id);
  }
  if (uncatchable !== true && retry(draft, frame, state, failure)) {
    forgetCut(draft);
    return undefined;
  }
  const isGroup = state.type === 'Parallel' || state.type === 'Map';
  if (isGroup) record(draft, frame, `${state.type}StateFailed`);
  noteFailure(draft, frame, { ...failure });
  if (uncatchable === true) return failUpwards(draft, frame, state, failure);
  return after(
    decideIn(draft, frame, state, () => catchFailure(draft, frame, state, failure)),
    (caught) => {
      // Fails still: the failure, since no Catcher takes it, or the Catcher itself.
      if (caught.outcome.kind === 'fails') return failUpwards(draft, frame, state, caught.outcome.failure);
      forgetCut(draft);
      return caught;
    },
  );
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
  // Aside: what a redrive records for the frame belongs to what the frame recorded last.
  recordAside(draft, frame.lastEventId, 'ExecutionFailed', { ...failure });
  endRun(draft, 'FAILED', failure);
}
