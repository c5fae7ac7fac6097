import { isNode, type Node } from './syntax.js';

/** A name that an expression reads where there is nothing to read. */
interface Unsupported {
  name: string;
  message: string;
}

/**
 * What an expression reads that it cannot get in a state. There is no document around it: a bare name, `$$`
 * and `**` at its top have nothing to look in, and the error output is there in a Catcher alone. Names in
 * the later steps of a path, in its filters and groupings look into the step before.
 */
export function unsupportedReferences(tree: unknown, inCatcher: boolean): Unsupported[] {
  const found = new Map<string, Unsupported>();
  const complain = (name: string, message: string): void => {
    if (!found.has(name)) found.set(name, { name, message });
  };
  // Each node with whether a step before it gives it something to look in.
  const stack: [node: unknown, hasContext: boolean][] = [[tree, false]];
  const seen = new Set<unknown>();
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const [node, hasContext] = entry;
    if (typeof node !== 'object' || node === null || node instanceof RegExp) continue;
    if (Array.isArray(node)) {
      for (const part of node) stack.push([part, hasContext]);
      continue;
    }
    if (!isNode(node) || seen.has(node)) continue;
    seen.add(node);
    if (node.type === 'name' && !hasContext) {
      const name = String(node['value']);
      complain(name, `Reference to '${name}' at the top level is not supported.`);
    }
    if (node.type === 'variable' && node['value'] === '$') {
      complain('$$', "Reference to '$$' is not supported: use $states.input.");
    }
    if (node.type === 'path' && Array.isArray(node['steps'])) {
      const steps: unknown[] = node['steps'];
      if (!inCatcher && isErrorOutput(steps)) {
        complain(
          '$states.errorOutput',
          "Reference to '$states.errorOutput' is only supported in the fields of a Catcher.",
        );
      }
      for (const [index, step] of steps.entries()) stack.push([step, hasContext || index > 0]);
      stack.push([node['group'], true]);
      continue;
    }
    pushParts(node, hasContext, stack);
  }
  return [...found.values()];
}

/** Fields that are evaluated once for each item of what the node itself gives. */
const WITHIN = new Set(['predicate', 'stages', 'group', 'terms']);

function pushParts(node: Node, hasContext: boolean, stack: [unknown, boolean][]): void {
  // The parser keeps these for itself.
  for (const [field, part] of Object.entries(node)) {
    if (field === 'ancestor' || field === 'seekingParent' || field === 'slot') continue;
    stack.push([part, hasContext || WITHIN.has(field) || node.type === 'transform']);
  }
}

function isErrorOutput([first, second]: unknown[]): boolean {
  return (
    isNode(first) &&
    first.type === 'variable' &&
    first['value'] === 'states' &&
    isNode(second) &&
    second.type === 'name' &&
    second['value'] === 'errorOutput'
  );
}
