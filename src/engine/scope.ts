import {
  type ContextFacts,
  contextObject,
  type Entropy,
  type Machine,
  type MapState,
  type Scope,
  type State,
  type StateGroup,
} from '../asl/index.js';
import type { Json, JsonObject } from '../std/json.js';
import { type Draft, frameOf } from './draft.js';
import type { Frame, RunMeta } from './frame.js';
import { retryCount } from './invocation.js';
import type { About } from './run.js';
import { variablesFor } from './variables.js';

/** The state that a frame is in. */
export function stateOf(machine: Machine, frame: Frame): State {
  const state = groupOf(machine, frame.path).states.get(frame.state);
  if (state === undefined) throw new Error(`the machine has no state '${frame.state}'`);
  return state;
}

/** The states of a branch or of a Map's processor, found from the root down. */
function groupOf(machine: Machine, path: Frame['path']): StateGroup {
  let group: StateGroup = machine;
  for (const [name, branch] of path) {
    const state = group.states.get(name);
    const inner =
      state?.type === 'Map'
        ? state.itemProcessor
        : state?.type === 'Parallel'
          ? state.branches[branch]
          : undefined;
    if (inner === undefined) throw new Error(`the machine has no branch ${String(branch)} in '${name}'`);
    group = inner;
  }
  return group;
}

/** What the state's paths and templates see: its raw input, the context object, and chance. */
export function scopeOf(draft: Draft, frame: Frame, state: State, taskToken?: string): Scope {
  return scopeWith(draft, frame, state, itemOf(draft, frame), taskToken);
}

/** The scope of a Map's ItemSelector for one item. */
export function itemScope(draft: Draft, frame: Frame, state: MapState, index: number, value: Json): Scope {
  return scopeWith(draft, frame, state, { index, value });
}

type Item = NonNullable<ContextFacts['mapItem']>;

function scopeWith(
  draft: Draft,
  frame: Frame,
  state: State,
  item: Item | undefined,
  taskToken?: string,
): Scope {
  return new FrameScope(draft, frame, state, item, taskToken);
}

/**
 * A class, so that the context object costs nothing until it is looked at, which most states never do: a getter
 * on a prototype is free, on an object literal it is defined anew for every scope.
 */
class FrameScope implements Scope {
  readonly input: Json;
  readonly variables: JsonObject;
  readonly nowMs: number;
  readonly entropy: Entropy;
  work: number | undefined = undefined;
  readonly #about: About;
  readonly #frame: Frame;
  readonly #state: State;
  readonly #item: Item | undefined;
  readonly #taskToken: string | undefined;
  readonly #redriven: Pick<RunMeta, 'redriveCount' | 'redrivenAtMs'>;
  #context: JsonObject | undefined;

  constructor(
    draft: Draft,
    frame: Frame,
    state: State,
    item: Item | undefined,
    taskToken: string | undefined,
  ) {
    this.input = frame.input;
    this.variables = variablesFor(draft, frame);
    this.nowMs = draft.nowMs;
    this.entropy = draft.run.entropy;
    this.#about = draft.run.about;
    this.#frame = frame;
    this.#state = state;
    this.#item = item;
    this.#taskToken = taskToken;
    this.#redriven = draft.meta;
  }

  get context(): JsonObject {
    this.#context ??= this.#makeContext();
    return this.#context;
  }

  #makeContext(): JsonObject {
    const about = this.#about;
    const { redriveCount = 0, redrivenAtMs } = this.#redriven;
    return contextObject({
      execution: {
        id: about.executionArn ?? about.executionId,
        name: about.executionName,
        input: about.input,
        startTimeMs: about.startTimeMs,
        // Of a Standard execution's; an Express one is never redriven.
        ...(about.isExpress !== true && { redriveCount }),
        ...(redrivenAtMs !== undefined && { redriveTimeMs: redrivenAtMs }),
        ...(about.roleArn !== undefined && { roleArn: about.roleArn }),
      },
      stateMachine: { id: about.stateMachineArn ?? about.stateMachineId, name: about.stateMachineName },
      state: {
        name: this.#state.name,
        enteredTimeMs: this.#frame.enteredAtMs,
        ...('retry' in this.#state && { retryCount: retryCount(this.#frame) }),
      },
      ...(this.#item !== undefined && { mapItem: this.#item }),
      ...(this.#taskToken !== undefined && { taskToken: this.#taskToken }),
    });
  }
}

/** The item of the nearest Map around the frame, found in the frame of that Map. */
function itemOf(draft: Draft, frame: Frame): Item | undefined {
  for (let at = frame; at.parent !== null; ) {
    const parent = frameOf(draft, at.parent);
    if (parent === undefined) throw new Error(`frame ${String(at.id)} has lost its parent`);
    if (parent.phase.kind === 'children' && parent.phase.items !== undefined) {
      return { index: at.index, value: parent.phase.items[at.index] ?? null };
    }
    at = parent;
  }
  return undefined;
}
