/**
 * What the engine asks of the world, routed to who does it. Calls are made under a key that is the same however often
 * they are repeated, and each service does what it does once for a key.
 */
import type { Arns, TaskOutcome, Tasks } from '../../engine/index.js';
import type { Database } from '../../store/index.js';
import type { Functions } from '../../tasks/index.js';
import type { WorkerLog } from '../runner.js';
import { findActivity, offerTask } from './activities.js';
import { startExecution, stopChild } from './executions.js';
import { createHttpServices, type HttpSettings } from './http.js';
import type { MapRuns } from './map-runs.js';
import { awaitMessage, forgetMessage, withdrawMessage } from './messages.js';
import { addressOf, type Ring, refused, type ServiceDeps, untilDone } from './service.js';
import { issueToken, sendTaskResult, voidToken, withdrawToken } from './tokens.js';

interface ServicesOptions {
  database: Database;
  functions: Functions;
  mapRuns: MapRuns;
  /** Absent: nothing secret can be opened, and only public addresses are called. */
  http?: HttpSettings | undefined;
  arns: Arns;
  /** Rings for an execution that has been woken, and that nobody is advancing. */
  ring: Ring;
  log: WorkerLog;
  nestingLimit?: number;
}

export function createServices({ functions, mapRuns, http: settings, ...deps }: ServicesOptions): Tasks {
  const { log } = deps satisfies ServiceDeps;
  const http = createHttpServices(deps, settings);
  /** Children that are being started, by the key of the call: one that is let go meanwhile is stopped once it is there. */
  const starting = new Map<string, Promise<TaskOutcome>>();
  return {
    invoke: async (effect, about, call) => {
      const asked = effect.call;
      const to = addressOf(effect, about);
      const durably = async (work: () => Promise<TaskOutcome>): Promise<TaskOutcome> => {
        try {
          return await untilDone(work, call.signal, log, to);
        } catch (error) {
          return refused('States.TaskFailed', error instanceof Error ? error.message : String(error));
        }
      };
      const withToken = async (token: string | undefined, work: () => Promise<TaskOutcome>) => {
        if (token === undefined) return work();
        // It may be answered before the call returns.
        const issued = await durably(() => issueToken(deps, token, to));
        // Nobody waits for it any more: what has not been called need not be.
        if (call.signal.aborted) return refused('States.TaskFailed', 'The call was cancelled.');
        return issued.ok ? work() : issued;
      };
      switch (asked.kind) {
        case 'function':
          return withToken(asked.token, async () => {
            // The handlers module wins over an endpoint of the same name: what a worker has it need not ask for.
            const served = functions.has(asked.functionName)
              ? undefined
              : await http.callFunction(asked, effect, about, call.signal);
            return served ?? functions.call(asked, effect, about, call);
          });
        case 'httpRequest':
          return http.send(asked, effect, call.signal);
        case 'startExecution':
          return withToken(asked.token, () => {
            const started = durably(() => startExecution(deps, asked, to));
            starting.set(effect.key, started);
            return started.finally(() => starting.delete(effect.key));
          });
        case 'sendTaskResult':
          return durably(() => sendTaskResult(deps, asked, effect.key));
        case 'findActivity':
          return durably(() => findActivity(deps, asked.activityArn));
        case 'offerTask':
          return durably(() => offerTask(deps, asked, to));
        case 'awaitMessage':
          return durably(() => awaitMessage(deps, asked, to, effect, about));
        case 'startMapRun':
          return durably(() => mapRuns.start(effect, asked, about, call.signal));
        case 'redriveMapRun':
          return durably(() => mapRuns.redrive(effect, asked, about, call.signal));
        case 'finishMapRun':
          return durably(() => mapRuns.finish(asked, about, call.signal));
        default:
          return asked satisfies never;
      }
    },

    withdraw: async (effect, about, inboxSeq) => {
      const { awaited } = effect;
      switch (awaited.kind) {
        case 'token':
        case 'activity':
          return withdrawToken(deps, awaited.token, about.executionId, inboxSeq);
        case 'message':
          return withdrawMessage(deps, addressOf(effect, about), inboxSeq);
        // A lease has no time of its own; children and map runs are told by nobody who waits for an answer.
        case 'lease':
        case 'child':
        case 'mapRun':
          return true;
        default:
          return awaited satisfies never;
      }
    },

    release: async (effect, about) => {
      const { awaited } = effect;
      try {
        switch (awaited.kind) {
          case 'token':
          case 'lease':
          case 'activity':
            return await voidToken(deps, awaited.token, about.executionId);
          case 'child':
            await starting.get(effect.key);
            return await stopChild(deps, addressOf(effect, about));
          case 'message':
            return await forgetMessage(deps, addressOf(effect, about));
          case 'mapRun':
            return await mapRuns.cancel(awaited.mapRunId, effect.key);
          default:
            return awaited satisfies never;
        }
      } catch (error) {
        log.warn(
          { err: error, executionId: about.executionId, awaited: awaited.kind },
          'what nobody waits for any more could not be let go; the sweeper will',
        );
      }
    },
  };
}
