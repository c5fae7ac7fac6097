import { effectiveInput, outputOf, type SucceedState } from '../../asl/index.js';
import type { Draft } from '../draft.js';
import type { Frame } from '../frame.js';
import type { Outcome } from '../outcome.js';
import { scopeOf } from '../scope.js';

/** https://states-language.net/spec.html#succeed-state */
export function enterSucceed(draft: Draft, frame: Frame, state: SucceedState): Outcome {
  const scope = scopeOf(draft, frame, state);
  return { kind: 'exits', output: outputOf(state, scope, effectiveInput(state, scope)), next: undefined };
}
