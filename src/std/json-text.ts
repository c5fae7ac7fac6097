import { appendPointer } from './pointer.js';

/** A key that stands twice in one object of a JSON text. */
interface DuplicateKey {
  key: string;
  /** JSON Pointer of the second one. */
  pointer: string;
  /** Counted from 1. */
  line: number;
}

interface Open {
  pointer: string;
  /** undefined: a list. */
  keys: Set<string> | undefined;
  /** The key whose value comes next, or the index of the current item. */
  place: string | number;
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/gs;

/**
 * The keys that are given twice, which JSON.parse passes over in silence, keeping the last. Takes a text
 * that JSON.parse has accepted; without recursion, so that no nesting is too deep.
 */
export function findDuplicateKeys(text: string): DuplicateKey[] {
  const found: DuplicateKey[] = [];
  const open: Open[] = [];
  let isKey = false;
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    const top = open.at(-1);
    if (token === '{' || token === '[') {
      const pointer = top === undefined ? '' : appendPointer(top.pointer, top.place);
      open.push({ pointer, keys: token === '{' ? new Set() : undefined, place: 0 });
      isKey = token === '{';
    } else if (token === '}' || token === ']') {
      open.pop();
      isKey = false;
    } else if (token === ',') {
      isKey = top?.keys !== undefined;
      if (top !== undefined && typeof top.place === 'number') top.place += 1;
    } else if (token !== ':' && isKey && top?.keys !== undefined) {
      const key = JSON.parse(token) as string;
      if (top.keys.has(key)) {
        found.push({ key, pointer: appendPointer(top.pointer, key), line: lineAt(text, match.index) });
      }
      top.keys.add(key);
      top.place = key;
      isKey = false;
    }
  }
  return found;
}

function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < index; at = text.indexOf('\n', at + 1)) line++;
  return line;
}
