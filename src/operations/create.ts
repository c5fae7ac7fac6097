import { createArns } from '../engine/index.js';
import { createEndings, createTaskBell, createVault } from '../store/index.js';
import { createActivityOperations } from './activities.js';
import { createBatchOperations } from './batches.js';
import { createConnectionOperations } from './connections.js';
import type { Deps, OperationsParts } from './deps.js';
import { createExecutionOperations } from './executions.js';
import { createHealthOperations } from './health.js';
import { createMapRunOperations } from './map-runs.js';
import { createMessageOperations } from './messages.js';
import { createQueueOperations } from './queues.js';
import { createRecoveryOperations } from './recoveries.js';
import { createScheduleOperations } from './schedules.js';
import { createStateMachineOperations } from './state-machines.js';
import { createTaskEndpointOperations } from './task-endpoints.js';
import { createTaskTokenOperations } from './task-tokens.js';
import { createTransformerOperations } from './transformers.js';
import type { Operations } from './types.js';

/** Everything that one may ask. `close` lets go of who waits; the parts are closed by who made them. */
export function createOperations(parts: OperationsParts): Operations & { close(): Promise<void> } {
  const endings = createEndings(parts.database, parts.log);
  const { database, queues, config, log } = parts;
  const tasks = createTaskBell(parts.database, parts.log);
  const vault = createVault(config.secretsKeys ?? []);
  const deps: Deps = { database, queues, config, log, endings, tasks, arns: createArns(config), vault };
  const batches = createBatchOperations(deps);
  const executions = createExecutionOperations(deps);
  return {
    stateMachines: createStateMachineOperations(deps, batches),
    executions,
    batches,
    queues: createQueueOperations(deps),
    mapRuns: createMapRunOperations(deps),
    recoveries: createRecoveryOperations(deps),
    taskTokens: createTaskTokenOperations(deps),
    activities: createActivityOperations(deps),
    transformers: createTransformerOperations(deps),
    messages: createMessageOperations(deps),
    schedules: createScheduleOperations(deps, executions),
    connections: createConnectionOperations(deps),
    taskEndpoints: createTaskEndpointOperations(deps),
    health: createHealthOperations(deps),
    close: async () => {
      await Promise.all([endings.close(), tasks.close()]);
    },
  };
}
