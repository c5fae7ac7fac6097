import type { Json, JsonObject } from '../../std/json.js';
import { getField, isObject, setField } from '../../std/json.js';
import { type Effort, spend } from '../work.js';
import { passesFilter } from './filter.js';
import type { CompiledPath, Step } from './path.js';

/**
 * The value that a path means in `root`: for a definite path the value, or undefined when there is none;
 * for an indefinite one always a list, empty when nothing fits, even if a field on the way is missing.
 * Throws States.Runtime when it looks at more than `effort` has left.
 */
export function evaluatePath(path: CompiledPath, root: Json, effort: Effort = {}): Json | undefined {
  return evaluateSteps(path.steps, root, effort);
}

/** As evaluatePath, for the steps after `$` or `@`. Most paths are fields and indexes only: those need no lists. */
export function evaluateSteps(steps: readonly Step[], root: Json, effort: Effort): Json | undefined {
  let node: Json = root;
  for (let position = 0; position < steps.length; position++) {
    const step = steps[position] as Step;
    if (step.kind !== 'field' && step.kind !== 'index')
      return branchFrom(steps, position, [node], root, effort);
    const next = stepInto(step, node);
    // A missing field before a wildcard gives an empty list, as AWS answers.
    if (next === undefined)
      return branchesAfter(steps, position) ? branchFrom(steps, position, [], root, effort) : undefined;
    node = next;
  }
  return node;
}

function stepInto(step: Step & { kind: 'field' | 'index' }, node: Json): Json | undefined {
  if (step.kind === 'field') return isObject(node) ? getField(node, step.name) : undefined;
  return Array.isArray(node) ? node.at(step.index) : undefined;
}

/** The rest of a path, from the first step that may lead to several values, or calls a function. */
function branchFrom(
  steps: readonly Step[],
  from: number,
  start: Json[],
  root: Json,
  effort: Effort,
): Json | undefined {
  let nodes = start;
  let branched = start.length === 0;
  for (let position = from; position < steps.length; position++) {
    const step = steps[position] as Step;
    if (step.kind === 'function') {
      const value = step.call(branched ? nodes : (nodes[0] as Json));
      if (value === undefined) return undefined;
      [nodes, branched] = [[value], false];
      continue;
    }
    branched ||= branches(step, position === steps.length - 1);
    const next: Json[] = [];
    for (const node of nodes) applyStep(step, node, root, next, effort);
    if (next.length === 0 && !branched) {
      if (!branchesAfter(steps, position)) return undefined;
      branched = true;
    }
    nodes = next;
  }
  return branched ? nodes : nodes[0];
}

function branches(step: Step, last: boolean): boolean {
  return step.kind === 'fields'
    ? !last
    : step.kind !== 'field' && step.kind !== 'index' && step.kind !== 'function';
}

function branchesAfter(steps: readonly Step[], position: number): boolean {
  return steps.some((step, at) => at > position && branches(step, at === steps.length - 1));
}

function applyStep(step: Step, node: Json, root: Json, out: Json[], effort: Effort): void {
  spend(effort, 1);
  switch (step.kind) {
    case 'field':
    case 'index':
      push(out, stepInto(step, node));
      break;
    case 'fields':
      if (isObject(node)) out.push(pick(node, step.names));
      break;
    case 'indexes':
      if (Array.isArray(node)) for (const index of step.indexes) push(out, node.at(index));
      break;
    case 'slice':
      if (Array.isArray(node)) pushSlice(out, node, step, effort);
      break;
    case 'wildcard':
      if (typeof node === 'object' && node !== null) {
        const children = Object.values(node);
        spend(effort, children.length);
        for (const child of children) out.push(child);
      }
      break;
    case 'filter':
      // A filter on an object asks the object itself, on a list each item (Jayway's JsonPath).
      if (isObject(node)) {
        if (passesFilter(step.filter, node, root, effort)) out.push(node);
      } else if (Array.isArray(node)) {
        for (const item of node) if (passesFilter(step.filter, item, root, effort)) out.push(item);
      }
      break;
    case 'descent':
      pushDescendants(out, node, effort);
      break;
    case 'function':
      break;
  }
}

function push(out: Json[], value: Json | undefined): void {
  if (value !== undefined) out.push(value);
}

function pick(node: JsonObject, names: readonly string[]): JsonObject {
  const picked: JsonObject = {};
  for (const name of names) {
    const value = getField(node, name);
    if (value !== undefined) setField(picked, name, value);
  }
  return picked;
}

function pushSlice(
  out: Json[],
  node: Json[],
  slice: { from: number | undefined; to: number | undefined; by: number },
  effort: Effort,
): void {
  const items = node.slice(slice.from ?? 0, slice.to ?? node.length);
  spend(effort, items.length);
  for (let index = 0; index < items.length; index += slice.by) out.push(items[index] as Json);
}

/** The node and all objects and lists below it, parents first; by a stack, since data may nest deep. */
function pushDescendants(out: Json[], node: Json, effort: Effort): void {
  const stack: Json[] = [node];
  for (let current = stack.pop(); current !== undefined; current = stack.pop()) {
    if (typeof current !== 'object' || current === null) continue;
    out.push(current);
    const children = Object.values(current);
    spend(effort, 1 + children.length);
    for (let index = children.length - 1; index >= 0; index--) stack.push(children[index] as Json);
  }
}
