import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createVault, openWith, SecretUnreadable, type Vault } from '../../src/store/vault.js';

const newKey = () => randomBytes(32).toString('base64');
const OLD = newKey();
const NEW = newKey();

function vaultWith(...keys: string[]): Vault {
  const vault = createVault(keys);
  if (vault === undefined) throw new Error('no vault');
  return vault;
}

describe('a vault', () => {
  test('opens what it sealed, and seals the same text otherwise each time', () => {
    const vault = vaultWith(OLD);
    const sealed = vault.seal('secret ä', 'a');
    expect(sealed).not.toContain('secret');
    expect(Buffer.from(sealed.split('.')[3] ?? '', 'base64url').toString('latin1')).not.toContain('secret');
    expect(vault.open(sealed, 'a')).toBe('secret ä');
    expect(vault.seal('secret ä', 'a')).not.toBe(sealed);
  });

  test('opens what an older key sealed, and seals with the first', () => {
    const before = vaultWith(OLD).seal('text', 'a');
    const during = vaultWith(NEW, OLD);
    expect(during.open(before, 'a')).toBe('text');
    const after = during.seal('text', 'a');
    expect(vaultWith(NEW).open(after, 'a')).toBe('text');
    expect(() => vaultWith(OLD).open(after, 'a')).toThrow(SecretUnreadable);
  });

  test('does not open what was sealed for something else, or changed since', () => {
    const vault = vaultWith(OLD);
    const sealed = vault.seal('text', 'a');
    expect(() => vault.open(sealed, 'b')).toThrow(SecretUnreadable);
    const parts = sealed.split('.');
    for (const at of [2, 3]) {
      const bytes = Buffer.from(parts[at] ?? '', 'base64url');
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      const changed = parts.with(at, bytes.toString('base64url')).join('.');
      expect(() => vault.open(changed, 'a')).toThrow(SecretUnreadable);
    }
    for (const broken of ['', 'v1', 'v2.x.y.z', `${parts.slice(0, 3).join('.')}.`, 'plain text'])
      expect(() => vault.open(broken, 'a')).toThrow(SecretUnreadable);
  });

  test('without keys there is none, and what is sealed stays so', () => {
    expect(createVault([])).toBeUndefined();
    expect(() => openWith(undefined, vaultWith(OLD).seal('text', 'a'), 'a')).toThrow(
      'SECRETS_KEY is not set',
    );
  });
});
