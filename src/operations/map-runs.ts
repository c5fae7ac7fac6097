import type { Arns } from '../engine/index.js';
import { findExecution, getMapRun, listMapRuns, type MapRunCounts, type MapRunRow } from '../store/index.js';
import type { Deps } from './deps.js';
import { OperationError } from './errors.js';
import { guarded } from './guarded.js';
import { pageQuery } from './pages.js';
import type { MapRunCountsView, MapRunOperations, MapRunView } from './types.js';

export function createMapRunOperations({ database, arns }: Deps): MapRunOperations {
  const { pool } = database;
  return {
    get: guarded(async (id) => {
      const run = await getMapRun(pool, id);
      if (run === undefined) throw new OperationError('MAP_RUN_NOT_FOUND', `There is no map run '${id}'.`);
      return viewOf(run, arns);
    }),

    list: guarded(async (executionId, request) => {
      const page = pageQuery(request);
      if ((await findExecution(pool, executionId)) === undefined)
        throw new OperationError('EXECUTION_NOT_FOUND', `There is no execution '${executionId}'.`);
      const { items, nextCursor } = await listMapRuns(pool, executionId, page);
      return { items: items.map((run) => viewOf(run, arns)), nextCursor };
    }),
  };
}

/** While its rest is being stopped a map run still runs. */
function viewOf(run: MapRunRow, arns: Arns): MapRunView {
  const { mapRunId, parentId, stateMachineId, label, mapState, status, maxConcurrency } = run;
  const [machine = ''] = stateMachineId.split('/', 1);
  return {
    mapRunId,
    mapRunArn: arns.mapRun(machine, label, mapRunId),
    executionId: parentId,
    stateName: mapState,
    stateMachineId,
    status: status === 'STOPPING' || status === 'CANCELLING' ? 'RUNNING' : status,
    maxConcurrency,
    toleratedFailureCount: run.toleratedCount ?? 0,
    toleratedFailurePercentage: run.toleratedPercentage ?? 0,
    executionCounts: countsOf(run.executions, status === 'RUNNING'),
    itemCounts: countsOf(run.items, status === 'RUNNING'),
    startTime: run.startTime,
    endTime: run.endTime,
    redriveCount: run.redriveCount,
    redriveDate: run.redriveDate,
  };
}

/** Once it is being stopped, what was never started counts as aborted, and nothing is pending. */
function countsOf(counts: MapRunCounts, goesOn: boolean): MapRunCountsView {
  const { total, toRedrive, started, succeeded, failed, timedOut, aborted } = counts;
  const pending = goesOn ? total - started + toRedrive : 0;
  const running = total - pending - succeeded - failed - timedOut - aborted;
  return { total, pending, running, succeeded, failed, timedOut, aborted };
}
