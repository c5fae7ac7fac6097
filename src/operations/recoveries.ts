import {
  type BulkRedriveRecord,
  cancelBulkRedrive,
  createBulkRedrive,
  findBulkRedrive,
  hasStateMachine,
  listBulkRedrives,
  type PauseAnswer,
  pauseExecution,
  type RedriveRefusal,
  redriveExecution,
  resumeExecution,
} from '../store/index.js';
import { type Deps, ringSoon } from './deps.js';
import { OperationError, refusal } from './errors.js';
import { findOrRefuse, viewOf } from './executions.js';
import { guarded } from './guarded.js';
import { checkFilter } from './names.js';
import { pageQuery } from './pages.js';
import { checkLine } from './payloads.js';
import type { BulkRedriveView, RecoveryOperations } from './types.js';

/** What a person does with an execution that did not go well: redrive it, pause it, let it go on. */
export function createRecoveryOperations(deps: Deps): RecoveryOperations {
  const { pool } = deps.database;

  return {
    redrive: guarded(async (id, { clientToken } = {}) => {
      checkClientToken(clientToken);
      const answer = await redriveExecution(pool, id, clientToken);
      switch (answer.kind) {
        case 'redriven': {
          const { executionId, queue, redriveDate } = answer.redriven;
          ringSoon(deps, queue, [executionId]);
          return { executionId, redriveDate };
        }
        case 'repeated':
          return { executionId: id, redriveDate: answer.redriveDate };
        case 'refused':
          throw refusalOf(id, answer.why);
        default:
          return answer satisfies never;
      }
    }),

    redriveAll: guarded(async (filter) => {
      checkFilter(filter);
      const { stateMachineId } = filter;
      if (stateMachineId !== undefined && !(await hasStateMachine(deps.database, stateMachineId))) {
        throw refusal(
          'STATE_MACHINE_NOT_FOUND',
          '/filter/stateMachineId',
          `There is no state machine '${stateMachineId}'.`,
        );
      }
      return bulkViewOf(await createBulkRedrive(pool, filter));
    }),

    bulkRedrive: guarded(async (id) => {
      const record = await findBulkRedrive(pool, id);
      if (record === undefined) throw unknownRedrive(id);
      return bulkViewOf(record);
    }),

    listBulkRedrives: guarded(async (request = {}) => {
      const { items, nextCursor } = await listBulkRedrives(pool, request, pageQuery(request));
      return { items: items.map(bulkViewOf), nextCursor };
    }),

    cancelBulkRedrive: guarded(async (id) => {
      const cancelled = await cancelBulkRedrive(pool, id);
      if (cancelled === undefined) throw unknownRedrive(id);
      if (cancelled.over)
        throw new OperationError('REDRIVE_ENDED', `The redrive by filter '${id}' has ended already.`);
      return bulkViewOf(cancelled.redrive);
    }),

    pause: guarded(async (id, { reason } = {}) => {
      checkLine(reason, REASON_MAX, '/reason');
      checkOpen(id, await pauseExecution(pool, id, reason));
      return viewOf(await findOrRefuse(deps, id));
    }),

    resume: guarded(async (id) => {
      const { changed, owner, queue } = checkOpen(id, await resumeExecution(pool, id));
      if (changed && owner === null) ringSoon(deps, queue, [id]);
      return viewOf(await findOrRefuse(deps, id));
    }),
  };
}

const REASON_MAX = 256;

/** AWS's rule: printable ASCII, without blanks. */
function checkClientToken(token: string | undefined): void {
  if (token !== undefined && !/^[!-~]{1,64}$/.test(token)) {
    throw refusal(
      'VALIDATION_FAILED',
      '/clientToken',
      'A client token has 1 to 64 printable ASCII characters, and no blanks.',
    );
  }
}

function checkOpen(id: string, answer: PauseAnswer | undefined): PauseAnswer {
  if (answer === undefined) throw refusalOf(id, 'unknown');
  if (answer.ended) throw new OperationError('EXECUTION_ENDED', `Execution '${id}' has ended already.`);
  return answer;
}

function refusalOf(id: string, why: RedriveRefusal): OperationError {
  if (why === 'unknown') return new OperationError('EXECUTION_NOT_FOUND', `There is no execution '${id}'.`);
  return new OperationError('EXECUTION_NOT_REDRIVABLE', `Execution '${id}' ${REASONS[why]}.`);
}

const REASONS: Record<Exclude<RedriveRefusal, 'unknown'>, string> = {
  running: 'is running',
  succeeded: 'has succeeded',
  express: 'is of an Express state machine; those are started anew',
  mapRunChild: 'is a child of a map run; redrive the execution that the map run belongs to',
  machineDeleted: 'is of a state machine that was deleted',
  tooOld: 'ended more than 14 days ago',
  nothingLeft:
    'cannot be taken up: its history is full, it was never begun, it ended outside of its machine, or before there were redrives',
};

function unknownRedrive(id: string): OperationError {
  return new OperationError('REDRIVE_NOT_FOUND', `There is no redrive by filter '${id}'.`);
}

function bulkViewOf({ aborted, ...record }: BulkRedriveRecord): BulkRedriveView {
  return { ...record, status: record.endTime === null ? 'RUNNING' : aborted ? 'ABORTED' : 'SUCCEEDED' };
}
