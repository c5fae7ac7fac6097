/** HTTP tasks, and functions that are served behind a URL: what they need is looked up, then the call goes out. */
import {
  connectionNameIn,
  type ExecutionAbout,
  type FunctionCall,
  type HttpRequestCall,
  type InvokeEffect,
  type TaskOutcome,
} from '../../engine/index.js';
import {
  createVault,
  openConnection,
  openTaskEndpoint,
  SecretUnreadable,
  type Vault,
} from '../../store/index.js';
import { createHttpCalls, type HttpCalls, type Resolve } from '../../tasks/index.js';
import { refused, type ServiceDeps, untilDone } from './service.js';

export interface HttpSettings {
  /** What opens secrets, the first of them the newest (store/vault.ts). */
  secretsKeys: readonly string[];
  /** Where calls may go besides public addresses. */
  allow: readonly string[];
  /** Absent: the system's. */
  resolve?: Resolve;
  /** How long an HTTP task may take; absent: AWS's 60 s. */
  timeoutMs?: number;
}

interface HttpServices {
  send(call: HttpRequestCall, effect: InvokeEffect, signal: AbortSignal): Promise<TaskOutcome>;
  /** Calls the function where it is served; undefined: no endpoint has its name. */
  callFunction(
    call: FunctionCall,
    effect: InvokeEffect,
    about: ExecutionAbout,
    signal: AbortSignal,
  ): Promise<TaskOutcome | undefined>;
}

/** Without settings nothing secret can be opened, and only public addresses are called. */
export function createHttpServices(
  deps: ServiceDeps,
  { secretsKeys, ...settings }: HttpSettings = { secretsKeys: [], allow: [] },
): HttpServices {
  const { pool } = deps.database;
  const vault: Vault | undefined = createVault(secretsKeys);
  const calls: HttpCalls = createHttpCalls({ ...settings, now: () => Date.now() });

  /** What a call needs; that the database is away fails no call. */
  async function lookUp<T>(
    find: () => Promise<T>,
    signal: AbortSignal,
    key: string,
    unreadable: string,
  ): Promise<Found<T>> {
    try {
      const told = (error: unknown): Found<T> => {
        if (error instanceof SecretUnreadable) return { outcome: refused(unreadable, `${error.message}.`) };
        throw error;
      };
      const work = () => find().then((found): Found<T> => ({ found }), told);
      return await untilDone(work, signal, deps.log, { key });
    } catch (error) {
      return {
        outcome: refused('States.TaskFailed', error instanceof Error ? error.message : String(error)),
      };
    }
  }

  return {
    send: async (call, effect, signal) => {
      const name = connectionNameIn(call.connection);
      const looked = await lookUp(
        () => openConnection(pool, vault, name),
        signal,
        effect.key,
        'Events.ConnectionResource.InternalError',
      );
      if ('outcome' in looked) return looked.outcome;
      if (looked.found === undefined)
        return refused('Events.ConnectionResource.ResourceNotFound', `There is no connection '${name}'.`);
      return calls.request(call, looked.found, signal);
    },

    callFunction: async (call, effect, about, signal) => {
      const find = () => openTaskEndpoint(pool, vault, call.functionName);
      const looked = await lookUp(find, signal, effect.key, 'TaskEndpoint.SecretUnreadable');
      if ('outcome' in looked) return looked.outcome;
      const { found } = looked;
      return found === undefined ? undefined : calls.callEndpoint(found, call, effect, about, signal);
    },
  };
}

type Found<T> = { found: T } | { outcome: TaskOutcome };
