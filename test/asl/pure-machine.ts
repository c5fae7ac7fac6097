import {
  type Completion,
  choiceCompletion,
  choose,
  compileMachine,
  completionOf,
  contextObject,
  effectiveInput,
  failureOf,
  parametersOf,
  type Scope,
  StatesError,
  waitUntilMs,
} from '../../src/asl/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';

export type PureOutcome = { output: Json } | { error: string | undefined; cause: string | undefined };

/** Steps after which a machine that goes round in circles is given up. */
const MAX_STEPS = 100;

/** Runs a machine of Pass, Choice, Wait, Succeed and Fail states by the language alone; Waits take no time. */
export async function runPure(definition: JsonObject, input: Json): Promise<PureOutcome> {
  const machine = compileMachine(definition);
  let name = machine.startAt;
  let current = input;
  let variables: JsonObject = {};
  for (let step = 0; step < MAX_STEPS; step++) {
    const state = machine.states.get(name);
    if (state === undefined) throw new Error(`there is no state ${name}`);
    const scope = scopeOf(name, current, input, variables);
    try {
      if (state.type === 'Fail') {
        const { error, cause } = await failureOf(state, scope);
        return { error, cause };
      }
      const effective = effectiveInput(state, scope);
      let next: string | undefined;
      let completion: Completion;
      switch (state.type) {
        case 'Choice': {
          const chosen = await choose(state, scope, effective);
          next = chosen.next;
          completion = await choiceCompletion(state, scope, effective, chosen);
          break;
        }
        case 'Pass':
          next = state.next;
          completion = await completionOf(
            state,
            scope,
            state.result ?? (await parametersOf(state, scope, effective)),
          );
          break;
        case 'Wait':
          await waitUntilMs(state, scope, effective, 0);
          next = state.next;
          completion = await completionOf(state, scope, effective);
          break;
        case 'Succeed':
          completion = await completionOf(state, scope, effective);
          break;
        default:
          throw new Error(`a ${state.type} state is not pure`);
      }
      current = completion.output;
      variables = { ...variables, ...completion.assigned };
      if (next === undefined) return { output: current };
      name = next;
    } catch (error) {
      if (error instanceof StatesError) return { error: error.error, cause: error.cause };
      throw error;
    }
  }
  throw new Error(`the machine did not end within ${MAX_STEPS} states`);
}

function scopeOf(name: string, current: Json, input: Json, variables: JsonObject): Scope {
  return {
    input: current,
    context: contextObject({
      execution: { id: 'e-1', name: 'first', input, startTimeMs: 0 },
      stateMachine: { id: 'm-1', name: 'orders' },
      state: { name, enteredTimeMs: 0 },
    }),
    variables,
    nowMs: 0,
    entropy: { random: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' },
  };
}
