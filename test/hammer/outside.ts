/**
 * Everybody outside: who starts executions, sends messages, answers tokens, pauses, resumes and redrives. Who asks may have
 * his own session killed; then he does not know what came of it, and says so.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  answerToken,
  createStarts,
  type Database,
  deliverMessage,
  pauseExecution,
  redriveExecution,
  resumeExecution,
} from '../../src/store/index.js';
import { CORRELATION_KEY, ITEMS, MACHINE_ID } from './machine.js';
import { persistently } from './turns.js';

/** What was sent to an execution, and what the sender was told of it. */
export interface Sent {
  executionId: string;
  kind: 'message' | 'answer';
  id: string;
  outcome: 'acknowledged' | 'refused' | 'unknown';
}

export interface Outside {
  /** Names that were accepted. */
  names: Set<string>;
  sent: Sent[];
  counts: { pauses: number; redrives: number };
  /** Does everything that is to be done now, once. */
  round(): Promise<void>;
  /** Starts no more, pauses no more, and resumes what is paused. */
  calmDown(): void;
}

const MINE = `state_machine_id = '${MACHINE_ID}'`;
const PAUSE_MS = 400;

export function createOutside(database: Database, ledger: Database, active: number): Outside {
  const starts = createStarts(database);
  const names = new Set<string>();
  const sent: Sent[] = [];
  const counts = { pauses: 0, redrives: 0 };
  let calm = false;

  const begin = async (): Promise<void> => {
    const { rows } = await ledger.pool.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM executions WHERE ${MINE} AND end_time IS NULL`,
    );
    const missing = active - (rows[0]?.n ?? active);
    await Promise.all(Array.from({ length: Math.max(0, missing) }, () => startOne()));
  };
  /** By its name it is started once, however often it is asked for. */
  const startOne = async (): Promise<void> => {
    const name = randomUUID();
    const row = {
      stateMachineId: MACHINE_ID,
      name,
      input: JSON.stringify({ items: ITEMS }),
      queue: undefined,
      at: undefined,
      waited: false,
      sourceExecutionId: undefined,
      sourceStateName: undefined,
    };
    await persistently(() => starts.start(row));
    names.add(name);
  };
  const note = async (
    executionId: string,
    kind: Sent['kind'],
    send: (id: string) => Promise<boolean>,
  ): Promise<void> => {
    const id = randomUUID();
    const outcome = await send(id).then(
      (taken) => (taken ? 'acknowledged' : 'refused'),
      () => 'unknown' as const,
    );
    sent.push({ executionId, kind, id, outcome });
  };
  /** Twice at once: one is taken. */
  const twice = (
    executionId: string,
    kind: Sent['kind'],
    send: (id: string) => Promise<boolean>,
  ): Promise<unknown> => Promise.all([note(executionId, kind, send), note(executionId, kind, send)]);

  const tell = async (): Promise<void> => {
    const { rows } = await ledger.pool.query<{ id: string; correlationValue: string }>(
      `SELECT e.id, c.correlation_value AS "correlationValue" FROM message_correlations c JOIN executions e ON e.id = c.execution_id
       WHERE c.message IS NULL AND c.state_machine_id = e.state_machine_id AND e.end_time IS NULL`,
    );
    await Promise.all(
      rows.map(({ id: executionId, correlationValue }) =>
        twice(executionId, 'message', async (id) => {
          const correlation = { correlationKey: CORRELATION_KEY, correlationValue };
          return (
            (await deliverMessage(database.pool, correlation, JSON.stringify({ sent: id }), 0)).delivered > 0
          );
        }),
      ),
    );
  };
  const answer = async (): Promise<void> => {
    const { rows } = await ledger.pool.query<{ token: string; executionId: string }>(
      `SELECT token, h.execution_id AS "executionId" FROM hammer_tokens h JOIN task_tokens t USING (token)
       WHERE t.done_at IS NULL`,
    );
    await Promise.all(
      rows.map(({ token, executionId }) =>
        twice(executionId, 'answer', async (id) => {
          const outcome = await answerToken(database.pool, token, {
            kind: 'tokenSucceeded',
            output: { sent: id },
          });
          return outcome.kind === 'delivered';
        }),
      ),
    );
  };
  const redrive = async (): Promise<void> => {
    const { rows } = await ledger.pool.query<{ id: string }>(
      `SELECT id FROM executions WHERE ${MINE} AND end_time IS NOT NULL AND status <> 'SUCCEEDED'`,
    );
    await Promise.all(
      rows.flatMap(({ id }) => {
        const token = randomUUID();
        const ask = async (): Promise<void> => {
          const { kind } = await redriveExecution(database.pool, id, token);
          if (kind === 'redriven') counts.redrives++;
        };
        return [ask(), ask()].map((asked) => asked.catch(unanswered));
      }),
    );
  };
  const pauseSome = async (): Promise<void> => {
    const { rows } = await ledger.pool.query<{ id: string; paused: boolean }>(
      calm
        ? `SELECT id, true AS paused FROM executions WHERE ${MINE} AND paused_at IS NOT NULL`
        : `SELECT id, paused_at IS NOT NULL AS paused FROM executions WHERE ${MINE} AND end_time IS NULL
             AND (paused_at IS NULL AND random() < 0.01 OR paused_at < now() - ${PAUSE_MS} * interval '1 ms')`,
    );
    await Promise.all(
      rows.map(async ({ id, paused }) => {
        if (!paused) counts.pauses++;
        await (paused ? resumeExecution(database.pool, id) : pauseExecution(database.pool, id, undefined));
      }),
    );
  };

  return {
    names,
    sent,
    counts,
    calmDown: () => {
      calm = true;
    },
    round: async () => {
      if (!calm) await begin();
      await Promise.all([tell(), answer(), redrive(), pauseSome()].map((done) => done.catch(unanswered)));
      await sleep(ROUND_MS);
    },
  };
}

const ROUND_MS = 100;

/** Whose session was killed asks again in the next round. */
function unanswered(): void {
  // Nothing was acknowledged.
}
