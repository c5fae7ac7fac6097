import { effectiveInput, outputOf, type PassState, parametersOf } from '../../asl/index.js';
import type { Draft } from '../draft.js';
import type { Frame } from '../frame.js';
import type { Outcome } from '../outcome.js';
import { scopeOf } from '../scope.js';

/** https://states-language.net/spec.html#pass-state */
export function enterPass(draft: Draft, frame: Frame, state: PassState): Outcome {
  const scope = scopeOf(draft, frame, state);
  const input = parametersOf(state, scope, effectiveInput(state, scope));
  const result = state.result === undefined ? input : state.result;
  return { kind: 'exits', output: outputOf(state, scope, result), next: state.next };
}
