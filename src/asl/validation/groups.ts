import type { Json, JsonObject } from '../../std/json.js';
import { isObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { QueryLanguage, StateType } from '../definition.js';
import { anything, oneOf, text } from './checks.js';
import { type Complaints, describe } from './complaints.js';
import { childType, isDistributed } from './map.js';
import { checkFields, checkRequired, fieldOf, type Schema } from './object.js';
import { checkState } from './states.js';
import { checkTransitions } from './transitions.js';
import { assignedNames, checkScope } from './variables.js';

/** What holds for the whole machine while its groups are checked. */
interface MachineView {
  machineType: 'STANDARD' | 'EXPRESS';
  queryLanguage: QueryLanguage;
  /** State names seen so far, with where. */
  names: Map<string, string>;
  /** Labels of distributed Maps seen so far, with where. */
  labels: Map<string, string>;
  /** The variables of the scopes around the group. */
  variables: ReadonlySet<string>;
}

const STATE_TYPES: readonly StateType[] = [
  'Task',
  'Wait',
  'Pass',
  'Succeed',
  'Fail',
  'Choice',
  'Parallel',
  'Map',
];

/** AWS's types, as its refusal lists them, and our own. */
const KNOWN_TYPES: readonly StateType[] = [...STATE_TYPES, 'Message'];

/** AWS's own limit for a state's name, in characters. */
const MAX_NAME = 80;

/** StartAt and States, of the machine, a branch or an item processor, with all groups inside its states. */
export function checkGroup(
  group: JsonObject,
  pointer: string,
  complaints: Complaints,
  view: MachineView,
): void {
  checkRequired(group, ['StartAt', 'States'], pointer, complaints);
  const startAt = fieldOf(group, 'StartAt');
  if (startAt !== undefined) text(startAt, appendPointer(pointer, 'StartAt'), complaints);
  const states = fieldOf(group, 'States');
  const at = appendPointer(pointer, 'States');
  if (states === undefined) return;
  if (!isObject(states)) {
    complaints.schema(at, `Expected an object of states, found ${describe(states)}.`);
    return;
  }
  if (Object.keys(states).length === 0) {
    complaints.schema(at, 'Value cannot be empty');
    return;
  }
  const inner = { ...view, variables: new Set([...view.variables, ...assignedNames(states)]) };
  for (const [name, state] of Object.entries(states)) {
    const stateAt = appendPointer(at, name);
    if (isObject(state)) checkScope(state, view.variables, stateAt, complaints);
    checkNamedState(name, state, stateAt, complaints, inner);
  }
  checkTransitions(startAt, states, pointer, complaints);
}

function checkNamedState(
  name: string,
  state: Json,
  pointer: string,
  complaints: Complaints,
  view: MachineView,
): void {
  checkName(name, pointer, complaints, view);
  if (!isObject(state)) {
    complaints.schema(pointer, `Expected a state, an object, found ${describe(state)}.`);
    return;
  }
  const type = KNOWN_TYPES.find((known) => known === fieldOf(state, 'Type'));
  if (!Object.hasOwn(state, 'Type')) {
    checkRequired(state, ['Type'], pointer, complaints);
  } else if (type === undefined) {
    complaints.schema(
      appendPointer(pointer, 'Type'),
      `The field 'Type' should have one of these values: [${STATE_TYPES.join(', ')}]`,
    );
  }
  const language = checkQueryLanguage(state, pointer, complaints, view);
  if (type !== undefined)
    checkState(state, { type, language, machineType: view.machineType }, pointer, complaints);
  checkInnerGroups(state, type, pointer, complaints, view);
}

function checkName(name: string, pointer: string, complaints: Complaints, view: MachineView): void {
  if (name === '' || name.length > MAX_NAME) {
    complaints.add(
      'INVALID_STATE_NAME',
      pointer,
      `Expected a state name of 1 to ${MAX_NAME} characters, found ${name.length}.`,
    );
  }
  const other = view.names.get(name);
  if (other === undefined) view.names.set(name, pointer);
  else
    complaints.add(
      'DUPLICATE_STATE_NAME',
      pointer,
      `Expected state names that are unique in the whole state machine, found '${name}' here and at ${other}.`,
    );
}

/** The language of the state's fields. A JSONPath machine may have JSONata states, not the other way. */
function checkQueryLanguage(
  state: JsonObject,
  pointer: string,
  complaints: Complaints,
  view: MachineView,
): QueryLanguage {
  const language = fieldOf(state, 'QueryLanguage');
  if (language === undefined) return view.queryLanguage;
  if (view.queryLanguage === 'JSONata' && language === 'JSONPath') {
    complaints.schema(
      pointer,
      "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
    );
  } else {
    oneOf('JSONPath', 'JSONata')(language, appendPointer(pointer, 'QueryLanguage'), complaints);
  }
  return view.queryLanguage === 'JSONPath' && language === 'JSONPath' ? 'JSONPath' : 'JSONata';
}

function checkInnerGroups(
  state: JsonObject,
  type: StateType | undefined,
  pointer: string,
  complaints: Complaints,
  view: MachineView,
): void {
  if (type === 'Map') checkMapGroups(state, pointer, complaints, view);
  const branches = type === 'Parallel' ? fieldOf(state, 'Branches') : undefined;
  if (branches === undefined) return;
  const at = appendPointer(pointer, 'Branches');
  if (!Array.isArray(branches)) {
    complaints.schema(at, `Expected an array of branches, found ${describe(branches)}.`);
    return;
  }
  if (branches.length === 0) complaints.schema(at, 'Value cannot be empty');
  for (const [index, branch] of branches.entries()) {
    checkInner(branch, BRANCH, appendPointer(at, index), complaints, view);
  }
}

/**
 * The processor of a Map. The items of a distributed one are executions of their own, of their own type, that see none
 * of the variables around them.
 */
function checkMapGroups(map: JsonObject, pointer: string, complaints: Complaints, view: MachineView): void {
  const distributed = isDistributed(map);
  const inner: MachineView = distributed
    ? { ...view, machineType: childType(map), variables: new Set() }
    : view;
  for (const field of ['ItemProcessor', 'Iterator']) {
    const group = fieldOf(map, field);
    if (group !== undefined) checkInner(group, PROCESSOR, appendPointer(pointer, field), complaints, inner);
  }
  if (!distributed) return;
  if (view.machineType === 'EXPRESS') {
    complaints.schema(
      pointer,
      'Express state machine does not support a distributed Map, with the Mode DISTRIBUTED in its ProcessorConfig.',
    );
  }
  const label = fieldOf(map, 'Label');
  if (typeof label !== 'string') return;
  const at = appendPointer(pointer, 'Label');
  const other = view.labels.get(label);
  if (other === undefined) view.labels.set(label, at);
  else
    complaints.add(
      'DUPLICATE_LABEL_NAME',
      at,
      `Expected labels that are unique in the whole state machine, found '${label}' here and at ${other}.`,
    );
}

const BRANCH: Schema = { Comment: text, StartAt: anything, States: anything };
const PROCESSOR: Schema = { ...BRANCH, ProcessorConfig: anything };

function checkInner(
  group: Json,
  schema: Schema,
  pointer: string,
  complaints: Complaints,
  view: MachineView,
): void {
  if (!isObject(group)) {
    complaints.schema(pointer, `Expected an object with StartAt and States, found ${describe(group)}.`);
    return;
  }
  checkFields(group, schema, pointer, complaints);
  checkGroup(group, pointer, complaints, view);
}
