import {
  completionOf,
  effectiveInput,
  type MapState,
  mapItemInput,
  mapItems,
  mapLimits,
  resultOf,
} from '../../asl/index.js';
import type { Json } from '../../std/json.js';
import { after, type Maybe } from '../../std/maybe.js';
import { addFrame, type Draft, record, recordAside, tallyOf } from '../draft.js';
import type { ChildrenPhase, Frame } from '../frame.js';
import { exits, type Outcome, waits } from '../outcome.js';
import { itemScope, scopeOf } from '../scope.js';
import { joinChildren } from './join.js';

/**
 * https://states-language.net/spec.html#map-state, inline: one child frame for each item, at most
 * MaxConcurrency at once. The children are started one by one, each a transition of its own
 * (`startIteration`), so that a large Map neither fills a checkpoint nor keeps the process to itself.
 */
export function startMap(draft: Draft, frame: Frame, state: MapState): Maybe<Outcome> {
  const scope = scopeOf(draft, frame, state);
  const input = effectiveInput(state, scope);
  return after(mapLimits(state, scope, input), ({ maxConcurrency }) =>
    after(mapItems(state, scope, input), (items) => startItems(draft, frame, state, items, maxConcurrency)),
  );
}

function startItems(
  draft: Draft,
  frame: Frame,
  state: MapState,
  items: Json[],
  maxConcurrency: number,
): Maybe<Outcome> {
  const total = items.length;
  const startedEventId = record(draft, frame, 'MapStateStarted', { length: total });
  const limit = Math.min(maxConcurrency === 0 ? total : maxConcurrency, INLINE_CONCURRENCY);
  const phase: ChildrenPhase = { kind: 'children', total, limit, startedEventId, items };
  frame.phase = phase;
  return joinMap(draft, frame, state, phase);
}

/**
 * An inline Map works on at most 40 items at once, whatever MaxConcurrency says
 * (https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html). It also keeps one execution from
 * calling ten thousand tasks of one worker at the same moment.
 */
const INLINE_CONCURRENCY = 40;

/** Starts the next item. `previous`: what its first event follows; the state that the slot's last item left, or the Map's start. */
export function startIteration(
  draft: Draft,
  frame: Frame,
  state: MapState,
  phase: ChildrenPhase,
  previous: number,
): Maybe<Outcome> {
  const index = tallyOf(draft, frame.id).started;
  const item = phase.items?.[index] ?? null;
  const scope = itemScope(draft, frame, state, index, item);
  return after(mapItemInput(state, scope, effectiveInput(state, scope), item), (input) => {
    const lastEventId = recordAside(draft, previous, 'MapIterationStarted', { index, name: state.name });
    addFrame(draft, {
      parent: frame.id,
      index,
      path: [...frame.path, [state.name, 0]],
      state: state.itemProcessor.startAt,
      input,
      lastEventId,
    });
    return waits;
  });
}

/** Ends the state if all items have been processed. */
export function joinMap(draft: Draft, frame: Frame, state: MapState, phase: ChildrenPhase): Maybe<Outcome> {
  if (tallyOf(draft, frame.id).done < phase.total) return waits;
  const { outputs, lastEventId } = joinChildren(draft, frame, phase);
  recordAside(draft, lastEventId, 'MapStateSucceeded');
  // What follows points to the barrier, not to the event that says it has been reached.
  frame.lastEventId = lastEventId;
  const scope = scopeOf(draft, frame, state);
  return after(completionOf(state, scope, resultOf(state, scope, outputs)), (completion) =>
    exits(completion, state.next),
  );
}
