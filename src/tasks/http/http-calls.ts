/** The calls that go out over HTTP: HTTP tasks, and functions behind a URL. Never throws for what goes wrong outside. */
import { StatesError } from '../../asl/index.js';
import type {
  Connection,
  ExecutionAbout,
  FunctionCall,
  HttpRequestCall,
  InvokeEffect,
  TaskEndpoint,
  TaskOutcome,
} from '../../engine/index.js';
import { createAddressPolicy } from './addresses.js';
import { endpointOutcome, endpointRequest } from './endpoint.js';
import { createAccessTokens, TokenRefused } from './oauth.js';
import { outcomeOf } from './outcome.js';
import { requestOf } from './request.js';
import { createSend, type Exchange, type Resolve } from './send.js';

export interface HttpCallsOptions {
  /** Where calls may go besides public addresses (addresses.ts). */
  allow: readonly string[];
  /** Absent: the system's. */
  resolve?: Resolve;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** How long an HTTP task may take in all; absent: AWS's 60 s. */
  timeoutMs?: number;
}

export interface HttpCalls {
  /** An HTTP task's request. A token that is refused is asked for anew, once. */
  request(call: HttpRequestCall, connection: Connection, signal: AbortSignal): Promise<TaskOutcome>;
  /** Calls a function where it is served. */
  callEndpoint(
    endpoint: TaskEndpoint,
    call: FunctionCall,
    effect: InvokeEffect,
    about: ExecutionAbout,
    signal: AbortSignal,
  ): Promise<TaskOutcome>;
}

/** Calls over HTTP to what the policy allows. A failed call is an outcome, with the error that the workflow sees: only a fault of ours is thrown. */
export function createHttpCalls({ allow, resolve, now, timeoutMs }: HttpCallsOptions): HttpCalls {
  const send = createSend({ policy: createAddressPolicy(allow), ...(resolve !== undefined && { resolve }) });
  const tokens = createAccessTokens(send, now);
  const limits = { timeoutMs: timeoutMs ?? TASK_MS, maxBytes: MAX_BYTES, maxRedirects: MAX_REDIRECTS };

  return {
    request: async (call, connection, signal) => {
      try {
        const refusal = refusalOf(call.url, connection);
        if (refusal !== undefined) return refusal;
        return outcomeOf(await sendAs(call, connection, signal));
      } catch (error) {
        if (error instanceof StatesError) return { ok: false, error: error.error, cause: error.cause };
        if (error instanceof TokenRefused) {
          const cause = `The connection '${connection.name}' got no access token: ${error.message}.`;
          return { ok: false, error: 'Events.ConnectionResource.InvalidConnectionState', cause };
        }
        throw error;
      }
    },

    callEndpoint: async (endpoint, call, effect, about, signal) => {
      const request = endpointRequest(endpoint, call, effect, about, now());
      const { timeoutMs } = endpoint;
      return endpointOutcome(
        await send(request, { timeoutMs, maxBytes: MAX_BYTES, maxRedirects: 0 }, signal),
      );
    },
  };

  async function sendAs(
    call: HttpRequestCall,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<Exchange> {
    const { authorization, version } = connection;
    if (authorization.type !== 'OAUTH_CLIENT_CREDENTIALS')
      return send(requestOf(call, connection, undefined), limits, signal);
    const token = await tokens.get(version, authorization, signal);
    const exchange = await send(requestOf(call, connection, token), limits, signal);
    if (exchange.kind !== 'answered' || exchange.answer.statusCode !== 401) return exchange;
    const another = await tokens.get(version, authorization, signal, token);
    return another === token ? exchange : send(requestOf(call, connection, another), limits, signal);
  }
}

/** A connection that was made for some hosts is shown to no others. */
function refusalOf(url: string, { name, hosts }: Connection): TaskOutcome | undefined {
  if (hosts.length === 0 || !URL.canParse(url) || hosts.includes(new URL(url).host)) return undefined;
  return {
    ok: false,
    error: 'Events.ConnectionResource.AccessDenied',
    cause: `The connection '${name}' may only be used for ${hosts.join(', ')}, not for ${new URL(url).host}.`,
  };
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-http-task */
const TASK_MS = 60_000;
/** The largest payload of a state, which the answer becomes. */
const MAX_BYTES = 262_144;
/** More are a loop, or somebody who wants us to run. */
const MAX_REDIRECTS = 5;
