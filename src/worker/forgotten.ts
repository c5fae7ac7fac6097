/**
 * What a crash can leave half done between executions, found again and finished by the sweeper: parents that were not
 * told, children that nobody waits for, messages that were matched and not delivered; what is redriven by a filter, page by
 * page; and what has had its day.
 */
import type { Arns } from '../engine/index.js';
import {
  advanceBulkRedrives,
  cancelOrphanedMapRuns,
  clearDoneTokens,
  clearExpiredMessages,
  clearInboxOfEnded,
  clearSpentChunks,
  type Database,
  deliverForgotten,
  deliverSignal,
  forgetWaitsOfEnded,
  heldMachines,
  orphanedChildren,
  tellMapRunParents,
  tellParents,
  untoldChildren,
  untoldMapRuns,
  voidTokensOfEnded,
  type Woken,
} from '../store/index.js';

export interface ForgottenOptions {
  database: Database;
  arns: Arns;
  ring: (queue: string, executionId: string) => void;
  ringBatch: (queue: string, batchId: string) => Promise<void>;
  /** Lets in who is held of a limited machine, if there is a place. */
  callGate?: (stateMachineId: string) => void;
}

export interface Forgotten {
  /** Each round: what somebody waits for. */
  finish(): Promise<void>;
  /** Now and then: what nobody waits for and only takes room. */
  clear(): Promise<void>;
}

/** Rows that one round looks at: some tens of milliseconds for the database. The next goes on from there. */
const PAGE = 2_000;
/** Redrives of one transaction, and how long one round takes for them: the rest of the sweep is not to wait. */
const BULK_PAGE = 200;
const BULK_MS = 2_000;
/** Of one round, for sources of batches that are over. */
const CHUNKS_MS = 1_000;

export function createForgotten({ database, arns, ring, ringBatch, callGate }: ForgottenOptions): Forgotten {
  const { pool } = database;
  let childrenAfter = NO_ID;
  let tokensAfter = '';
  let waitsAfter = NO_ID;
  let inboxAfter = NO_ID;
  let chunksAfter = NO_ID;

  const ringFor = (woken: readonly Woken[]): void => {
    for (const { owner, queue, executionId } of woken) if (owner === null) ring(queue, executionId);
  };

  return {
    finish: async () => {
      ringFor(await tellParents(pool, arns, await untoldChildren(pool, PAGE)));
      const { orphans, last } = await orphanedChildren(pool, childrenAfter, PAGE);
      for (const orphan of orphans) {
        const stop = await deliverSignal(pool, orphan, 'stop', {});
        if (stop.found && !stop.ended && stop.owner === null) ring(stop.queue, orphan);
      }
      childrenAfter = last ?? NO_ID;
      ringFor(await tellMapRunParents(pool, await untoldMapRuns(pool)));
      for (const { queue, mapRunId } of await cancelOrphanedMapRuns(pool)) await ringBatch(queue, mapRunId);
      ringFor(await deliverForgotten(pool, PAGE));
      for (const id of await heldMachines(pool)) callGate?.(id);
      const untilMs = performance.now() + BULK_MS;
      for (let page = await advanceBulkRedrives(pool, BULK_PAGE); page !== undefined; ) {
        for (const { queue, executionId } of page) ring(queue, executionId);
        if (performance.now() > untilMs) break;
        page = await advanceBulkRedrives(pool, BULK_PAGE);
      }
    },
    clear: async () => {
      while ((await clearDoneTokens(pool, PAGE)) === PAGE);
      while ((await clearExpiredMessages(pool, PAGE)) === PAGE);
      tokensAfter = (await voidTokensOfEnded(pool, tokensAfter, PAGE)) ?? '';
      inboxAfter = (await clearInboxOfEnded(pool, inboxAfter, PAGE)) ?? NO_ID;
      waitsAfter = (await forgetWaitsOfEnded(pool, waitsAfter, PAGE)) ?? NO_ID;
      const untilMs = performance.now() + CHUNKS_MS;
      do chunksAfter = (await clearSpentChunks(pool, chunksAfter)) ?? NO_ID;
      while (chunksAfter !== NO_ID && performance.now() < untilMs);
    },
  };
}

const NO_ID = '00000000-0000-0000-0000-000000000000';
