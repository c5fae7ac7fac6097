import type { Json } from '../std/json.js';
import { after, type Maybe } from '../std/maybe.js';
import { fillIn } from './dataflow.js';
import type { Limit, TaskState } from './definition.js';
import { runtimeError } from './errors.js';
import { readLimit } from './limits.js';
import { QueryError } from './query-error.js';
import type { Scope } from './scope.js';

/**
 * How long one attempt of a task, and the time between two of its heartbeats, may take, in seconds.
 * Absent: no limit was set (https://states-language.net/spec.html#task-state).
 */
export function taskTimeouts(
  state: TaskState,
  scope: Scope,
  input: Json,
): Maybe<{ timeoutSeconds?: number; heartbeatSeconds?: number }> {
  const timeout = positiveSeconds('TimeoutSeconds', state.timeoutSeconds, scope, input);
  return after(timeout, (timeoutSeconds) =>
    after(positiveSeconds('HeartbeatSeconds', state.heartbeatSeconds, scope, input), (heartbeatSeconds) => {
      if (
        timeoutSeconds !== undefined &&
        heartbeatSeconds !== undefined &&
        heartbeatSeconds >= timeoutSeconds
      ) {
        const cause = `HeartbeatSeconds must be smaller than TimeoutSeconds, but was ${heartbeatSeconds} with a timeout of ${timeoutSeconds}.`;
        throw state.language === 'JSONata' ? new QueryError(cause, 'HeartbeatSeconds') : runtimeError(cause);
      }
      return {
        ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
        ...(heartbeatSeconds === undefined ? {} : { heartbeatSeconds }),
      };
    }),
  );
}

/** The Credentials of a task, filled; undefined: it has none. */
export function credentialsOf(state: TaskState, scope: Scope, input: Json): Maybe<Json | undefined> {
  return state.credentials === undefined ? undefined : fillIn(state.credentials, scope, input, {});
}

function positiveSeconds(
  name: string,
  value: Limit | undefined,
  scope: Scope,
  input: Json,
): Maybe<number | undefined> {
  if (value === undefined) return undefined;
  const refuse = (seconds: number): string | undefined =>
    seconds > 0 ? undefined : `${name} must be a positive integer, but was ${seconds}.`;
  return readLimit({ name, value, type: 'integer', refuse }, scope, input);
}
