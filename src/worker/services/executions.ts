import { createHash } from 'node:crypto';
import { MAX_PAYLOAD_BYTES } from '../../asl/index.js';
import {
  type StartExecutionCall,
  type StartedExecution,
  stateMachineIdIn,
  type TaskOutcome,
} from '../../engine/index.js';
import {
  deliverSignal,
  findRunningChild,
  isName,
  type ReturnAddress,
  startChild,
} from '../../store/index.js';
import { refused, type ServiceDeps } from './service.js';

/** Starts a child, once for the call. */
export async function startExecution(
  { database, arns, ring, nestingLimit = 0 }: ServiceDeps,
  call: StartExecutionCall,
  to: ReturnAddress,
): Promise<TaskOutcome> {
  const { stateMachine, input, sync } = call;
  const name = call.name ?? nameFrom(to.key);
  if (!isName(name)) return refused('InvalidName', `Invalid Name: '${name}'`);
  if (!isJson(input)) {
    return refused('InvalidExecutionInput', "Invalid State Machine Execution Input: 'The input is not JSON'");
  }
  if (Buffer.byteLength(input) > MAX_PAYLOAD_BYTES) {
    const cause = `The input of a child execution exceeds the maximum of ${String(MAX_PAYLOAD_BYTES)} bytes.`;
    return refused('States.DataLimitExceeded', cause);
  }
  const stateMachineId = stateMachineIdIn(stateMachine);
  const answer = await startChild(database.pool, {
    parent: to,
    stateMachineId,
    name,
    input,
    notify: sync,
    ...(nestingLimit > 0 && { depthMax: nestingLimit }),
  });
  switch (answer.kind) {
    case 'started': {
      const { executionId, queue, startTimeMs, isExpress } = answer.child;
      // Also when it was there: who started it may have died before it rang.
      ring(queue, executionId);
      const executionArn = isExpress
        ? arns.express(stateMachineId, answer.child.name, executionId)
        : arns.execution(stateMachineId, answer.child.name);
      const output = { executionId, executionArn, startTimeMs } satisfies StartedExecution;
      return { ok: true, output };
    }
    case 'exists':
      return refused(
        'ExecutionAlreadyExists',
        `Execution Already Exists: '${arns.execution(stateMachineId, name)}'`,
      );
    case 'unknownMachine':
      return refused(
        'StateMachineDoesNotExist',
        `State Machine Does Not Exist: '${stateMachine === stateMachineId ? arns.stateMachine(stateMachineId) : stateMachine}'`,
      );
    case 'tooDeep':
      return refused(
        'ExecutionLimitExceeded',
        `Execution Limit Exceeded: executions nest at most ${nestingLimit} deep (NESTING_LIMIT)`,
      );
    default:
      return answer satisfies never;
  }
}

/** Stops the child that the call started, since nobody waits for it any more. */
export async function stopChild({ database, ring }: ServiceDeps, parent: ReturnAddress): Promise<void> {
  const executionId = await findRunningChild(database.pool, parent);
  if (executionId === undefined) return;
  const { found, ended, owner, queue } = await deliverSignal(database.pool, executionId, 'stop', {});
  if (found && !ended && owner === null) ring(queue, executionId);
}

/** A name for the child of a call, the same however often the call is repeated: a UUID of the call's key (RFC 9562, version 8). */
function nameFrom(key: string): string {
  const bytes = createHash('sha256').update(key).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
