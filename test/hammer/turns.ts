/** Which claim a call belongs to: known along the asynchronous way from a runner's claim to a handler. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type pg from 'pg';
import type { Session } from '../../src/worker/session.js';

interface Turn {
  epoch: number;
}

export interface Turns {
  /** Runs what advances an execution. */
  take<T>(advance: () => Promise<T>): Promise<T>;
  /** The epoch of the claim under which this code runs. */
  epoch(): number;
  /** A session whose claims note their epoch, and write down what they have read of the journal. */
  watch(session: Session): Session;
}

export function createTurns(ledger: pg.Pool): Turns {
  const turns = new AsyncLocalStorage<Turn>();
  const epoch = (): number => turns.getStore()?.epoch ?? 0;
  return {
    take: (advance) => turns.run({ epoch: 0 }, advance),
    epoch,
    watch: (session) => ({
      ...session,
      claims: {
        ...session.claims,
        claim: async (executionId) => {
          const answer = await session.claims.claim(executionId);
          const turn = turns.getStore();
          if (answer.kind === 'claimed' && turn !== undefined) turn.epoch = answer.claimed.epoch;
          return answer;
        },
        readTail: async (executionId, afterSeq) => {
          const tail = await session.claims.readTail(executionId, afterSeq);
          await persistently(() =>
            ledger.query('INSERT INTO hammer_takeovers VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
              executionId,
              epoch(),
              tail.lastSeq,
            ]),
          );
          return tail;
        },
      },
    }),
  };
}

/** The hammer's own writes come through, however often their session is killed. */
export async function persistently<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await write();
    } catch (error) {
      if (tries === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

const TRIES = 100;
const AGAIN_MS = 50;
