/** Cursors of lists that are made in memory: how many items were before. */
import { refusal } from './errors.js';

export function encodePosition(list: string, position: number): string {
  return Buffer.from(`${list} ${position}`).toString('base64url');
}

/** @throws OperationError INVALID_CURSOR */
export function decodePosition(list: string, cursor: string): number {
  const match = /^(\S+) (\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match?.[1] !== list) throw refusal('INVALID_CURSOR', '/cursor', 'the cursor was not made by this list');
  return Number(match[2]);
}
