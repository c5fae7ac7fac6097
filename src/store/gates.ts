/** Letting held executions of limited machines in: see sql/gate.ts. */
import type pg from 'pg';
import { withTransaction } from './own-session.js';
import { ADMIT, HELD_MACHINES, HOLD_GATE, OPEN_GATE } from './sql/gate.js';

export interface Admitted {
  executionId: string;
  queue: string;
  wakeAtMs: number;
  /** From now until then. */
  delayMs: number;
}

export interface Admission {
  /** Where to ring. */
  admitted: Admitted[];
  /** There may be more to let in, though nothing ends: after so many ms. undefined: who ends says so. */
  againMs: number | undefined;
}

/** Gives places to the longest held of a machine, as far as its limits allow, a few hundred at a time. */
export function admitHeld(pool: pg.Pool, stateMachineId: string): Promise<Admission> {
  return withTransaction(pool, async (session) => {
    const { rowCount } = await session.query(HOLD_GATE, [stateMachineId]);
    if (rowCount === 0) {
      await session.query(OPEN_GATE, [stateMachineId]);
      await session.query(HOLD_GATE, [stateMachineId]);
    }
    // A statement of its own, whose snapshot shows what the lock waited for.
    const { rows } = await session.query<Row>(ADMIT, [stateMachineId, PAGE]);
    const [row] = rows;
    if (row === undefined) throw new Error('a gate without a row');
    const admitted = row.admitted ?? [];
    return { admitted, againMs: againMs(row, admitted.length) };
  });
}

/** Machines that have something held. */
export async function heldMachines(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(HELD_MACHINES);
  return rows.map(({ id }) => id);
}

/** A statement of some milliseconds. */
const PAGE = 500;

/** Times are given out for a second ahead: half of it is left when more are. */
const AHEAD_MS = 500;

interface Row {
  places: number;
  starts: number;
  /** Until the next start was to be, before this admission. */
  next_ms: number;
  rate: number | null;
  admitted: Admitted[] | null;
}

function againMs({ places, starts, next_ms, rate }: Row, count: number): number | undefined {
  // Nobody is held any more, or there is no place until somebody ends.
  if (count < Math.min(places, starts) || places <= starts)
    return places === PAGE && count === PAGE ? 0 : undefined;
  const nextMs = rate === null ? 0 : next_ms + (count * 1000) / rate;
  return Math.max(0, nextMs - AHEAD_MS);
}
