/** What all resources of a Task have in common: how a call is scheduled, made, and waited for. */
import type { TaskState } from '../../asl/index.js';
import { isObject, type Json, type JsonObject } from '../../std/json.js';
import { type Draft, record } from '../draft.js';
import type { Awaited } from '../effects.js';
import type { AwaitPhase, Frame, TaskPhase } from '../frame.js';
import { invocationOf } from '../invocation.js';
import { type Outcome, waits } from '../outcome.js';
import { eventsOf, REGION } from './task-events.js';

/** What is evaluated of a task before it is scheduled. */
export interface Prepared {
  parameters: Json;
  timeoutSeconds?: number;
  heartbeatSeconds?: number;
  credentials: Json | undefined;
  token: string | undefined;
}

/** Puts the frame into a call's phase, and wants the call. */
export function call(draft: Draft, frame: Frame, phase: TaskPhase): Outcome {
  frame.phase = phase;
  draft.effects.push(invocationOf(frame, phase));
  return waits;
}

/** The call is over; what the frame waits for now costs nobody a slot. */
export function wait(frame: Frame, { key, ...phase }: TaskPhase, awaited: Awaited): Outcome {
  const waiting: AwaitPhase = { kind: 'awaiting', key, awaited };
  for (const time of TIMES) if (phase[time] !== undefined) waiting[time] = phase[time];
  frame.phase = waiting;
  return waits;
}

const TIMES = ['timeoutAtMs', 'timeoutMs', 'heartbeatMs', 'heartbeatAtMs'] as const;

export function recordScheduled(draft: Draft, frame: Frame, state: TaskState, prepared: Prepared): void {
  const { prefix, details } = eventsOf(state);
  const { parameters, timeoutSeconds, heartbeatSeconds, credentials } = prepared;
  const scheduled: JsonObject =
    prefix === 'Task'
      ? { ...details, region: REGION, parameters }
      : { resource: state.resource, input: parameters };
  if (timeoutSeconds !== undefined) scheduled['timeoutInSeconds'] = timeoutSeconds;
  if (heartbeatSeconds !== undefined && prefix !== 'LambdaFunction')
    scheduled['heartbeatInSeconds'] = heartbeatSeconds;
  const roleArn = isObject(credentials) ? credentials['RoleArn'] : undefined;
  if (roleArn !== undefined) scheduled['taskCredentials'] = { roleArn };
  record(draft, frame, `${prefix}Scheduled`, scheduled);
}

/** When an attempt's limits run out, counted from now. */
export function timesFromNow(
  { nowMs }: Pick<Draft, 'nowMs'>,
  { timeoutMs, heartbeatMs }: Durations,
): Pick<TaskPhase, 'timeoutAtMs' | 'heartbeatMs' | 'heartbeatAtMs'> {
  return {
    ...(timeoutMs !== undefined && { timeoutAtMs: nowMs + timeoutMs }),
    ...(heartbeatMs !== undefined && { heartbeatMs, heartbeatAtMs: nowMs + heartbeatMs }),
  };
}

interface Durations {
  timeoutMs?: number;
  heartbeatMs?: number;
}

/** An attempt's limits in ms. */
export function durationsOf({ timeoutSeconds, heartbeatSeconds }: Prepared): Durations {
  return {
    ...(timeoutSeconds !== undefined && { timeoutMs: timeoutSeconds * 1000 }),
    ...(heartbeatSeconds !== undefined && { heartbeatMs: heartbeatSeconds * 1000 }),
  };
}

/** The idempotency key of what was recorded last. */
export function keyOf(draft: Draft, frame: Frame): string {
  return `${draft.run.about.executionId}/${String(frame.lastEventId)}`;
}
