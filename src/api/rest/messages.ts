import type { MessageOperations } from '../../operations/index.js';
import type { Api } from '../api.js';
import { strict } from '../schemas/json.js';
import { MessageAnswerBody, MessageBody, MessageWaitPage, WaitingQuery } from '../schemas/messages.js';
import { refusals, STORED, WITH_BODY } from '../schemas/problem.js';
import { StateMachineParams } from '../schemas/state-machines.js';
import { iso, isoOrNull } from './instants.js';
import { pageBody } from './page.js';

const tags = ['Messages'];

/** Messages to executions that wait in a Message state. */
export function messageRoutes(app: Api, operations: MessageOperations): void {
  app.post(
    '/messages',
    {
      schema: {
        operationId: 'sendMessage',
        summary: 'Send a message',
        description:
          'Every Message state that waits for this key and value gets it. When none does, it is kept for the first that will.',
        tags,
        querystring: strict({}),
        body: MessageBody,
        response: { 200: MessageAnswerBody, ...refusals(STORED, WITH_BODY) },
      },
    },
    ({ body }) => operations.send(body),
  );

  app.get(
    '/state-machines/:stateMachineId/waiting',
    {
      schema: {
        operationId: 'listMessageWaits',
        summary: 'List who waits for a message',
        description: "States of the machine's executions, the one that has waited for longest first.",
        tags,
        params: StateMachineParams,
        querystring: WaitingQuery,
        response: {
          200: MessageWaitPage,
          ...refusals(STORED, ['STATE_MACHINE_NOT_FOUND', 'INVALID_CURSOR']),
        },
      },
    },
    async ({ params, query }) =>
      pageBody(await operations.waiting(params.stateMachineId, query), (wait) => ({
        ...wait,
        since: iso(wait.since),
        timeoutAt: isoOrNull(wait.timeoutAt),
      })),
  );
}
