/** Cursors: where a page ended, as text that means nothing to who carries it. */
import { isUuid } from './ids.js';

export interface PageQuery {
  limit: number;
  /** undefined: from the beginning. */
  cursor: string | undefined;
}

export interface PageOf<T> {
  items: T[];
  nextCursor: string | null;
}

/** The most text that a page carries, in bytes: it ends early rather than fill the memory with payloads. */
export const PAGE_BYTES = 16 * 1024 * 1024;

/** A cursor that the list did not make. */
export class InvalidCursor extends Error {
  override readonly name = 'InvalidCursor';

  constructor() {
    super('the cursor was not made by this list');
  }
}

type Part = string | number;

/** What may stand in a cursor, by kind. */
const KINDS = {
  uuid: (part: unknown): part is string => typeof part === 'string' && isUuid(part),
  text: (part: unknown): part is string =>
    typeof part === 'string' && part.length <= 200 && !part.includes('\0'),
  integer: (part: unknown): part is number =>
    typeof part === 'number' && Number.isInteger(part) && part >= 0 && part <= 2 ** 31 - 1,
  /** Milliseconds since the epoch, up to the year 9999. */
  instant: (part: unknown): part is number =>
    typeof part === 'number' && Number.isInteger(part) && part >= 0 && part < 253_402_300_800_000,
};

type Kind = keyof typeof KINDS;
type PartOf<K extends Kind> = K extends 'uuid' | 'text' ? string : number;
type Key<S extends readonly Kind[]> = { -readonly [I in keyof S]: PartOf<S[I]> };

/** `list` says which list made it, so that the cursor of one is not taken by another. */
export function encodeCursor(list: string, key: readonly Part[]): string {
  return Buffer.from(JSON.stringify([list, ...key])).toString('base64url');
}

/**
 * The key in a cursor, each part of the kind that `shape` says.
 * @throws InvalidCursor
 */
export function decodeCursor<const S extends readonly Kind[]>(
  list: string,
  cursor: string,
  shape: S,
): Key<S> {
  const parts = parse(cursor);
  if (!Array.isArray(parts) || parts.length !== shape.length + 1 || parts[0] !== list)
    throw new InvalidCursor();
  const key: unknown[] = parts.slice(1);
  if (!isKey(key, shape)) throw new InvalidCursor();
  return key;
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw new InvalidCursor();
  }
}

function isKey<const S extends readonly Kind[]>(parts: unknown, shape: S): parts is Key<S> {
  return Array.isArray(parts) && shape.every((kind, index) => KINDS[kind](parts[index]));
}

/** The cursor behind a full page; null when the page has everything that is left. */
export function pageOf<T>(found: T[], limit: number, cursorOf: (last: T) => string): PageOf<T> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: found.length > limit && last !== undefined ? cursorOf(last) : null };
}
