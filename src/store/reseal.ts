/** After a change of keys: what an older key sealed is sealed anew under the first, so that the older one can go. */
import type pg from 'pg';
import { SecretUnreadable, type Vault } from './vault.js';

/**
 * Seals anew what an older key sealed. May run in several processes at once: a row that changed meanwhile is left as it is.
 * @returns how many secrets were sealed anew, and how many no key of ours opens.
 */
export async function resealSecrets(
  pool: pg.Pool,
  vault: Vault,
): Promise<{ resealed: number; unreadable: number }> {
  const counts = { resealed: 0, unreadable: 0 };
  for (const { table, column, place } of SECRETS) {
    const { rows } = await pool.query<{ name: string; sealed: string }>(
      `SELECT name, ${column} AS sealed FROM ${table} WHERE ${column} IS NOT NULL`,
    );
    for (const { name, sealed } of rows) {
      if (vault.isCurrent(sealed)) continue;
      const of = `${place} ${name}`;
      try {
        const anew = vault.seal(vault.open(sealed, of), of);
        await pool.query(`UPDATE ${table} SET ${column} = $3 WHERE name = $1 AND ${column} = $2`, [
          name,
          sealed,
          anew,
        ]);
        counts.resealed++;
      } catch (error) {
        if (!(error instanceof SecretUnreadable)) throw error;
        counts.unreadable++;
      }
    }
  }
  return counts;
}

/** Where secrets are, and what they are sealed for there (connections.ts, task-endpoints.ts). */
const SECRETS = [
  { table: 'connections', column: 'sealed', place: 'connection' },
  { table: 'task_endpoints', column: 'sealed', place: 'task endpoint' },
  { table: 'task_endpoints', column: 'previous', place: 'task endpoint' },
] as const;
