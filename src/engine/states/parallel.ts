import { completionOf, effectiveInput, type ParallelState, parametersOf, resultOf } from '../../asl/index.js';
import type { Json } from '../../std/json.js';
import { after, type Maybe } from '../../std/maybe.js';
import { addFrame, type Draft, record, recordAside, tallyOf } from '../draft.js';
import type { ChildrenPhase, Frame } from '../frame.js';
import { exits, type Outcome, waits } from '../outcome.js';
import { scopeOf } from '../scope.js';
import { joinChildren } from './join.js';

/** https://states-language.net/spec.html#parallel-state: starts every branch; every attempt anew. */
export function startParallel(draft: Draft, frame: Frame, state: ParallelState): Maybe<Outcome> {
  const scope = scopeOf(draft, frame, state);
  return after(parametersOf(state, scope, effectiveInput(state, scope)), (input) =>
    startBranches(draft, frame, state, input),
  );
}

function startBranches(draft: Draft, frame: Frame, state: ParallelState, input: Json): Outcome {
  const startedEventId = record(draft, frame, 'ParallelStateStarted');
  const total = state.branches.length;
  frame.phase = { kind: 'children', total, limit: total, startedEventId };
  state.branches.forEach((branch, index) => {
    addFrame(draft, {
      parent: frame.id,
      index,
      path: [...frame.path, [state.name, index]],
      state: branch.startAt,
      input,
      lastEventId: startedEventId,
    });
  });
  return waits;
}

/** Ends the state if all branches have. */
export function joinParallel(
  draft: Draft,
  frame: Frame,
  state: ParallelState,
  phase: ChildrenPhase,
): Maybe<Outcome> {
  if (tallyOf(draft, frame.id).done < phase.total) return waits;
  const { outputs, lastEventId } = joinChildren(draft, frame, phase);
  recordAside(draft, lastEventId, 'ParallelStateSucceeded');
  // What follows points to the barrier, not to the event that says it has been reached.
  frame.lastEventId = lastEventId;
  const scope = scopeOf(draft, frame, state);
  return after(completionOf(state, scope, resultOf(state, scope, outputs)), (completion) =>
    exits(completion, state.next),
  );
}
