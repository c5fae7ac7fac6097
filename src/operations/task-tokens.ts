import type { Json } from '../std/json.js';
import { answerToken, type TokenAnswer } from '../store/index.js';
import { type Deps, ringWoken } from './deps.js';
import { OperationError, refusal } from './errors.js';
import { guarded } from './guarded.js';
import { checkLine, payloadText } from './payloads.js';
import type { TaskTokenOperations } from './types.js';

export function createTaskTokenOperations(deps: Deps): TaskTokenOperations {
  return {
    succeed: guarded(async (token, output: Json) => {
      // Held to the limit of a payload here, where who answers can still do something about it.
      payloadText(output, deps.config.payloadLimit, '/output', 'The output');
      await answer(deps, token, { kind: 'tokenSucceeded', output });
    }),
    fail: guarded(async (token, { error, cause } = {}) => {
      checkLine(error, ERROR_MAX, '/error');
      checkLine(cause, CAUSE_MAX, '/cause');
      await answer(deps, token, {
        kind: 'tokenFailed',
        ...(error === undefined ? {} : { error }),
        ...(cause === undefined ? {} : { cause }),
      });
    }),
    beat: guarded(async (token) => answer(deps, token, { kind: 'tokenHeartbeat' })),
  };
}

/** AWS's limits (https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html). */
const ERROR_MAX = 256;
const CAUSE_MAX = 32_768;

async function answer(deps: Deps, token: string, said: TokenAnswer): Promise<void> {
  const outcome = await answerToken(deps.database.pool, token, said);
  switch (outcome.kind) {
    case 'delivered':
      ringWoken(deps, [outcome.woken]);
      return;
    // Only a workflow's own call is known again.
    case 'repeated':
      return;
    case 'unknown':
      throw refusal('TASK_NOT_FOUND', '/token', 'There is no task with this token.');
    case 'gone':
      throw new OperationError(
        'TASK_ENDED',
        'The task was answered already, or nobody waits for it any more: its time was up, or its execution has ended.',
      );
    default:
      return outcome satisfies never;
  }
}
