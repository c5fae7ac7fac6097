import {
  catchCompletion,
  chooseCatcher,
  chooseRetrier,
  type MapState,
  nextDelayMs,
  type ParallelState,
  type State,
} from '../asl/index.js';
import { after, type Maybe } from '../std/maybe.js';
import { childrenOf, type Draft, dropChildren, frameOf, recordAside } from './draft.js';
import type { CuttableType } from './events.js';
import type { ChildrenPhase, Frame } from './frame.js';
import { keepCut } from './left.js';
import { exits, type Failure, type Outcome } from './outcome.js';
import { scopeOf, stateOf } from './scope.js';

/** A Parallel or Map with its children. */
interface Parent {
  frame: Frame;
  state: ParallelState | MapState;
  phase: ChildrenPhase;
}

export function parentOf(draft: Draft, id: number): Parent {
  const frame = frameOf(draft, id);
  const state = frame === undefined ? undefined : stateOf(draft.run.machine, frame);
  if (frame?.phase.kind !== 'children' || (state?.type !== 'Parallel' && state?.type !== 'Map')) {
    throw new Error(`frame ${String(id)} is no parent`);
  }
  return { frame, state, phase: frame.phase };
}

/** Puts the frame into a Retrier's pause, if one still has attempts left for the error. */
export function retry(draft: Draft, frame: Frame, state: State, failure: Failure): boolean {
  if (!('retry' in state)) return false;
  const index = chooseRetrier(state.retry, failure.error ?? '');
  const retrier = state.retry[index];
  const used = frame.retries[index] ?? 0;
  if (retrier === undefined || used >= retrier.maxAttempts) return false;
  frame.retries = state.retry.map((_, at) => (frame.retries[at] ?? 0) + (at === index ? 1 : 0));
  const delayMs = nextDelayMs(retrier, used, () => draft.run.entropy.random());
  frame.phase = { kind: 'retrying', untilMs: draft.nowMs + Math.ceil(delayMs) };
  return true;
}

/** Leaves the state through the first Catcher that takes the error; the failure as it was when none does. */
export function catchFailure(draft: Draft, frame: Frame, state: State, failure: Failure): Maybe<Outcome> {
  const catcher = 'catch' in state ? chooseCatcher(state.catch, failure.error ?? '') : undefined;
  if (catcher === undefined) return { kind: 'fails', failure };
  const error = { Error: failure.error ?? '', Cause: failure.cause ?? '' };
  return after(catchCompletion(catcher, scopeOf(draft, frame, state), error), (completion) => ({
    ...exits(completion, catcher.next),
    caught: true,
  }));
}

/**
 * One child has failed: the others are cut. As AWS records it, all of these point to the failing child's
 * last event: the abort of a task state that the failure ended; for each other child that still ran the
 * abort of the iteration and of the states that it was in; the failure of the iteration.
 */
export function cutChildren(draft: Draft, parent: Parent, failed: Frame, failedIn: State): void {
  const { frame, state } = parent;
  const previous = failed.lastEventId;
  keepCut(draft, frame.id);
  if (failedIn.type === 'Task') recordAside(draft, previous, 'TaskStateAborted');
  for (const child of childrenOf(draft, frame.id)) {
    if (child.id === failed.id || child.phase.kind === 'done') continue;
    recordCut(draft, state, child, previous);
  }
  if (state.type === 'Map') {
    recordAside(draft, previous, 'MapIterationFailed', { index: failed.index, name: state.name });
  }
  dropChildren(draft, frame.id);
}

function recordCut(draft: Draft, parentState: State, child: Frame, previous: number): void {
  if (parentState.type === 'Map') {
    recordAside(draft, previous, 'MapIterationAborted', { index: child.index, name: parentState.name });
  }
  if (child.phase.kind === 'enter') return;
  const state = stateOf(draft.run.machine, child);
  if (isCuttable(state.type)) recordAside(draft, previous, `${state.type}StateAborted`);
  for (const grandchild of childrenOf(draft, child.id)) {
    if (grandchild.phase.kind !== 'done') recordCut(draft, state, grandchild, previous);
  }
}

function isCuttable(type: State['type']): type is CuttableType {
  return type === 'Task' || type === 'Wait' || type === 'Parallel' || type === 'Map';
}
