/**
 * Ids that are unique without asking anybody and ordered by time (RFC 9562, UUID version 7), so that new rows
 * go to the end of the index, and lists can page by id.
 */
import { randomFillSync } from 'node:crypto';

/**
 * A UUIDv7, greater than every one that this process made before, even when the clock goes back: the 42 bits
 * after the milliseconds are a counter that begins at random each millisecond (RFC 9562, 6.2, method 1).
 */
export function newId(nowMs: number = Date.now()): string {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    counter = randomBelow2to41();
  } else if (++counter >= COUNTER_END) {
    // Used up: borrow from the next millisecond.
    lastMs++;
    counter = randomBelow2to41();
  }
  const time = lastMs.toString(16).padStart(12, '0');
  const high = Math.floor(counter / 2 ** 30);
  const low = counter % 2 ** 30;
  // 12 bits of the counter beside the version, 30 in the variant's field, then 32 random bits.
  const a = (0x7000 | high).toString(16);
  const b = (0x8000 | (low >>> 16)).toString(16);
  const c = (low & 0xffff).toString(16).padStart(4, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-${a}-${b}-${c}${random32()}`;
}

/** Whether a text is a UUID as PostgreSQL prints it, in either case. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}

/** The smallest UUIDv7 of a millisecond: a bound for ids by time. */
export function firstIdAt(ms: number): string {
  const time = Math.min(Math.max(0, Math.floor(ms)), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

const COUNTER_END = 2 ** 42;

let lastMs = 0;
let counter = 0;

const entropy = Buffer.allocUnsafe(4096);
let used = entropy.length;

function take(bytes: number): number {
  if (used + bytes > entropy.length) {
    randomFillSync(entropy);
    used = 0;
  }
  used += bytes;
  return used - bytes;
}

function random32(): string {
  return entropy.readUInt32BE(take(4)).toString(16).padStart(8, '0');
}

/** The top bit stays 0, so that at least 2^41 more fit into the millisecond. */
function randomBelow2to41(): number {
  return entropy.readUIntBE(take(6), 6) % 2 ** 41;
}
