import type { JsonObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { QueryLanguage } from '../definition.js';
import { type Pattern, parseResource, type Resource } from '../resource.js';
import type { Complaints } from './complaints.js';
import { checkExclusive, checkRequired, fieldOf } from './object.js';
import { checkRequest } from './request.js';

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
    checkRequest(resource.integration.service, task, language, pointer, complaints);
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
