/** What things may be called. */
import { forbiddenIn, NAME_MAX } from '../store/index.js';
import { type OperationError, refusal } from './errors.js';

/**
 * The name of an execution or an activity, by AWS's rule (store/names.ts).
 * @throws OperationError INVALID_NAME
 */
export function checkName(name: string, pointer = '/name'): void {
  const length = [...name].length;
  if (length < 1 || length > NAME_MAX) {
    throw refusal('INVALID_NAME', pointer, `A name has 1 to ${NAME_MAX} characters; this has ${length}.`);
  }
  const bad = forbiddenIn(name);
  if (bad !== undefined) {
    const character = /[\p{Cc}\p{Cs}\s]/u.test(bad) ? codePointOf(bad) : `'${bad}'`;
    throw refusal('INVALID_NAME', pointer, `A name may not contain ${character}.`);
  }
}

/** A machine's id, which is also its queue's name and part of URLs. @throws OperationError INVALID_NAME */
export function checkStateMachineId(id: string, pointer = '/id'): void {
  if (!/^[A-Za-z0-9_-]{1,80}$/.test(id)) {
    throw refusal('INVALID_NAME', pointer, `An id has 1 to ${NAME_MAX} letters, digits, '-' and '_'.`);
  }
}

/** A machine's name, for people: any text of one line. @throws OperationError INVALID_NAME */
export function checkStateMachineName(name: string, pointer = '/name'): void {
  const length = [...name].length;
  if (name.trim() === '' || length > NAME_MAX) {
    throw refusal('INVALID_NAME', pointer, `A name has 1 to ${NAME_MAX} characters, not all of them blank.`);
  }
  if (/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(name)) {
    throw refusal('INVALID_NAME', pointer, 'A name may not contain control characters or line breaks.');
  }
}

/**
 * What a filter looks for: PostgreSQL has no \\u0000 in its texts, and no dates of all the years that JavaScript has.
 * @throws OperationError VALIDATION_FAILED
 */
export function checkFilter(filter: object): void {
  for (const [field, value] of Object.entries(filter)) {
    if (typeof value === 'string' && value.includes('\0')) {
      throw refusal('VALIDATION_FAILED', `/${field}`, 'The text may not contain \\u0000.');
    }
    if (value instanceof Date && !(value.getTime() >= YEAR_1 && value.getTime() < YEAR_10000)) {
      throw refusal('VALIDATION_FAILED', `/${field}`, 'A date is expected, of a year from 1 to 9999.');
    }
  }
}

const YEAR_1 = Date.parse('0001-01-01T00:00:00Z');
const YEAR_10000 = 253_402_300_800_000;

/** An id from a name: `Order processing` becomes `order-processing`. */
export function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{Mark}/gu, '')
    .replace(/[^a-z0-9_]+/g, '-')
    .slice(0, SLUG_MAX)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'state-machine' : slug;
}

/** Unknown queues, wherever one is named. */
export function unknownQueue(name: string, pointer = '/queue'): OperationError {
  return refusal('QUEUE_NOT_FOUND', pointer, `There is no queue '${name}'.`);
}

/** Leaves room for a number behind it. */
const SLUG_MAX = 70;

function codePointOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
