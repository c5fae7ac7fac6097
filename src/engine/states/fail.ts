import { type FailState, failureOf } from '../../asl/index.js';
import { after, type Maybe } from '../../std/maybe.js';
import type { Draft } from '../draft.js';
import type { Frame } from '../frame.js';
import type { Outcome } from '../outcome.js';
import { scopeOf } from '../scope.js';

/** https://states-language.net/spec.html#fail-state */
export function enterFail(draft: Draft, frame: Frame, state: FailState): Maybe<Outcome> {
  return after(failureOf(state, scopeOf(draft, frame, state)), (failure) => ({ kind: 'fails', failure }));
}
