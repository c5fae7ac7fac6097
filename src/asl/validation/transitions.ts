import type { Json, JsonObject } from '../../std/json.js';
import { isObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { Complaints } from './complaints.js';
import { fieldOf } from './object.js';

interface Transition {
  pointer: string;
  target: string;
}

/** Whether the states of a group lead to each other and to an end (https://states-language.net/spec.html#transition). */
export function checkTransitions(
  startAt: Json | undefined,
  states: JsonObject,
  pointer: string,
  complaints: Complaints,
): void {
  const transitions = new Map<string, Transition[]>();
  let ends = 0;
  for (const [name, state] of Object.entries(states)) {
    if (!isObject(state)) continue;
    const at = appendPointer(pointer, 'States', name);
    transitions.set(name, transitionsOf(state, at));
    if (checkEnd(state, at, complaints)) ends++;
  }
  checkTargets(startAt, states, pointer, [...transitions.values()].flat(), complaints);
  // AWS does not say what is out of reach where no way leads to an end.
  if (ends === 0) {
    complaints.add('MISSING_END_STATE', pointer, 'Workflow has no terminal state');
  } else if (typeof startAt === 'string' && Object.hasOwn(states, startAt)) {
    checkReached(startAt, states, transitions, pointer, complaints);
  }
}

function transitionsOf(state: JsonObject, pointer: string): Transition[] {
  const found: Transition[] = [];
  collect(fieldOf(state, 'Next'), appendPointer(pointer, 'Next'), found);
  if (state['Type'] === 'Choice') {
    collect(fieldOf(state, 'Default'), appendPointer(pointer, 'Default'), found);
    collectEach(fieldOf(state, 'Choices'), appendPointer(pointer, 'Choices'), found);
  }
  if (state['Type'] === 'Message')
    collect(fieldOf(state, 'TimeoutPath'), appendPointer(pointer, 'TimeoutPath'), found);
  collectEach(fieldOf(state, 'Catch'), appendPointer(pointer, 'Catch'), found);
  return found;
}

function collectEach(list: Json | undefined, pointer: string, found: Transition[]): void {
  if (!Array.isArray(list)) return;
  for (const [index, item] of list.entries()) {
    if (isObject(item)) collect(fieldOf(item, 'Next'), appendPointer(pointer, index, 'Next'), found);
  }
}

function collect(target: Json | undefined, pointer: string, found: Transition[]): void {
  if (typeof target === 'string') found.push({ pointer, target });
}

/**
 * Complains unless the state has exactly one of Next and End where it needs one. True: it ends its group,
 * or may be meant to, so that one mistake does not bring a second complaint.
 */
function checkEnd(state: JsonObject, pointer: string, complaints: Complaints): boolean {
  const type = fieldOf(state, 'Type');
  if (type === 'Choice') return false;
  if (type === 'Succeed' || type === 'Fail' || typeof type !== 'string') return true;
  const [next, end] = [Object.hasOwn(state, 'Next'), Object.hasOwn(state, 'End')];
  if (next && end) complaints.schema(pointer, "Expected one of 'Next' and 'End', found both.");
  if (!next && !end) complaints.schema(pointer, "Expected one of 'Next' and 'End', found neither.");
  return end || !next;
}

/** Of a StartAt, a Default and a Next alike AWS says 'Next'. */
function checkTargets(
  startAt: Json | undefined,
  states: JsonObject,
  pointer: string,
  transitions: Transition[],
  complaints: Complaints,
): void {
  const start = { pointer: appendPointer(pointer, 'StartAt'), target: startAt };
  for (const { pointer: at, target } of [start, ...transitions]) {
    if (typeof target !== 'string' || Object.hasOwn(states, target)) continue;
    complaints.add('MISSING_TRANSITION_TARGET', at, `Missing 'Next' target: ${target}`);
  }
}

function checkReached(
  startAt: string,
  states: JsonObject,
  transitions: ReadonlyMap<string, Transition[]>,
  pointer: string,
  complaints: Complaints,
): void {
  const reached = new Set([startAt]);
  // A set visits what is added while it is being walked.
  for (const name of reached) for (const { target } of transitions.get(name) ?? []) reached.add(target);
  for (const name of Object.keys(states)) {
    if (!reached.has(name)) {
      complaints.add(
        'MISSING_TRANSITION_TARGET',
        appendPointer(pointer, 'States', name),
        `State "${name}" is not reachable.`,
      );
    }
  }
}
