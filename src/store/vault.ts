/**
 * Secrets at rest: AES-256-GCM under a key that only the processes have. A sealed text says which key sealed it, so that
 * keys can be changed one after another: the first of them seals, each of them opens what it sealed.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

export interface Vault {
  /** @param of what it belongs to: sealed for one row, it cannot be opened as another's. */
  seal(text: string, of: string): string;
  /** @throws SecretUnreadable */
  open(sealed: string, of: string): string;
  /** Whether the first key sealed it. */
  isCurrent(sealed: string): boolean;
}

/** What was sealed cannot be opened here: the key is missing, or the text was tampered with. */
export class SecretUnreadable extends Error {
  override readonly name = 'SecretUnreadable';
}

/**
 * @param keys each 32 bytes in base64; none: no vault.
 * @returns undefined when there are none.
 */
export function createVault(keys: readonly string[]): Vault | undefined {
  const known = new Map(
    keys.map((text): [string, Buffer] => {
      const key = Buffer.from(text, 'base64');
      return [createHash('sha256').update(key).digest('hex').slice(0, 8), key];
    }),
  );
  const first = [...known][0];
  if (first === undefined) return undefined;
  const [firstId, firstKey] = first;

  return {
    seal: (text, of) => {
      // 96 random bits under one key: 2^32 secrets are far more than anybody keeps (NIST SP 800-38D, section 8.3).
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', firstKey, nonce).setAAD(Buffer.from(of));
      const hidden = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return ['v1', firstId, nonce.toString('base64url'), hidden.toString('base64url')].join('.');
    },
    isCurrent: (sealed) => sealed.startsWith(`v1.${firstId}.`),
    open: (sealed, of) => {
      const [version, id = '', nonce = '', hidden = ''] = sealed.split('.');
      const key = known.get(id);
      if (version !== 'v1' || key === undefined)
        throw new SecretUnreadable(`SECRETS_KEY has no key '${id}', which sealed the secret of ${of}`);
      const bytes = Buffer.from(hidden, 'base64url');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(Buffer.from(of)).setAuthTag(bytes.subarray(-TAG_BYTES));
        return decipher.update(bytes.subarray(0, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
      } catch (error) {
        throw new SecretUnreadable(`the secret of ${of} is not as it was sealed`, { cause: error });
      }
    },
  };
}

const TAG_BYTES = 16;

/** @throws SecretUnreadable when there is no vault. */
export function openWith(vault: Vault | undefined, sealed: string, of: string): string {
  if (vault !== undefined) return vault.open(sealed, of);
  throw new SecretUnreadable(`SECRETS_KEY is not set, and the secret of ${of} is sealed`);
}
