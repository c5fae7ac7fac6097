import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  createTaskEndpoint,
  createVault,
  type Database,
  openConnection,
  openTaskEndpoint,
  resealSecrets,
  rotateTaskEndpoint,
  type Vault,
  writeConnection,
} from '../../src/store/index.js';
import { openStore } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ database, close } = await openStore());
});
afterAll(() => close());

function vaultWith(...keys: string[]): Vault {
  const vault = createVault(keys);
  if (vault === undefined) throw new Error('no vault');
  return vault;
}

test('after a change of keys everything is sealed anew, and the old key can go', async () => {
  const [old, next, lost] = [randomBytes(32), randomBytes(32), randomBytes(32)].map((key) =>
    key.toString('base64'),
  ) as [string, string, string];
  const { pool } = database;
  const connection = (name: string) => ({
    name,
    description: null,
    authorization: { type: 'BASIC', username: 'u', password: 'p' } as const,
    parameters: { headers: {}, query: {}, body: {} },
    hosts: [],
    shown: {},
  });
  await writeConnection(pool, vaultWith(old), connection('a'), 'create');
  await writeConnection(pool, vaultWith(lost), connection('lost'), 'create');
  const endpoint = { name: 'f', url: 'https://x.example', timeoutSeconds: 1, secret: 'first' };
  await createTaskEndpoint(pool, vaultWith(old), endpoint);
  await rotateTaskEndpoint(pool, vaultWith(old), { name: 'f', secret: 'second', overlapSeconds: 60 });

  expect(await resealSecrets(pool, vaultWith(old, next))).toEqual({ resealed: 0, unreadable: 1 });
  expect(await resealSecrets(pool, vaultWith(next, old))).toEqual({ resealed: 3, unreadable: 1 });
  expect(await resealSecrets(pool, vaultWith(next, old))).toEqual({ resealed: 0, unreadable: 1 });
  expect(await openConnection(pool, vaultWith(next), 'a')).toMatchObject({
    authorization: { password: 'p' },
  });
  expect(await openTaskEndpoint(pool, vaultWith(next), 'f')).toMatchObject({ secrets: ['second', 'first'] });
  await expect(openConnection(pool, vaultWith(next), 'lost')).rejects.toThrow('SECRETS_KEY has no key');
});
