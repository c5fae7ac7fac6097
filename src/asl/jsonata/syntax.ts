import type { Json } from '../../std/json.js';
import { isObject } from '../../std/json.js';

/** `{% … %}`: the whole text, from its first character to its last, is one expression. */
export function isExpression(value: Json | undefined): value is string {
  return typeof value === 'string' && value.length >= 4 && value.startsWith('{%') && value.endsWith('%}');
}

/** What stands between the brackets. */
export function expressionIn(text: string): string {
  return text.slice(2, -2).trim();
}

/** A node of the library's syntax tree. Its kinds differ in more than their declared type says. */
export type Node = { readonly type?: unknown; readonly [field: string]: unknown };

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether any node of a tree is so. Trees are as deep as their text nests, which the parser has limited. */
export function someNode(tree: unknown, holds: (node: Node) => boolean): boolean {
  const stack: unknown[] = [tree];
  const seen = new Set<unknown>();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (typeof node !== 'object' || node === null || seen.has(node)) continue;
    seen.add(node);
    if (isObject(node) && holds(node)) return true;
    stack.push(...Object.values(node).filter((part) => part !== undefined));
  }
  return false;
}
