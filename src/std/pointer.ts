/**
 * JSON Pointers (RFC 6901): `/States/Pay~1Refund/Next`. The empty string is the whole document.
 */
export function appendPointer(pointer: string, ...keys: readonly (string | number)[]): string {
  let result = pointer;
  for (const key of keys) result += `/${escapeKey(String(key))}`;
  return result;
}

function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
