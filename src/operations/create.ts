import { createEndings } from '../store/index.js';
import { createBatchOperations } from './batches.js';
import type { Deps, OperationsParts } from './deps.js';
import { createExecutionOperations } from './executions.js';
import { createHealthOperations } from './health.js';
import { createQueueOperations } from './queues.js';
import { createStateMachineOperations } from './state-machines.js';
import type { Operations } from './types.js';

/** Everything that one may ask. `close` lets go of who waits; the parts are closed by who made them. */
export function createOperations(parts: OperationsParts): Operations & { close(): Promise<void> } {
  const endings = createEndings(parts.database, parts.log);
  const { database, queues, config, log } = parts;
  const deps: Deps = { database, queues, config, log, endings };
  const batches = createBatchOperations(deps);
  return {
    stateMachines: createStateMachineOperations(deps, batches),
    executions: createExecutionOperations(deps),
    batches,
    queues: createQueueOperations(deps),
    health: createHealthOperations(deps),
    close: () => endings.close(),
  };
}
