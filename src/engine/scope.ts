import type { Machine, MapState, Scope, State, StateGroup } from '../asl/index.js';
import type { Json, JsonObject } from '../std/json.js';
import { type Draft, frameOf } from './draft.js';
import type { Frame } from './frame.js';
import { retryCount } from './invocation.js';

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
  return { input: frame.input, context: contextOf(draft, frame, state), entropy: draft.run.entropy };
}

/** The scope of a Map's ItemSelector for one item. */
export function itemScope(draft: Draft, frame: Frame, state: MapState, index: number, value: Json): Scope {
  const scope = scopeOf(draft, frame, state);
  return { ...scope, context: { ...scope.context, Map: mapContext(index, value) } };
}

/** The context object (https://states-language.net/spec.html#context-object). */
function contextOf(draft: Draft, frame: Frame, state: State): JsonObject {
  const { about } = draft.run;
  const execution: JsonObject = {
    Id: about.executionId,
    Input: about.input,
    Name: about.executionName,
    StartTime: new Date(about.startTimeMs).toISOString(),
    RedriveCount: 0,
  };
  if (about.roleArn !== undefined) execution['RoleArn'] = about.roleArn;
  const inState: JsonObject = { Name: state.name, EnteredTime: new Date(frame.enteredAtMs).toISOString() };
  if (state.type === 'Task' || state.type === 'Parallel' || state.type === 'Map')
    inState['RetryCount'] = retryCount(frame);
  const context: JsonObject = {
    Execution: execution,
    StateMachine: { Id: about.stateMachineId, Name: about.stateMachineName },
    State: inState,
  };
  const item = itemOf(draft, frame);
  if (item !== undefined) context['Map'] = item;
  return context;
}

/** The item of the nearest Map around the frame, found in the frame of that Map. */
function itemOf(draft: Draft, frame: Frame): JsonObject | undefined {
  for (let at = frame; at.parent !== null; ) {
    const parent = frameOf(draft, at.parent);
    if (parent === undefined) throw new Error(`frame ${String(at.id)} has lost its parent`);
    if (parent.phase.kind === 'children' && parent.phase.items !== undefined) {
      return mapContext(at.index, parent.phase.items[at.index] ?? null);
    }
    at = parent;
  }
  return undefined;
}

function mapContext(index: number, value: Json): JsonObject {
  return { Item: { Index: index, Value: value } };
}
