import { type Database, type LinkRow, listOutcomes, type PageQuery, readOrigins } from '../store/index.js';
import type { LinksView, LinkView } from './chaining-types.js';
import type { ExecutionStatus } from './types.js';

/** What an execution came from, and a page of what came of it, newest first. */
export async function readLinks(
  pool: Database['pool'],
  executionId: string,
  page: PageQuery,
): Promise<LinksView> {
  const [origins, { items, nextCursor }] = await Promise.all([
    readOrigins(pool, executionId),
    listOutcomes(pool, executionId, page),
  ]);
  return { from: origins.map(viewOf), items: items.map(viewOf), nextCursor };
}

function viewOf({ id, stateName, status, ...link }: LinkRow): LinkView {
  const { relation } = link;
  const isExecution = relation !== 'batch' && relation !== 'mapRun';
  return {
    ...link,
    executionId: isExecution ? id : null,
    batchId: relation === 'batch' ? id : null,
    mapRunId: relation === 'mapRun' ? id : null,
    status: status as ExecutionStatus, // batches have some of them, and no others
    sourceStateName: stateName,
  };
}
