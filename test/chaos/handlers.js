/**
 * The handlers of the town. Every call is written to the ledger, which is in a server of its own, before anything is done
 * or answered; the answer says which call it comes from, so that the journal tells which of a key's calls it took.
 */
import pg from 'pg';

const ledger = new pg.Pool({ connectionString: process.env.LEDGER_URL, max: 4 });
ledger.on('error', () => undefined);

async function book({ executionId, stateName, idempotencyKey, attempt }) {
  const { rows } = await ledger.query(
    `INSERT INTO calls (key, execution_id, state_name, attempt, pid) VALUES ($1, $2, $3, $4, $5) RETURNING id::int`,
    [idempotencyKey, executionId, stateName, attempt, process.pid],
  );
  return { call: rows[0].id, key: idempotencyKey };
}

/** Long enough for a fault to come in the middle. */
const takeAWhile = () => new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 60));

async function step(_input, context) {
  const booked = await book(context);
  await takeAWhile();
  return booked;
}

export default {
  validateOrder: step,
  reserveStock: step,
  chargeCard: step,
  shipOrder: step,
  releaseStock: step,
  step,
  /** Succeeds at the third attempt. */
  async flaky(input, context) {
    const booked = await step(input, context);
    if (context.attempt < 2) throw Object.assign(new Error('busy'), { name: 'Busy' });
    return booked;
  },
  /** Leaves the token where the client of the town looks for tokens. */
  async handOut({ token }, context) {
    const { call } = await book(context);
    await ledger.query('INSERT INTO tokens (token, execution_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      token,
      context.executionId,
    ]);
    return { call };
  },
};
