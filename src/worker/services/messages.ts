import type { Call, ExecutionAbout, InvokeEffect, TaskOutcome } from '../../engine/index.js';
import { forgetWait, type ReturnAddress, awaitMessage as wait, withdrawWait } from '../../store/index.js';
import { ringFor, type ServiceDeps } from './service.js';

/** Registers the frame as waiting; a kept message that matches is in the inbox by then. */
export async function awaitMessage(
  deps: ServiceDeps,
  { correlationKey, correlationValue, timeoutAtMs }: Extract<Call, { kind: 'awaitMessage' }>,
  to: ReturnAddress,
  { stateName }: InvokeEffect,
  { stateMachineId }: ExecutionAbout,
): Promise<TaskOutcome> {
  const woken = await wait(deps.database.pool, {
    to,
    stateMachineId,
    stateName,
    correlationKey,
    correlationValue,
    timeoutAtMs,
  });
  ringFor(deps, woken);
  return { ok: true, output: null };
}

/** A message that comes from now on is not for this frame. */
export function forgetMessage({ database }: ServiceDeps, to: ReturnAddress): Promise<void> {
  return forgetWait(database.pool, to);
}

/** The same, unless a message has come in. */
export function withdrawMessage(
  { database }: ServiceDeps,
  to: ReturnAddress,
  inboxSeq: number,
): Promise<boolean> {
  return withdrawWait(database.pool, to, inboxSeq);
}
