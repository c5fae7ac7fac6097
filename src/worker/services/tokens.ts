import type { SendTaskResultCall, TaskOutcome } from '../../engine/index.js';
import type { Json } from '../../std/json.js';
import {
  answerToken,
  issueToken as issue,
  voidToken as makeVoid,
  type ReturnAddress,
  standingOfToken,
  type TokenAnswer,
  withdrawToken as withdraw,
} from '../../store/index.js';
import { refused, ringFor, type ServiceDeps } from './service.js';

/** Writes a token down, before it is given to anybody. */
export async function issueToken(
  { database }: ServiceDeps,
  token: string,
  to: ReturnAddress,
): Promise<TaskOutcome> {
  await issue(database.pool, token, to);
  return { ok: true, output: null };
}

/**
 * SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat, from within a workflow. `key`: the call's; when it is made again after a
 * crash, the answer that it has given already counts as given.
 */
export async function sendTaskResult(
  deps: ServiceDeps,
  call: SendTaskResultCall,
  key: string,
): Promise<TaskOutcome> {
  const { pool } = deps.database;
  const answer = answerOf(call);
  // AWS looks at the token first.
  const outcome =
    answer === undefined
      ? { kind: await standingOfToken(pool, call.token) }
      : await answerToken(pool, call.token, answer, key);
  switch (outcome.kind) {
    case 'delivered':
      ringFor(deps, [outcome.woken]);
      return { ok: true, output: {} };
    case 'repeated':
      return { ok: true, output: {} };
    case 'open':
      return refused('InvalidOutput', "Invalid Output: 'The output is not JSON'");
    case 'unknown':
      return refused('InvalidToken', "Invalid Token: 'Invalid token'");
    case 'gone':
      return refused('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
    default:
      return outcome satisfies never;
  }
}

/** Whoever answers the token from now on is refused. */
export function voidToken({ database }: ServiceDeps, token: string, executionId: string): Promise<void> {
  return makeVoid(database.pool, token, executionId);
}

/** The same, unless an answer may have come in. */
export function withdrawToken(
  { database }: ServiceDeps,
  token: string,
  executionId: string,
  inboxSeq: number,
): Promise<boolean> {
  return withdraw(database.pool, token, executionId, inboxSeq);
}

/** undefined: the output is not JSON. */
function answerOf({ result, output, error, cause }: SendTaskResultCall): TokenAnswer | undefined {
  switch (result) {
    case 'success': {
      const value = parsed(output ?? 'null');
      return value === undefined ? undefined : { kind: 'tokenSucceeded', output: value };
    }
    case 'failure':
      return {
        kind: 'tokenFailed',
        ...(error === undefined ? {} : { error }),
        ...(cause === undefined ? {} : { cause }),
      };
    case 'heartbeat':
      return { kind: 'tokenHeartbeat' };
    default:
      return result satisfies never;
  }
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
