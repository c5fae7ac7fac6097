/** Map runs of executions that are redriven, taken up again with what has not succeeded of them. */
import type pg from 'pg';
import { BEGIN_MAP_RUN_AGAIN } from './sql/map-run-redrive.js';

/** How a map run stands that is to be redriven. */
export type MapRunRedrive =
  /** It runs again, or is over since all of it had succeeded. */
  | { kind: 'begun'; total: number; over: boolean; queue: string }
  /** It has not ended yet: it is being stopped. */
  | { kind: 'ending' }
  /** There is no such map run any more. */
  | { kind: 'gone' };

/**
 * Begins a map run again: its children that have ended without success are taken up again, those that were never started are
 * started. Once for a key: asked again under the same it only answers.
 * @param parentKey under which the parent's frame waits for its end from now on.
 */
export async function redriveMapRun(
  pool: pg.Pool,
  mapRunId: string,
  { parentFrame, parentKey }: { parentFrame: number; parentKey: string },
): Promise<MapRunRedrive> {
  await pool.query(BEGIN_MAP_RUN_AGAIN, [mapRunId, parentFrame, parentKey]);
  const { rows } = await pool.query<Standing>(STANDING, [mapRunId]);
  const run = rows[0];
  if (run === undefined) return { kind: 'gone' };
  if (run.parentKey !== parentKey) return { kind: 'ending' };
  return { kind: 'begun', total: run.total, over: run.over, queue: run.queue };
}

interface Standing {
  total: number;
  over: boolean;
  queue: string;
  parentKey: string;
}

const STANDING = `
SELECT total, end_time IS NOT NULL AS over, queue, parent_key AS "parentKey"
FROM batches WHERE id = $1 AND mode = 'mapRun' AND status <> 'RECEIVING'`;
