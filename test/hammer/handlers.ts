import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { HandlerContext, Handlers } from '../../src/tasks/index.js';
import { persistently, type Turns } from './turns.js';

/** A call is as long as some commits are: some end before their worker is declared dead, some after. */
const CALL_MS = 40;
const FLAKY = 0.2;
/** Not caught by the machine: the execution fails, and is redriven. */
const RISKY = 0.25;

/** Functions whose results are all different: each says which call of the ledger it came from. */
export function createHandlers(ledger: pg.Pool, turns: Turns): Handlers {
  const called = async ({ executionId, idempotencyKey, stateName }: HandlerContext): Promise<string> => {
    const id = randomUUID();
    await persistently(() =>
      ledger.query(
        `INSERT INTO hammer_calls (id, execution_id, key, state, epoch, pid) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING`,
        [id, executionId, idempotencyKey, stateName, turns.epoch(), process.pid],
      ),
    );
    await sleep(Math.random() * CALL_MS);
    return id;
  };
  const failing = (share: number, name: string) => async (_: unknown, context: HandlerContext) => {
    const call = await called(context);
    if (Math.random() < share) throw Object.assign(new Error('by chance'), { name });
    return { call };
  };
  return {
    step: async (_: unknown, context: HandlerContext) => ({ call: await called(context) }),
    flaky: failing(FLAKY, 'Flaky'),
    risky: failing(RISKY, 'Risky'),
    ask: async ({ token }: { token: string }, context: HandlerContext) => {
      await persistently(() =>
        ledger.query(
          'INSERT INTO hammer_tokens (token, execution_id) VALUES ($1, $2) ON CONFLICT DO NOTHING',
          [token, context.executionId],
        ),
      );
      await called(context);
      return null;
    },
  };
}
