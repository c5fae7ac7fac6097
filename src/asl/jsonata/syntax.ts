import type { Json } from '../../std/json.js';

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

/** Whether any node of a tree is so. Without recursion, so that no tree is too deep or too wide. */
export function someNode(tree: unknown, holds: (node: Node) => boolean): boolean {
  const stack: unknown[] = [tree];
  const seen = new Set<unknown>();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (typeof node !== 'object' || node === null || seen.has(node)) continue;
    seen.add(node);
    if (isNode(node) && holds(node)) return true;
    for (const part of Object.values(node)) if (part !== undefined) stack.push(part);
  }
  return false;
}

/** Whether a tree nests deeper than `limit` nodes. */
export function isDeeper(tree: unknown, limit: number): boolean {
  const stack: [node: unknown, depth: number][] = [[tree, 0]];
  const depths = new Map<unknown, number>();
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const [node, depth] = entry;
    if (typeof node !== 'object' || node === null || (depths.get(node) ?? -1) >= depth) continue;
    if (depth > limit) return true;
    depths.set(node, depth);
    for (const part of Object.values(node)) stack.push([part, Array.isArray(node) ? depth : depth + 1]);
  }
  return false;
}
