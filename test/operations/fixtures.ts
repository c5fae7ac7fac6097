import { createArns } from '../../src/engine/index.js';
import type { Deps } from '../../src/operations/deps.js';
import { OperationError } from '../../src/operations/errors.js';
import { createEndings, createTaskBell, ensureQueues } from '../../src/store/index.js';
import { openStore, silent } from '../store/fixtures.js';

/** The parts of the operations on a database of their own, with a queue that only remembers who was rung for. */
export interface House {
  deps: Deps;
  /** `queue id`, in order. */
  rung: string[];
  /** What the queue does from now on. */
  queue: { down: boolean };
  close(): Promise<void>;
}

export async function openHouse(): Promise<House> {
  const { database, close } = await openStore(8);
  await ensureQueues(database, {});
  const endings = createEndings(database, silent);
  const tasks = createTaskBell(database, silent);
  const arns = { region: 'us-east-1', accountId: '000000000000' };
  const rung: string[] = [];
  const queue = { down: false };
  const answer = async (): Promise<void> => {
    if (queue.down) throw new Error('the queue is down');
  };
  const producer = {
    ring: async (name: string, ids: readonly string[], { delayMs = 0 }: { delayMs?: number } = {}) => {
      await answer();
      rung.push(...ids.map((id) => `${name} ${id}${delayMs > 0 ? ` in ${delayMs}` : ''}`));
    },
    ringBatch: answer,
  };
  return {
    deps: {
      database,
      endings,
      tasks,
      arns: createArns(arns),
      queues: { producer, ping: answer },
      config: { payloadLimit: 10_000, queueWeights: { weighty: 8 }, ...arns },
      log: silent,
    },
    rung,
    queue,
    close: async () => {
      await endings.close();
      await tasks.close();
      await close();
    },
  };
}

/** The refusal that an operation ends with. */
export async function refusalOf(asking: Promise<unknown>): Promise<OperationError> {
  const answer = await asking.then(
    (value) => new Error(`it was not refused: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (answer instanceof OperationError) return answer;
  throw answer;
}

/** A definition that is valid, with another first state if asked. */
export function definitionWith(state = 'Done'): {
  StartAt: string;
  States: Record<string, { Type: string }>;
} {
  return { StartAt: state, States: { [state]: { Type: 'Succeed' } } };
}
