/** The ledger: who called what, when, and which tokens were handed out. It is in a server that no fault touches. */
import type pg from 'pg';

/** One call of a handler. Ids are in the order in which the calls came in. */
export interface LedgerCall {
  id: number;
  key: string;
  executionId: string;
  pid: number;
}

export async function prepareLedger(ledger: pg.Pool): Promise<void> {
  await ledger.query(`
    CREATE TABLE calls (id bigserial PRIMARY KEY, key text NOT NULL, execution_id uuid NOT NULL, state_name text,
      attempt int, pid int, at timestamptz NOT NULL DEFAULT now());
    CREATE INDEX ON calls (execution_id);
    CREATE TABLE tokens (token text PRIMARY KEY, execution_id uuid NOT NULL, answered_at timestamptz,
      at timestamptz NOT NULL DEFAULT now());
  `);
}

export async function callsOf(ledger: pg.Pool, executionIds: readonly string[]): Promise<LedgerCall[]> {
  const { rows } = await ledger.query<LedgerCall>(
    `SELECT id::int, key, execution_id AS "executionId", pid FROM calls WHERE execution_id = ANY($1::uuid[]) ORDER BY id`,
    [executionIds],
  );
  return rows;
}

/** Tokens that nobody has answered yet, some of them. */
export async function openTokens(ledger: pg.Pool): Promise<string[]> {
  const { rows } = await ledger.query<{ token: string }>(
    'SELECT token FROM tokens WHERE answered_at IS NULL ORDER BY at LIMIT 50',
  );
  return rows.map(({ token }) => token);
}

/** The API said that it had taken the answer; `undefined` of several: an answer that it refused is none. */
export async function markAnswered(ledger: pg.Pool, token: string): Promise<void> {
  await ledger.query('UPDATE tokens SET answered_at = now() WHERE token = $1', [token]);
}

export async function answeredTokens(
  ledger: pg.Pool,
  executionIds: readonly string[],
): Promise<Map<string, string[]>> {
  const { rows } = await ledger.query<{ token: string; executionId: string }>(
    `SELECT token, execution_id AS "executionId" FROM tokens
     WHERE answered_at IS NOT NULL AND execution_id = ANY($1::uuid[])`,
    [executionIds],
  );
  const byExecution = new Map<string, string[]>();
  for (const { token, executionId } of rows) {
    byExecution.set(executionId, [...(byExecution.get(executionId) ?? []), token]);
  }
  return byExecution;
}
