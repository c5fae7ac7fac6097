import type { Json } from '../std/json.js';
import type { TaskState } from './definition.js';
import { runtimeError } from './errors.js';
import type { CompiledReferencePath } from './jsonpath/index.js';
import { readLimit } from './limits.js';
import type { Scope } from './scope.js';

/**
 * How long one attempt of a task, and the time between two of its heartbeats, may take, in seconds.
 * Absent: no limit was set (https://states-language.net/spec.html#task-state).
 */
export function taskTimeouts(
  state: TaskState,
  scope: Scope,
  input: Json,
): { timeoutSeconds?: number; heartbeatSeconds?: number } {
  const timeoutSeconds = positiveSeconds('TimeoutSeconds', state.timeoutSeconds, scope, input);
  const heartbeatSeconds = positiveSeconds('HeartbeatSeconds', state.heartbeatSeconds, scope, input);
  if (timeoutSeconds !== undefined && heartbeatSeconds !== undefined && heartbeatSeconds >= timeoutSeconds) {
    throw runtimeError(
      `HeartbeatSeconds must be smaller than TimeoutSeconds, but was ${heartbeatSeconds} with a timeout of ${timeoutSeconds}.`,
    );
  }
  return {
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(heartbeatSeconds === undefined ? {} : { heartbeatSeconds }),
  };
}

function positiveSeconds(
  name: string,
  value: number | CompiledReferencePath | undefined,
  scope: Scope,
  input: Json,
): number | undefined {
  if (value === undefined) return undefined;
  const seconds = readLimit({ name, value, type: 'integer' }, scope, input);
  if (seconds <= 0) throw runtimeError(`${name} must be a positive integer, but was ${seconds}.`);
  return seconds;
}
