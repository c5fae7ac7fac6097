/** What an execution in memory may call: functions, activities, other executions, map runs, messages. */
import { type Entropy, type Machine, StatesError } from '../../src/asl/index.js';
import {
  type Call,
  childInputs,
  createArns,
  type EndedMapRun,
  type Happening,
  type InvokeEffect,
  type MapRunRequest,
  type SignalData,
  type StartExecutionCall,
  stateMachineIdIn,
} from '../../src/engine/index.js';
import { distributedMapOf } from '../../src/engine/map-run.js';
import type { Json } from '../../src/std/json.js';
import type { Answer, Played, Script } from './driver.js';

export interface WorldParts {
  now: () => number;
  /** When the execution started. */
  startMs: number;
  /** Puts a signal into the inbox, at a time. */
  send: (atMs: number, happening: Happening) => void;
  play: (child: Script) => Promise<Played>;
  machine: Machine;
  entropy: Entropy;
}

export interface World {
  answer(effect: InvokeEffect): Promise<Answer>;
}

const ARNS = createArns({ region: 'us-east-1', accountId: '000000000000' });

export function createWorld(
  script: Script,
  { now, startMs, send, play, machine, entropy }: WorldParts,
): World {
  /** What was done for a key is done once, however often it is asked for. */
  const done = new Map<string, Answer>();
  const tokens = new Map<string, { frameId: number; key: string }>();
  const results = new Map<string, Json[]>();

  return {
    answer: async (effect) => {
      const before = done.get(effect.key);
      if (before !== undefined && effect.call.kind !== 'function') return before;
      const answer = await answerTo(effect, effect.call);
      done.set(effect.key, answer);
      return answer;
    },
  };

  async function answerTo(effect: InvokeEffect, call: Call): Promise<Answer> {
    switch (call.kind) {
      case 'function': {
        const handler = script.handlers?.[call.functionName];
        if (handler === undefined) return missing(call.functionName);
        const answer = handler(call.input, effect);
        if (call.token !== undefined) {
          tokens.set(call.token, effect);
          if (answer.callback !== undefined) callBack(effect, answer.callback);
        }
        return answer;
      }
      case 'startExecution':
        return startExecution(effect, call);
      case 'sendTaskResult': {
        const waiting = tokens.get(call.token);
        if (waiting === undefined) return { error: 'InvalidToken', cause: "Invalid Token: 'Invalid token'" };
        const { output, error = '', cause = '' } = call;
        if (call.result === 'heartbeat') send(now(), { kind: 'tokenHeartbeat', ...whereOf(waiting) });
        else
          callBack(
            waiting,
            call.result === 'success' ? { output: JSON.parse(output ?? 'null') as Json } : { error, cause },
          );
        return { output: {} };
      }
      case 'httpRequest': {
        if (script.http === undefined) throw new Error(`nobody answers at ${call.url}`);
        return script.http(call);
      }
      case 'findActivity':
        return script.activities?.[call.activityArn] === undefined
          ? { error: 'ActivityDoesNotExist', cause: `Activity Does Not Exist: '${call.activityArn}'` }
          : { output: null };
      case 'offerTask':
        work(effect, call.activityArn, call.input);
        return { output: null };
      case 'awaitMessage': {
        for (const { atMs, key, value, data } of script.messages ?? []) {
          if (key === call.correlationKey && value === call.correlationValue)
            send(startMs + atMs, { kind: 'message', ...whereOf(effect), data });
        }
        return { output: null };
      }
      case 'startMapRun':
        return startMapRun(effect, call.request).catch((error: unknown): Answer => {
          if (error instanceof StatesError) return { error: error.error, cause: error.cause };
          throw error;
        });
      // It keeps no map run that is over: a new one is begun.
      case 'redriveMapRun':
        return { output: null };
      case 'finishMapRun':
        return { output: results.get(call.mapRunId) ?? [] };
      default:
        return call satisfies never;
    }
  }

  function callBack(waiting: { frameId: number; key: string }, answer: Answer): void {
    const atMs = now() + (answer.afterMs ?? 0);
    const where = whereOf(waiting);
    if ('output' in answer) send(atMs, { kind: 'tokenSucceeded', ...where, output: answer.output });
    else {
      const { error, cause } = answer;
      send(atMs, {
        kind: 'tokenFailed',
        ...where,
        ...(error !== undefined && { error }),
        ...(cause !== undefined && { cause }),
      });
    }
  }

  function work(effect: InvokeEffect, activityArn: string, input: Json): void {
    const worker = script.activities?.[activityArn];
    if (worker === undefined || worker === 'nobody') return;
    let atMs = now();
    const where = whereOf(effect);
    send(atMs, {
      kind: 'taskLeased',
      ...where,
      ...(worker.name !== undefined && { workerName: worker.name }),
    });
    for (const step of worker.steps(input)) {
      if (step.do === 'wait') atMs += step.ms;
      else if (step.do === 'heartbeat') send(atMs, { kind: 'tokenHeartbeat', ...where });
      else if (step.do === 'succeed') send(atMs, { kind: 'tokenSucceeded', ...where, output: step.output });
      else {
        const { do: _, ...why } = step;
        send(atMs, { kind: 'tokenFailed', ...where, ...why });
      }
    }
  }

  async function startExecution(effect: InvokeEffect, call: StartExecutionCall): Promise<Answer> {
    const id = stateMachineIdIn(call.stateMachine);
    const definition = script.machines?.[id];
    if (definition === undefined) {
      const cause = `State Machine Does Not Exist: '${call.stateMachine}'`;
      return { error: 'StateMachineDoesNotExist', cause };
    }
    const startTimeMs = now();
    const name = call.name ?? `${effect.frameId}-${effect.key.replaceAll(/[^\w]/g, '-')}`;
    const executionArn = ARNS.execution(id, name);
    const child = await playChild(definition, JSON.parse(call.input) as Json, executionArn, name, id);
    if (call.sync && child.end !== undefined) {
      const { status, output, error, cause } = child.end;
      const ended: SignalData['childEnded']['child'] = {
        executionArn,
        name,
        stateMachineArn: ARNS.stateMachine(id),
        status,
        input: call.input,
        ...(output !== undefined && { output: JSON.stringify(output) }),
        ...(error !== undefined && { error }),
        ...(cause !== undefined && { cause }),
        startTimeMs,
        stopTimeMs: startTimeMs + child.elapsedMs,
      };
      send(startTimeMs + child.elapsedMs, { kind: 'childEnded', ...whereOf(effect), child: ended });
    }
    return { output: { executionId: executionArn, executionArn, startTimeMs } };
  }

  function playChild(
    definition: Json,
    input: Json,
    executionArn: string,
    executionName: string,
    stateMachineName: string,
  ): Promise<Played> {
    const about = { executionId: executionArn, executionName, stateMachineName, startTimeMs: now() };
    const { handlers = {}, machines = {} } = script;
    return play({ definition, input, handlers, machines, about });
  }

  async function startMapRun(effect: InvokeEffect, request: MapRunRequest): Promise<Answer> {
    if (request.items === undefined)
      return { error: 'States.ItemReaderFailed', cause: 'There are no objects to read here.' };
    const state = distributedMapOf(machine, request.label);
    if (state === undefined) throw new Error(`no distributed Map '${request.label}'`);
    const outputs: Json[] = [];
    const run: EndedMapRun = {
      status: 'SUCCEEDED',
      total: 0,
      succeeded: 0,
      failed: 0,
      timedOut: 0,
      aborted: 0,
    };
    let elapsedMs = 0;
    for await (const input of childInputs(machine, request, request.items, { nowMs: now(), entropy })) {
      const name = `${request.mapRunId}-${String(run.total)}`;
      const child = await playChild(
        processorDefinition(machine.source, state.name),
        input,
        ARNS.execution(`machine/${request.label}`, name),
        name,
        `machine/${request.label}`,
      );
      run.total += 1;
      elapsedMs = Math.max(elapsedMs, child.elapsedMs);
      if (child.end?.status === 'SUCCEEDED') {
        run.succeeded += 1;
        outputs.push(child.end.output ?? null);
      } else run.failed += 1;
    }
    const { toleratedFailureCount: count, toleratedFailurePercentage: percentage } = request;
    const tolerated = Math.max(count ?? 0, ((percentage ?? 0) / 100) * run.total);
    if (run.failed > tolerated) run.status = 'FAILED';
    results.set(request.mapRunId, outputs);
    send(now() + elapsedMs, { kind: 'mapRunEnded', ...whereOf(effect), run });
    return { output: { total: run.total } };
  }
}

function whereOf({ frameId, key }: { frameId: number; key: string }): { frameId: number; key: string } {
  return { frameId, key };
}

/** The processor of a Map, wherever it is in the definition, as a machine of its own. */
function processorDefinition(source: Json, stateName: string): Json {
  const found = find(source, stateName);
  if (found === undefined) throw new Error(`the definition has no Map '${stateName}'`);
  const language = (source as { QueryLanguage?: Json }).QueryLanguage;
  const { ProcessorConfig: _, ...processor } = found;
  return language === undefined ? processor : { ...processor, QueryLanguage: language };
}

function find(value: Json, stateName: string): { [key: string]: Json } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const state = inner as { Type?: Json; ItemProcessor?: Json; Iterator?: Json };
    if (key === stateName && state?.Type === 'Map')
      return (state.ItemProcessor ?? state.Iterator) as { [key: string]: Json };
    const deeper = find(inner, stateName);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}

/** As the tasks room answers for a function that nobody registered. */
function missing(name: string): Answer {
  return {
    error: 'Lambda.ResourceNotFoundException',
    cause: `Function not found: arn:aws:lambda:us-east-1:000000000000:function:${name}:$LATEST (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 0; Proxy: null)`,
  };
}
