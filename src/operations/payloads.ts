/** What may come in as data. */
import { isDeeperThan, type Json, walkJson } from '../std/json.js';
import { type ErrorCode, OperationError, refusal } from './errors.js';

/** As deep as anything sensible, and far from what exhausts the stack of a parser or a printer. */
const DEPTH_MAX = 500;

/**
 * The JSON text of an input.
 * @param limit in bytes of that text.
 * @param pointer where the value is in the request.
 * @param what begins the sentence of a complaint.
 * @throws OperationError PAYLOAD_TOO_LARGE; INVALID_INPUT for what cannot be stored.
 */
export function payloadText(value: Json, limit: number, pointer = '/input', what = 'The value'): string {
  if (isDeeperThan(value, DEPTH_MAX)) {
    throw refusal('INVALID_INPUT', pointer, `${what} nests deeper than ${DEPTH_MAX} levels.`);
  }
  const text = JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  if (bytes > limit) {
    throw refusal('PAYLOAD_TOO_LARGE', pointer, `${what} is ${bytes} bytes of JSON; the limit is ${limit}.`);
  }
  // JSON.stringify escapes both kinds of text that are refused, so most values need no closer look.
  if (/\\u(0000|[dD][89a-fA-F])/.test(text)) checkTexts(value, pointer);
  return text;
}

/** @throws OperationError that says where a text, or a key, cannot be stored. */
function checkTexts(root: Json, pointer: string): void {
  walkJson(root, (value, _depth, at) => {
    if (typeof value === 'string') checkText(value, pointer + at);
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const key of Object.keys(value)) checkText(key, pointer + at);
    }
    return true;
  });
}

/** PostgreSQL's text has no \u0000, and its UTF-8 no half surrogate pairs. */
export function checkText(text: string, pointer: string, code: ErrorCode = 'INVALID_INPUT'): void {
  if (text.includes('\0')) throw refusal(code, pointer, 'Text may not contain \\u0000.');
  if (/\p{Cs}/u.test(text)) throw refusal(code, pointer, 'Text may not contain half a surrogate pair.');
}

/** A text for people, of at most so many characters. @throws OperationError */
export function checkLine(text: string | null | undefined, max: number, pointer: string): void {
  if (text === null || text === undefined) return;
  if (text.length > max) {
    throw new OperationError(
      'VALIDATION_FAILED',
      `The text has ${text.length} characters; the limit is ${max}.`,
      {
        details: [{ pointer, code: 'VALUE', message: `At most ${max} characters are expected.` }],
      },
    );
  }
  checkText(text, pointer);
}
