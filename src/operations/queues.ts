import {
  abortExecution,
  type DeadLetterRecord,
  deleteDeadLetter,
  deliverSignal,
  findDeadLetter,
  hasQueue,
  listDeadLetters,
  liveWorkers,
  queueStats,
  reviveDeadLetter,
  tellParents,
} from '../store/index.js';
import { type Deps, ringSoon, ringWoken } from './deps.js';
import { OperationError } from './errors.js';
import { guarded } from './guarded.js';
import { unknownQueue } from './names.js';
import { pageQuery } from './pages.js';
import type { QueueOperations, QueueStatsView } from './types.js';

export function createQueueOperations(deps: Deps): QueueOperations {
  const { database } = deps;
  return {
    stats: guarded(keptFor(STATS_MS, () => readStats(deps))),

    deadLetters: guarded(async (queue, request) => {
      const page = pageQuery(request);
      if (!(await hasQueue(database, queue))) throw unknownQueue(queue, '/name');
      return listDeadLetters(database, queue, page);
    }),

    deadLetter: guarded((queue, id) => find(deps, queue, id)),

    retryDeadLetter: guarded(async (queue, id) => {
      await find(deps, queue, id);
      const letter = await reviveDeadLetter(database, queue, id);
      if (letter === undefined) throw unknown(id); // another was quicker
      ringSoon(deps, queue, [letter.executionId]);
      return letter;
    }),

    dropDeadLetter: guarded(async (queue, id) => {
      const letter = await find(deps, queue, id);
      const reason = { error: 'DeadLetterDropped', cause: letter.error };
      // The letter goes last: when we fail between the two, it is there to be dropped again.
      const ended = await abortExecution(database.pool, letter.executionId, reason.error, reason.cause);
      if (ended) ringWoken(deps, await tellParents(database.pool, deps.arns, [letter.executionId]));
      else {
        // A worker has it, after a signal: the engine ends it.
        const delivery = await deliverSignal(database.pool, letter.executionId, 'stop', reason);
        if (delivery.found && !delivery.ended && delivery.owner === null) {
          ringSoon(deps, delivery.queue, [letter.executionId]);
        }
      }
      await deleteDeadLetter(database, letter.id);
      return letter;
    }),
  };
}

/** Counting what is open costs as much as there is, so that those who ask at once share one answer. */
const STATS_MS = 1_000;

async function readStats({ database }: Deps): Promise<QueueStatsView> {
  const [queues, workers] = await Promise.all([queueStats(database), liveWorkers(database)]);
  return { queues, workers };
}

/** The function, asked at most once in `ms`; a failure is not kept. */
function keptFor<R>(ms: number, ask: () => Promise<R>): () => Promise<R> {
  let kept: Promise<R> | undefined;
  return () => {
    if (kept === undefined) {
      const asked = ask();
      kept = asked;
      const forget = (): void => {
        kept = undefined;
      };
      asked.then(() => setTimeout(forget, ms).unref(), forget);
    }
    return kept;
  };
}

async function find({ database }: Deps, queue: string, id: string): Promise<DeadLetterRecord> {
  if (!(await hasQueue(database, queue))) throw unknownQueue(queue, '/name');
  const letter = await findDeadLetter(database, queue, id);
  if (letter === undefined) throw unknown(id);
  return letter;
}

function unknown(id: string): OperationError {
  return new OperationError('DEAD_LETTER_NOT_FOUND', `There is no dead letter '${id}' in this queue.`);
}
