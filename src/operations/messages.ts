import { correlationText } from '../asl/index.js';
import { deliverMessage, hasStateMachine, listWaits } from '../store/index.js';
import { type Deps, ringWoken } from './deps.js';
import { OperationError, refusal } from './errors.js';
import { guarded } from './guarded.js';
import { pageQuery } from './pages.js';
import { checkText, payloadText } from './payloads.js';
import type { MessageOperations } from './types.js';

export function createMessageOperations(deps: Deps): MessageOperations {
  const { database, config } = deps;
  return {
    send: guarded(async ({ correlationKey, correlationValue, data, ttlSeconds = TTL_DEFAULT }) => {
      if (correlationKey === '') {
        throw refusal('VALIDATION_FAILED', '/correlationKey', 'A correlation key has at least 1 character.');
      }
      checkText(correlationKey, '/correlationKey');
      payloadText(correlationValue, config.payloadLimit, '/correlationValue', 'The correlation value');
      const text = payloadText(data, config.payloadLimit, '/data', 'The data');
      const correlation = { correlationKey, correlationValue: correlationText(correlationValue) };
      const { woken, ...answer } = await deliverMessage(database.pool, correlation, text, ttlSeconds);
      ringWoken(deps, woken);
      return answer;
    }),

    waiting: guarded(async (stateMachineId, request) => {
      const page = pageQuery(request);
      if (!(await hasStateMachine(database, stateMachineId))) {
        throw new OperationError('STATE_MACHINE_NOT_FOUND', `There is no state machine '${stateMachineId}'.`);
      }
      return listWaits(database.pool, stateMachineId, page);
    }),
  };
}

/** Who sends a message right before the execution comes to wait for it need not know. */
const TTL_DEFAULT = 3_600;
