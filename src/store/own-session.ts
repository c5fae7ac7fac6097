import type pg from 'pg';

/**
 * Lends a session of the pool to `use`, for statements that belong together. The pool takes its own error
 * listener off while a session is lent; without one of ours, a session that breaks while it is idle in a
 * transaction would end the process.
 */
export async function withSession<T>(pool: pg.Pool, use: (session: pg.PoolClient) => Promise<T>): Promise<T> {
  const session = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  session.on('error', onError);
  try {
    return await use(session);
  } catch (error) {
    broken ??= error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    session.off('error', onError);
    session.release(broken);
  }
}

/** The same, in a transaction: committed when `use` resolves, gone with its session when it rejects. */
export function withTransaction<T>(pool: pg.Pool, use: (session: pg.PoolClient) => Promise<T>): Promise<T> {
  return withSession(pool, async (session) => {
    await session.query('BEGIN');
    const answer = await use(session);
    await session.query('COMMIT');
    return answer;
  });
}
