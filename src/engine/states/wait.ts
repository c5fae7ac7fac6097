import { completionOf, effectiveInput, type WaitState, waitUntilMs } from '../../asl/index.js';
import { after, type Maybe } from '../../std/maybe.js';
import type { Draft } from '../draft.js';
import type { Frame } from '../frame.js';
import { exits, type Outcome, waits } from '../outcome.js';
import { scopeOf } from '../scope.js';

/** https://states-language.net/spec.html#wait-state */
export function enterWait(draft: Draft, frame: Frame, state: WaitState): Maybe<Outcome> {
  const scope = scopeOf(draft, frame, state);
  return after(waitUntilMs(state, scope, effectiveInput(state, scope), draft.nowMs), (untilMs) => {
    if (untilMs <= draft.nowMs) return endWait(draft, frame, state);
    frame.phase = { kind: 'waiting', untilMs };
    return waits;
  });
}

export function endWait(draft: Draft, frame: Frame, state: WaitState): Maybe<Outcome> {
  const scope = scopeOf(draft, frame, state);
  return after(completionOf(state, scope, effectiveInput(state, scope)), (completion) =>
    exits(completion, state.next),
  );
}
