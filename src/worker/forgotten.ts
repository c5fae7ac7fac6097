/**
 * What a crash can leave half done between executions, found again and finished by the sweeper: parents that were not
 * told, children that nobody waits for, messages that were matched and not delivered; parents whose time is up and whose
 * children have all the slots; what workers of an earlier release could not read; what is redriven by a filter, page by
 * page; and what has had its day.
 */
import { type Arns, FRAME_FORMAT } from '../engine/index.js';
import {
  advanceBulkRedrives,
  cancelOrphanedMapRuns,
  clearDoneTokens,
  clearExpiredMessages,
  clearLeftovers,
  clearSettledWaits,
  clearSpentChunks,
  type Database,
  deliverForgotten,
  deliverSignal,
  heldMachines,
  orphanedChildren,
  overdueMapRunParents,
  overdueParents,
  resumeKnownFormats,
  type SettledPosition,
  tellMapRunParents,
  tellParents,
  untoldChildren,
  untoldMapRuns,
  voidTokensOfEnded,
  type Woken,
} from '../store/index.js';

interface ForgottenOptions {
  database: Database;
  arns: Arns;
  ring: (queue: string, executionId: string) => void;
  ringBatch: (queue: string, batchId: string) => Promise<void>;
  /** Takes up, without a slot, what its own children may keep from one. */
  takeAside: (executionId: string) => void;
  /** Lets in who is held of a limited machine, if there is a place. */
  callGate?: (stateMachineId: string) => void;
}

export interface Forgotten {
  /** Each round: what somebody waits for. */
  finish(): Promise<void>;
  /** Each round, last: redrives by filter. Answers whether there is more than one round is to take. */
  redrive(): Promise<boolean>;
  /** Now and then: what nobody waits for and only takes room. */
  clear(): Promise<void>;
}

/** Rows that one round looks at: some tens of milliseconds for the database. The next goes on from there. */
const PAGE = 2_000;
/** A timeout is not to be late by many rounds, however many wait for children. */
const PARENT_PAGES = 10;
/** Redrives of one transaction, and how long one round takes for them: who finds dead workers is not to wait for them. */
const BULK_PAGE = 200;
const BULK_MS = 500;
const SETTLED_MS = 500;
/** Of one round, for sources of batches that are over. */
const CHUNKS_MS = 1_000;

export function createForgotten({
  database,
  arns,
  ring,
  ringBatch,
  takeAside,
  callGate,
}: ForgottenOptions): Forgotten {
  const { pool } = database;
  let childrenAfter = NO_ID;
  let parentsAfter = NO_ID;
  let tokensAfter = '';
  let waitsAfter = NO_ID;
  let inboxAfter = NO_ID;
  let settledAfter: SettledPosition | undefined;
  let chunksAfter = NO_ID;

  const ringFor = (woken: readonly Woken[]): void => {
    for (const { owner, queue, executionId } of woken) if (owner === null) ring(queue, executionId);
  };

  const takeUpOverdueParents = async (): Promise<void> => {
    for (const parent of await overdueMapRunParents(pool, PAGE)) takeAside(parent);
    for (let pages = 0; pages < PARENT_PAGES; pages++) {
      const { parents, last } = await overdueParents(pool, parentsAfter, PAGE);
      for (const parent of parents) takeAside(parent);
      parentsAfter = last ?? NO_ID;
      if (last === undefined) return;
    }
  };

  /** Each Message state leaves one, so a page now and then would fall behind. */
  const clearSettled = async (): Promise<void> => {
    const untilMs = performance.now() + SETTLED_MS;
    do settledAfter = await clearSettledWaits(pool, settledAfter, PAGE);
    while (settledAfter !== undefined && performance.now() < untilMs);
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
      await takeUpOverdueParents();
      ringFor(await tellMapRunParents(pool, await untoldMapRuns(pool)));
      for (const { queue, mapRunId } of await cancelOrphanedMapRuns(pool)) await ringBatch(queue, mapRunId);
      ringFor(await deliverForgotten(pool, PAGE));
      for (const id of await heldMachines(pool)) callGate?.(id);
      ringFor(await resumeKnownFormats(pool, FRAME_FORMAT));
    },
    redrive: async () => {
      const untilMs = performance.now() + BULK_MS;
      for (;;) {
        const page = await advanceBulkRedrives(pool, BULK_PAGE);
        if (page === undefined) return false;
        for (const { queue, executionId } of page) ring(queue, executionId);
        if (performance.now() > untilMs) return true;
      }
    },
    clear: async () => {
      while ((await clearDoneTokens(pool, PAGE)) === PAGE);
      while ((await clearExpiredMessages(pool, PAGE)) === PAGE);
      tokensAfter = (await voidTokensOfEnded(pool, tokensAfter, PAGE)) ?? '';
      inboxAfter = (await clearLeftovers(pool, 'inbox', inboxAfter, PAGE)) ?? NO_ID;
      await clearSettled();
      waitsAfter = (await clearLeftovers(pool, 'message_correlations', waitsAfter, PAGE)) ?? NO_ID;
      const untilMs = performance.now() + CHUNKS_MS;
      do chunksAfter = (await clearSpentChunks(pool, chunksAfter)) ?? NO_ID;
      while (chunksAfter !== NO_ID && performance.now() < untilMs);
    },
  };
}

const NO_ID = '00000000-0000-0000-0000-000000000000';
