import { type ChoiceState, choiceCompletion, choose, effectiveInput } from '../../asl/index.js';
import { after, type Maybe } from '../../std/maybe.js';
import type { Draft } from '../draft.js';
import type { Frame } from '../frame.js';
import { exits, type Outcome } from '../outcome.js';
import { scopeOf } from '../scope.js';

/** https://states-language.net/spec.html#choice-state */
export function enterChoice(draft: Draft, frame: Frame, state: ChoiceState): Maybe<Outcome> {
  const scope = scopeOf(draft, frame, state);
  const input = effectiveInput(state, scope);
  return after(choose(state, scope, input), (chosen) =>
    after(choiceCompletion(state, scope, input, chosen), (completion) => exits(completion, chosen.next)),
  );
}
