import { effectiveInput, outputOf, type WaitState, waitUntilMs } from '../../asl/index.js';
import type { Draft } from '../draft.js';
import type { Frame } from '../frame.js';
import { type Outcome, waits } from '../outcome.js';
import { scopeOf } from '../scope.js';

/** https://states-language.net/spec.html#wait-state */
export function enterWait(draft: Draft, frame: Frame, state: WaitState): Outcome {
  const scope = scopeOf(draft, frame, state);
  const untilMs = waitUntilMs(state, scope, effectiveInput(state, scope), draft.nowMs);
  if (untilMs <= draft.nowMs) return endWait(draft, frame, state);
  frame.phase = { kind: 'waiting', untilMs };
  return waits;
}

export function endWait(draft: Draft, frame: Frame, state: WaitState): Outcome {
  const scope = scopeOf(draft, frame, state);
  return { kind: 'exits', output: outputOf(state, scope, effectiveInput(state, scope)), next: state.next };
}
