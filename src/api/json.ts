import { isUtf8 } from 'node:buffer';
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { OperationError } from '../operations/index.js';
import type { Json } from '../std/json.js';
import { HttpRefusal } from './codes.js';

/**
 * The deepest nesting that a body may have. Whoever walks a value by recursion (JSON.stringify, paths,
 * templates) must survive what the door lets in: the stack ends at some 5,000 levels. The operations take as much.
 */
export const MAX_DEPTH = 500;

/**
 * Bytes → JSON that can be stored and printed again without loss.
 *
 * @param where begins the sentence of a complaint, such as 'The body' or 'Line 7'.
 * @param pointer of the whole value, for the details of a complaint; '' for a body.
 * @throws HttpRefusal INVALID_JSON when the bytes are not JSON in UTF-8, or nested deeper than MAX_DEPTH;
 * OperationError INVALID_INPUT when a text or number in it cannot be kept (storableComplaint).
 */
export function parseJson(bytes: Buffer, where: string, pointer = ''): Json {
  if (!isUtf8(bytes)) throw new HttpRefusal('INVALID_JSON', `${where} is not UTF-8.`);
  const text = bytes.toString('utf8');
  if (isTooDeep(text)) {
    throw new HttpRefusal('INVALID_JSON', `${where} is nested deeper than ${MAX_DEPTH} levels.`);
  }
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HttpRefusal('INVALID_JSON', `${where} is not JSON${syntaxComplaint(text)}.`);
  }
  const complaint = storableComplaint(value);
  if (complaint !== undefined) {
    const at = `${pointer}${complaint.pointer}`;
    const message = `${where} has ${complaint.what}${at === '' ? '' : ` at ${at}`}.`;
    throw new OperationError('INVALID_INPUT', message, {
      details: [{ pointer: at, code: 'INVALID_INPUT', message }],
    });
  }
  return value;
}

/** Counts brackets outside of strings, so that a hostile text is refused before anything is built from it. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      for (i++; i < text.length; i++) {
        const inside = text.charCodeAt(i);
        if (inside === 0x5c) i++;
        else if (inside === 0x22) break;
      }
    } else if (c === 0x5b || c === 0x7b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (c === 0x5d || c === 0x7d) depth--;
  }
  return false;
}

/** Where and why a text is not JSON; V8's own message names no line. */
function syntaxComplaint(text: string): string {
  const errors: ParseError[] = [];
  // Beyond a megabyte a second parser would cost more than the place is worth.
  if (text.length <= 2 ** 20) parse(text, errors, { disallowComments: true });
  const [first] = errors;
  if (first === undefined) return '';
  const before = text.slice(0, first.offset).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  // A text of one line may itself be a line of something; then its own "line 1" would mislead.
  const line = text.includes('\n') ? `line ${before.length}, ` : '';
  return `: ${SYNTAX[printParseErrorCode(first.error)] ?? 'it cannot be read'} at ${line}column ${column}`;
}

/** The parser's names for what is wrong, in words. */
const SYNTAX: Readonly<Record<string, string>> = {
  InvalidSymbol: 'a word that JSON does not have stands',
  InvalidNumberFormat: 'there is a number that is none in JSON',
  PropertyNameExpected: 'the name of a member, in double quotes, is expected',
  ValueExpected: 'a value is expected',
  ColonExpected: "':' is expected",
  CommaExpected: "',' is expected",
  CloseBraceExpected: "'}' is expected",
  CloseBracketExpected: "']' is expected",
  EndOfFileExpected: 'nothing more is expected after the value',
  InvalidCommentToken: 'a comment is not allowed',
  UnexpectedEndOfComment: 'a comment is not allowed',
  UnexpectedEndOfString: 'a text is not closed',
  UnexpectedEndOfNumber: 'a number is not complete',
  InvalidUnicode: 'a text has an escape \\u that is not complete',
  InvalidEscapeCharacter: 'a text has an escape that JSON does not have',
  InvalidCharacter: 'a text has a control character that is not escaped',
};

interface Complaint {
  pointer: string;
  what: string;
}

/**
 * The first part of a value that could not be kept as it is: U+0000 (PostgreSQL's text has none), half a
 * surrogate pair (UTF-8 has none), a number beyond a double's range (JSON has no Infinity to print), a
 * `__proto__` key (it would become the prototype where objects are merged).
 */
function storableComplaint(root: Json): Complaint | undefined {
  const open: { value: Json; pointer: string }[] = [{ value: root, pointer: '' }];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const { value, pointer } = node;
    if (typeof value === 'string') {
      const what = textComplaint(value);
      if (what !== undefined) return { pointer, what };
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) return { pointer, what: 'a number beyond the range of a double' };
    } else if (Array.isArray(value)) {
      for (let i = value.length - 1; i >= 0; i--) {
        const item = value[i];
        if (item !== undefined && !isHarmless(item)) open.push({ value: item, pointer: `${pointer}/${i}` });
      }
    } else if (value !== null && typeof value === 'object') {
      for (const [key, member] of Object.entries(value).reverse()) {
        if (key === '__proto__') return { pointer, what: "a member named '__proto__'" };
        const what = textComplaint(key);
        if (what !== undefined) return { pointer, what: `a member whose name has ${what}` };
        if (!isHarmless(member)) open.push({ value: member, pointer: `${pointer}/${escapeToken(key)}` });
      }
    }
  }
  return undefined;
}

function isHarmless(value: Json): boolean {
  return (
    value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
  );
}

/** What makes a text unfit to be stored. */
export function textComplaint(text: string): string | undefined {
  if (text.includes('\u0000')) return 'the character \\u0000';
  if (HALF_A_PAIR.test(text)) return 'half a surrogate pair';
  return undefined;
}

const HALF_A_PAIR = /\p{Surrogate}/u;

/** One reference token of a JSON Pointer (RFC 6901, section 3). */
export function escapeToken(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
