/** The service integrations that run here: what they call, and how AWS words what comes of it. */
import { type Pattern, runtimeError, type ServiceAction } from '../../asl/index.js';
import { isObject, type Json, type JsonObject } from '../../std/json.js';
import type { FunctionCall, HttpRequestCall, SendTaskResultCall, StartExecutionCall } from '../effects.js';
import type { TaskPhase } from '../frame.js';
import type { Failure } from '../outcome.js';
import type { EndedExecution, TaskOutcome } from '../ports.js';
import { httpCall } from './http-invoke.js';
import { callOf, resultEnvelope } from './lambda-invoke.js';
import { endOfChildIn, startedResult } from './start-execution.js';

export type ServiceCall = FunctionCall | StartExecutionCall | SendTaskResultCall | HttpRequestCall;

/**
 * The call that a task's parameters describe; `unreadable`: a function's payload that is not JSON.
 * @throws StatesError States.Runtime when a parameter that the service needs is missing.
 */
export function callService(
  service: ServiceAction,
  pattern: Pattern,
  parameters: Json,
): { call: ServiceCall; tail?: boolean } | 'unreadable' {
  switch (service) {
    case 'lambda:invoke': {
      const { functionName, payload, tail } = callOf(parameters);
      if (payload === undefined) return 'unreadable';
      return { call: { kind: 'function', functionName, input: payload }, tail };
    }
    case 'http:invoke':
      return { call: httpCall(isObject(parameters) ? parameters : {}) };
    case 'states:startExecution':
    case 'aws-sdk:sfn:startExecution':
      return { call: startCall(pattern, isObject(parameters) ? parameters : {}) };
    case 'aws-sdk:sfn:sendTaskSuccess':
    case 'aws-sdk:sfn:sendTaskFailure':
    case 'aws-sdk:sfn:sendTaskHeartbeat':
      return { call: sendCall(service, isObject(parameters) ? parameters : {}) };
  }
}

function startCall(pattern: Pattern, parameters: JsonObject): StartExecutionCall {
  const name = parameters['Name'];
  return {
    kind: 'startExecution',
    stateMachine: neededText(parameters, 'StateMachineArn'),
    input: jsonText(parameters['Input'] ?? {}),
    ...(typeof name === 'string' && { name }),
    sync: pattern === 'sync' || pattern === 'sync:2',
  };
}

function sendCall(
  service: `aws-sdk:sfn:sendTask${'Success' | 'Failure' | 'Heartbeat'}`,
  parameters: JsonObject,
): SendTaskResultCall {
  const call: SendTaskResultCall = {
    kind: 'sendTaskResult',
    result: RESULTS[service],
    token: neededText(parameters, 'TaskToken'),
  };
  const { Error: error, Cause: cause } = parameters;
  if (call.result === 'success') call.output = jsonText(parameters['Output'] ?? null);
  if (call.result === 'failure' && typeof error === 'string') call.error = error;
  if (call.result === 'failure' && typeof cause === 'string') call.cause = cause;
  return call;
}

const RESULTS = {
  'aws-sdk:sfn:sendTaskSuccess': 'success',
  'aws-sdk:sfn:sendTaskFailure': 'failure',
  'aws-sdk:sfn:sendTaskHeartbeat': 'heartbeat',
} as const;

/** A field of JSON text: a string is that text, anything else becomes it. */
function jsonText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function neededText(parameters: JsonObject, name: string): string {
  const value = parameters[name];
  if (typeof value === 'string' && value !== '') return value;
  throw runtimeError(`The field "${name}" is required but was missing or not a string`);
}

/** What the service answers to a call that went well. */
export function serviceResult(
  service: ServiceAction,
  phase: TaskPhase,
  output: Json,
  requestId: string,
): Json {
  switch (service) {
    case 'lambda:invoke':
      return resultEnvelope(output, phase, requestId);
    case 'states:startExecution':
    case 'aws-sdk:sfn:startExecution':
      return startedResult(output, service === 'states:startExecution' ? requestId : undefined);
    default:
      return output;
  }
}

/** A call's failure in the service's words. A function's error is its own, and an HTTP task's is named where it happens. */
export function serviceFailure(
  service: ServiceAction,
  { error = 'Unknown', cause = '' }: Extract<TaskOutcome, { ok: false }>,
  requestId: string,
): Failure {
  if (service === 'lambda:invoke' || service === 'http:invoke') return { error, cause };
  return service === 'states:startExecution'
    ? {
        error: `StepFunctions.${error}Exception`,
        cause: `${cause} (Service: AWSStepFunctions; Status Code: 400; Error Code: ${error}; Request ID: ${requestId}; Proxy: null)`,
      }
    : {
        error: `Sfn.${error}Exception`,
        cause: `${cause} (Service: Sfn, Status Code: 400, Request ID: ${requestId}) (SDK Attempt Count: 1)`,
      };
}

/** What the end of the execution that a task waits for means for the task. */
export function endOfChild(child: EndedExecution, pattern: Pattern): TaskOutcome {
  return endOfChildIn(child, pattern === 'sync' ? 'text' : 'value');
}
