/**
 * The order-processing handlers for tests: every call is written to a table of their own, under its
 * idempotency key, before anything is answered.
 */
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 });
pool.on('error', () => undefined);

async function book({ executionId, stateName, idempotencyKey, attempt }) {
  await pool.query(
    'INSERT INTO ledger (key, execution_id, state_name, attempt, pid) VALUES ($1, $2, $3, $4, $5)',
    [idempotencyKey, executionId, stateName, attempt, process.pid],
  );
}

const step = (name) => async (input, context) => {
  await book(context);
  if (input.delayMs) await new Promise((resolve) => setTimeout(resolve, input.delayMs));
  if (input.failAt === name)
    throw Object.assign(new Error(`${name} refused ${input.orderId}`), { name: 'Refused' });
  return { by: name };
};

export default {
  validateOrder: step('validateOrder'),
  reserveStock: step('reserveStock'),
  chargeCard: step('chargeCard'),
  shipOrder: step('shipOrder'),
  releaseStock: step('releaseStock'),
  async untilAborted(_input, context) {
    await book(context);
    await new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true }));
    await pool.query(
      'INSERT INTO ledger (key, execution_id, state_name, attempt, pid) VALUES ($1, $2, $3, 0, $4)',
      [`${context.idempotencyKey}/aborted`, context.executionId, 'aborted', process.pid],
    );
    throw new Error('aborted');
  },
  /** Goes on for its time, whatever its signal says. */
  async deaf({ forMs }, context) {
    await book(context);
    await new Promise((resolve) => setTimeout(resolve, forMs));
  },
  /** Shows the token that it was given. */
  async handOut({ token }, { executionId }) {
    await pool.query("INSERT INTO ledger (key, execution_id, state_name) VALUES ($1, $2, 'token')", [
      token,
      executionId,
    ]);
  },
  async flaky(_input, context) {
    await book(context);
    if (context.attempt < 2) throw Object.assign(new Error('busy'), { name: 'Busy' });
    return { attempts: context.attempt + 1 };
  },
};
