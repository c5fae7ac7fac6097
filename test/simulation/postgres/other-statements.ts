/** What is asked all the time of what is not in the simulation: schedules, batches, bulk redrives, endpoints, limits, formats. */
import { HELD_MACHINES } from '../../../src/store/sql/gate.js';
import { DELETE_SPENT_CHUNKS } from '../../../src/store/sql/retention.js';
import type { Mirror } from './statement.js';

const nothing = (of: string, text: string | RegExp): Mirror => ({ of, text, run: () => [] });

export const otherStatements: readonly Mirror[] = [
  nothing('dueSchedules', '(SELECT id AS "scheduleId", state_machine_id AS "stateMachineId" FROM schedules'),
  { ...nothing('untilNextRun', 'min(next_run_at) - clock_timestamp()'), run: () => [{ ms: null }] },
  nothing('awaitedByQueued', 'FROM schedules s JOIN executions e ON e.schedule_id = s.id'),
  nothing('openBatches', 'FROM batches WHERE end_time IS NULL'),
  nothing('untoldMapRuns', 'SELECT id FROM batches WHERE notify_parent AND end_time IS NOT NULL'),
  nothing('cancelOrphanedMapRuns', 'SELECT b.id FROM batches b JOIN executions p ON true'),
  {
    ...nothing('sweepReceiving', "DELETE FROM batches WHERE status = 'RECEIVING'"),
    run: () => [{ n: 0 }],
  },
  nothing('overdueMapRunParents', 'SELECT DISTINCT p.id FROM batches b'),
  nothing('clearSpentChunks', DELETE_SPENT_CHUNKS),
  nothing('heldMachines', HELD_MACHINES),
  nothing('advanceBulkRedrives', 'SELECT id, filter, cursor, created_at FROM bulk_redrives'),
  // Nothing in the simulation is of a later release.
  nothing('resumeKnownFormats', 'needs_format <= $1 AND end_time IS NULL AND owner IS NULL'),
  nothing('openTaskEndpoint', 'FROM task_endpoints WHERE name = $1'),
];
