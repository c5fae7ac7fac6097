import type { JsonObject } from '../../std/json.js';
import { isObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { QueryLanguage } from '../definition.js';
import { isExpression } from '../jsonata/syntax.js';
import { type Pattern, parseResource, type Resource, type ServiceAction } from '../resource.js';
import type { Complaints } from './complaints.js';
import { describe } from './complaints.js';
import { checkExclusive, checkRequired, fieldOf } from './object.js';

/** What concerns more than one field of a Task (https://states-language.net/spec.html#task-state). */
export function checkTask(
  task: JsonObject,
  pointer: string,
  complaints: Complaints,
  type: 'STANDARD' | 'EXPRESS',
  language: QueryLanguage,
): void {
  checkRequired(task, ['Resource'], pointer, complaints);
  checkExclusive(task, ['TimeoutSeconds', 'TimeoutSecondsPath'], pointer, complaints);
  checkExclusive(task, ['HeartbeatSeconds', 'HeartbeatSecondsPath'], pointer, complaints);
  checkHeartbeat(task, pointer, complaints);
  const text = fieldOf(task, 'Resource');
  if (typeof text === 'string') checkResource(text, task, pointer, complaints, { type, language });
}

function checkHeartbeat(task: JsonObject, pointer: string, complaints: Complaints): void {
  const heartbeat = fieldOf(task, 'HeartbeatSeconds');
  // Without a timeout the state has none, so any heartbeat is smaller.
  const timeout = fieldOf(task, 'TimeoutSeconds');
  if (typeof heartbeat === 'number' && typeof timeout === 'number' && heartbeat >= timeout) {
    complaints.schema(
      appendPointer(pointer, 'HeartbeatSeconds'),
      `Expected HeartbeatSeconds to be smaller than TimeoutSeconds (${timeout}), found ${heartbeat}.`,
    );
  }
}

function checkResource(
  text: string,
  task: JsonObject,
  pointer: string,
  complaints: Complaints,
  { type, language }: { type: 'STANDARD' | 'EXPRESS'; language: QueryLanguage },
): void {
  const at = appendPointer(pointer, 'Resource');
  const resource = parseResource(text);
  if (resource.kind === 'unknown') {
    complaints.schema(
      at,
      `The resource provided ${text} is not recognized. The value is not a valid resource ARN, or the resource is not available in this region.`,
    );
    return;
  }
  const refusal = type === 'EXPRESS' ? expressRefusal(resource) : undefined;
  if (refusal !== undefined) complaints.schema(at, refusal);
  else if (resource.kind === 'unsupported')
    complaints.notSupported(at, `${resource.feature}, found the resource ${text}`);
  else if (resource.integration.kind === 'service')
    checkRequest(REQUIRED[resource.integration.service], task, language, pointer, complaints);
}

/** AWS's words for what an Express machine never supports; the blank at the end of the first is AWS's too. */
function expressRefusal(resource: Exclude<Resource, { kind: 'unknown' }>): string | undefined {
  if (resource.kind === 'integration' && resource.integration.kind === 'activity')
    return 'Express state machine does not support Activity ARN';
  switch (patternOf(resource)) {
    case 'waitForTaskToken':
      return "Express state machine does not support '.waitForTaskToken' service integration ";
    case 'sync':
    case 'sync:2':
      return "Express state machine does not support '.sync' service integration";
    case 'requestResponse':
      return undefined;
  }
}

function patternOf(resource: Exclude<Resource, { kind: 'unknown' }>): Pattern {
  if (resource.kind === 'unsupported') return resource.pattern;
  return resource.integration.kind === 'service' ? resource.integration.pattern : 'requestResponse';
}

/** What a service cannot be called without. */
const REQUIRED: Readonly<Record<ServiceAction, readonly string[]>> = {
  'lambda:invoke': ['FunctionName'],
  'states:startExecution': ['StateMachineArn'],
  'aws-sdk:sfn:startExecution': ['StateMachineArn'],
  'aws-sdk:sfn:sendTaskSuccess': ['TaskToken', 'Output'],
  'aws-sdk:sfn:sendTaskFailure': ['TaskToken'],
  'aws-sdk:sfn:sendTaskHeartbeat': ['TaskToken'],
};

/** A service finds what it is asked for in the parameters. */
function checkRequest(
  names: readonly string[],
  task: JsonObject,
  language: QueryLanguage,
  pointer: string,
  complaints: Complaints,
): void {
  const field = language === 'JSONata' ? 'Arguments' : 'Parameters';
  const parameters = fieldOf(task, field);
  if (parameters === undefined) {
    checkRequired(task, [field], pointer, complaints);
    return;
  }
  if (language === 'JSONata' && isExpression(parameters)) return;
  const at = appendPointer(pointer, field);
  if (!isObject(parameters)) {
    complaints.schema(at, `Expected an object with ${names.join(', ')}, found ${describe(parameters)}.`);
    return;
  }
  for (const name of names) {
    const evaluated = language === 'JSONPath' && Object.hasOwn(parameters, `${name}.$`);
    if (!Object.hasOwn(parameters, name) && !evaluated)
      complaints.schema(at, `The field '${name}' is required but was missing`);
  }
}
