/** What connections and task endpoints are checked for before anything of them is sealed. */
import type { Json, JsonObject } from '../std/json.js';
import { appendPointer } from '../std/pointer.js';
import type { Vault } from '../store/index.js';
import type { Deps } from './deps.js';
import { OperationError, refusal } from './errors.js';
import { checkText } from './payloads.js';

/** @throws OperationError SECRETS_KEY_MISSING */
export function needVault({ vault }: Pick<Deps, 'vault'>): Vault {
  if (vault !== undefined) return vault;
  throw new OperationError(
    'SECRETS_KEY_MISSING',
    'This server keeps no secrets, because SECRETS_KEY is not set; set it to 32 bytes in base64, for every API and worker process.',
  );
}

export function invalid(pointer: string, message: string): OperationError {
  return refusal('VALIDATION_FAILED', pointer, message);
}

export function required<T>(value: T | undefined, pointer: string, type: string): T {
  if (value !== undefined) return value;
  throw invalid(pointer, `A connection of the type ${type} needs ${pointer.slice(1)}.`);
}

/** @throws OperationError VALIDATION_FAILED when a member is no text. */
export function texts(object: JsonObject, pointer: string): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(object))
    checked[name] = textOf(value, appendPointer(pointer, name));
  return checked;
}

function textOf(value: Json, pointer: string): string {
  if (typeof value === 'string') return value;
  throw invalid(pointer, 'A text is expected.');
}

/** RFC 9110, sections 5.6.2 and 5.5; and none that frames the message. @throws OperationError VALIDATION_FAILED */
export function checkHeader(name: string, value: string, pointer: string): void {
  // Not repeated: it may be the value, in the wrong place.
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(name))
    throw invalid(pointer, 'A name is not one that a header may have.');
  if (FRAMING.test(name)) throw invalid(pointer, `${name} is no header that a connection may set.`);
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    throw invalid(pointer, `The value of the header ${name} has characters that no header may have.`);
}

const FRAMING =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*)$/i;

/** @throws OperationError VALIDATION_FAILED */
export function checkUrl(url: string, pointer: string): void {
  checkText(url, pointer);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw invalid(pointer, 'A URL that begins with https:// is expected.');
  if (parsed.username !== '' || parsed.password !== '')
    throw invalid(pointer, 'A URL without user name and password is expected.');
}
