import { type ChoiceState, chooseNext, effectiveInput, outputOf } from '../../asl/index.js';
import type { Draft } from '../draft.js';
import type { Frame } from '../frame.js';
import type { Outcome } from '../outcome.js';
import { scopeOf } from '../scope.js';

/** https://states-language.net/spec.html#choice-state */
export function enterChoice(draft: Draft, frame: Frame, state: ChoiceState): Outcome {
  const scope = scopeOf(draft, frame, state);
  const input = effectiveInput(state, scope);
  const next = chooseNext(state, scope, input);
  return { kind: 'exits', output: outputOf(state, scope, input), next };
}
