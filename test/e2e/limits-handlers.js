/** Handlers that write down when they ran, by the database's clock, so that a test can see what ran at once. */
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 });
pool.on('error', () => undefined);

export default {
  /** An execution whose worker is killed keeps its place, so its span goes on. */
  async span(input, { executionId }) {
    await pool.query(
      'INSERT INTO spans VALUES ($1, $2, clock_timestamp()) ON CONFLICT (execution_id) DO UPDATE SET pid = excluded.pid',
      [executionId, process.pid],
    );
    await new Promise((resolve) => setTimeout(resolve, 150));
    await pool.query('UPDATE spans SET ended_at = clock_timestamp() WHERE execution_id = $1', [executionId]);
    return input;
  },
};
