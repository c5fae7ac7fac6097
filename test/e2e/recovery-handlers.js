/** Handlers for redrives, pauses and recoveries: what they do is told by tables, so that a test can change it. */
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 });
pool.on('error', () => undefined);

async function book({ executionId, stateName, idempotencyKey, attempt }) {
  await pool.query(
    'INSERT INTO ledger (key, execution_id, state_name, attempt, pid) VALUES ($1, $2, $3, $4, $5)',
    [idempotencyKey, executionId, stateName, attempt, process.pid],
  );
}

async function isListed(list, name) {
  const { rowCount } = await pool.query('SELECT 1 FROM switches WHERE list = $1 AND name = $2', [list, name]);
  return rowCount > 0;
}

export default {
  /** Fails as long as its state is listed as down, and takes as long as it is listed as slow. */
  async work(input, context) {
    await book(context);
    if (await isListed('down', context.stateName))
      throw Object.assign(new Error('it is down'), { name: 'Down' });
    while (await isListed('slow', context.stateName)) {
      if (context.signal.aborted) throw new Error('aborted');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return input;
  },
  /** Shows the token that it was given. */
  async handOut({ token }, { executionId }) {
    await pool.query("INSERT INTO ledger (key, execution_id, state_name) VALUES ($1, $2, 'token')", [
      token,
      executionId,
    ]);
  },
  /** Takes its worker with it. */
  async deadly(_input, context) {
    await book(context);
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => undefined);
  },
};
