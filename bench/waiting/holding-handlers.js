/** A function that holds its task until its worker dies, and gives in when it is called again. */
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 });
pool.on('error', () => undefined);

export default {
  async hold(_input, { executionId, idempotencyKey, signal }) {
    const { rows } = await pool.query(
      `INSERT INTO held (key, execution_id, pid) VALUES ($1, $2, $3)
       RETURNING (SELECT count(*)::int FROM held WHERE key = $1) AS before`,
      [idempotencyKey, executionId, process.pid],
    );
    if (rows[0].before > 0) return { calls: rows[0].before + 1 };
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    throw new Error('nobody waits for it any more');
  },
};
