import {
  type ContextFacts,
  contextObject,
  type Machine,
  type MapState,
  type Scope,
  type State,
  type StateGroup,
} from '../asl/index.js';
import type { Json, JsonObject } from '../std/json.js';
import { type Draft, frameOf } from './draft.js';
import type { Frame } from './frame.js';
import { retryCount } from './invocation.js';
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
export function scopeOf(draft: Draft, frame: Frame, state: State): Scope {
  return scopeWith(draft, frame, state, itemOf(draft, frame));
}

/** The scope of a Map's ItemSelector for one item. */
export function itemScope(draft: Draft, frame: Frame, state: MapState, index: number, value: Json): Scope {
  return scopeWith(draft, frame, state, { index, value });
}

type Item = NonNullable<ContextFacts['mapItem']>;

function scopeWith(draft: Draft, frame: Frame, state: State, item: Item | undefined): Scope {
  const { about, entropy } = draft.run;
  let context: JsonObject | undefined;
  const make = (): JsonObject =>
    contextObject({
      execution: {
        id: about.executionId,
        name: about.executionName,
        input: about.input,
        startTimeMs: about.startTimeMs,
        redriveCount: 0,
        ...(about.roleArn !== undefined && { roleArn: about.roleArn }),
      },
      stateMachine: { id: about.stateMachineId, name: about.stateMachineName },
      state: {
        name: state.name,
        enteredTimeMs: frame.enteredAtMs,
        ...('retry' in state && { retryCount: retryCount(frame) }),
      },
      ...(item !== undefined && { mapItem: item }),
    });
  return {
    input: frame.input,
    // Made when it is looked at: most states never do.
    get context() {
      context ??= make();
      return context;
    },
    variables: variablesFor(draft, frame),
    nowMs: draft.nowMs,
    entropy,
  };
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
