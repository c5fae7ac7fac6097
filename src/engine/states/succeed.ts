import { completionOf, effectiveInput, type SucceedState } from '../../asl/index.js';
import { after, type Maybe } from '../../std/maybe.js';
import type { Draft } from '../draft.js';
import type { Frame } from '../frame.js';
import { exits, type Outcome } from '../outcome.js';
import { scopeOf } from '../scope.js';

/** https://states-language.net/spec.html#succeed-state */
export function enterSucceed(draft: Draft, frame: Frame, state: SucceedState): Maybe<Outcome> {
  const scope = scopeOf(draft, frame, state);
  return after(completionOf(state, scope, effectiveInput(state, scope)), (completion) =>
    exits(completion, undefined),
  );
}
