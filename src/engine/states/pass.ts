import { completionOf, effectiveInput, type PassState, parametersOf } from '../../asl/index.js';
import { after, type Maybe } from '../../std/maybe.js';
import type { Draft } from '../draft.js';
import type { Frame } from '../frame.js';
import { exits, type Outcome } from '../outcome.js';
import { scopeOf } from '../scope.js';

/** https://states-language.net/spec.html#pass-state */
export function enterPass(draft: Draft, frame: Frame, state: PassState): Maybe<Outcome> {
  const scope = scopeOf(draft, frame, state);
  return after(parametersOf(state, scope, effectiveInput(state, scope)), (input) => {
    const result = state.result === undefined ? input : state.result;
    return after(completionOf(state, scope, result), (completion) => exits(completion, state.next));
  });
}
