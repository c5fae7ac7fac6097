/** What a mirror is: the effect of one SQL statement of `src/store/`, said again over the tables in memory. */
import type { Bug } from '../bugs.js';
import type { Changes, Tables } from './tables.js';

export interface Mirror {
  /** Where the statement is. */
  of: string;
  /** The statement itself, or what only its text has in it. */
  text: string | RegExp;
  /**
   * The locks that it waits for before it does anything; all at once. Called again whenever one that it waited for is free,
   * so that it sees what has happened meanwhile, as READ COMMITTED does.
   */
  locks?: (statement: Statement) => Lock[];
  /** Reads and changes the tables. Happens when the statement commits. Throws what PostgreSQL would refuse. */
  run: (statement: Statement) => Row[] | Affected;
}

export type Row = Record<string, unknown>;

/** Of a statement without RETURNING. */
export interface Affected {
  rowCount: number;
}

export interface Lock {
  /** `worker:<id>`, `execution:<id>`, … */
  key: string;
  /** FOR KEY SHARE, FOR SHARE: beside others like it. */
  shared?: boolean;
}

export interface Statement {
  readonly values: readonly unknown[];
  readonly db: Tables;
  readonly changes: Changes;
  readonly nowMs: number;
  readonly bug: Bug | undefined;
  /** What `locks` has found, for `run`. */
  picked: string[];
  /** Whether another has a lock, so that SKIP LOCKED passes it by. */
  isLocked(key: string): boolean;
}

/** As `pg` reports it. */
export class PgError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`not a text: ${String(value)}`);
  return value;
}

export function optionalText(value: unknown): string | null {
  return value === null || value === undefined ? null : text(value);
}

export function number(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError(`not a number: ${String(value)}`);
  return value;
}

/** What buffers have in them: each is asked for several times. */
const decoded = new WeakMap<Buffer, readonly unknown[]>();

export function list(value: unknown): readonly unknown[] {
  if (Buffer.isBuffer(value)) {
    const known = decoded.get(value) ?? readArray(value);
    decoded.set(value, known);
    return known;
  }
  if (!Array.isArray(value)) throw new TypeError('not an array');
  return value;
}

export function texts(value: unknown): string[] {
  return list(value).map(text);
}

const TEXT = 25;
const INT4 = 23;
const FLOAT8 = 701;

/** The binary arrays of store/binary-array.ts, read as the server reads them. */
function readArray(buffer: Buffer): (string | number | null)[] {
  if (buffer.readInt32BE(0) === 0) return [];
  const type = buffer.readInt32BE(8);
  const values: (string | number | null)[] = [];
  let at = 20;
  for (let left = buffer.readInt32BE(12); left > 0; left--) {
    const length = buffer.readInt32BE(at);
    at += 4;
    if (length === -1) {
      values.push(null);
      continue;
    }
    if (type === TEXT) values.push(buffer.toString('utf8', at, at + length));
    else if (type === INT4) values.push(buffer.readInt32BE(at));
    else if (type === FLOAT8) values.push(buffer.readDoubleBE(at));
    else {
      const hex = buffer.toString('hex', at, at + 16);
      values.push(
        `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
      );
    }
    at += length;
  }
  return values;
}
