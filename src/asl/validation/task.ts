import type { JsonObject } from '../../std/json.js';
import { isObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import { parseResource, type Resource } from '../resource.js';
import type { Complaints } from './complaints.js';
import { describe } from './complaints.js';
import { checkExclusive, checkRequired, fieldOf } from './object.js';

/** What concerns more than one field of a Task (https://states-language.net/spec.html#task-state). */
export function checkTask(
  task: JsonObject,
  pointer: string,
  complaints: Complaints,
  type: 'STANDARD' | 'EXPRESS',
): void {
  checkRequired(task, ['Resource'], pointer, complaints);
  checkExclusive(task, ['TimeoutSeconds', 'TimeoutSecondsPath'], pointer, complaints);
  checkExclusive(task, ['HeartbeatSeconds', 'HeartbeatSecondsPath'], pointer, complaints);
  checkHeartbeat(task, pointer, complaints);
  const text = fieldOf(task, 'Resource');
  if (typeof text === 'string') checkResource(text, task, pointer, complaints, type);
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
  type: 'STANDARD' | 'EXPRESS',
): void {
  const at = appendPointer(pointer, 'Resource');
  const resource = parseResource(text);
  switch (resource.kind) {
    case 'unknown':
      complaints.schema(
        at,
        `The resource provided ${text} is not recognized. The value is not a valid resource ARN, or the resource is not available in this region.`,
      );
      break;
    case 'unsupported': {
      const refusal = type === 'EXPRESS' ? expressRefusal(resource) : undefined;
      if (refusal === undefined)
        complaints.notSupported(at, `${resource.feature}, found the resource ${text}`);
      else complaints.schema(at, refusal);
      break;
    }
    case 'integration':
      if (resource.integration.kind === 'lambdaInvoke') checkInvoke(task, pointer, complaints);
  }
}

/** AWS's words for what an Express machine never supports; the blank at the end of the first is AWS's too. */
function expressRefusal(resource: Resource & { kind: 'unsupported' }): string | undefined {
  switch (resource.of) {
    case 'waitForTaskToken':
      return "Express state machine does not support '.waitForTaskToken' service integration ";
    case 'sync':
      return "Express state machine does not support '.sync' service integration";
    case 'activity':
      return 'Express state machine does not support Activity ARN';
    case 'service':
      return undefined;
  }
}

/** `lambda:invoke` finds its function in the parameters. */
function checkInvoke(task: JsonObject, pointer: string, complaints: Complaints): void {
  const parameters = fieldOf(task, 'Parameters');
  if (parameters === undefined) {
    checkRequired(task, ['Parameters'], pointer, complaints);
    return;
  }
  const at = appendPointer(pointer, 'Parameters');
  if (!isObject(parameters)) {
    complaints.schema(at, `Expected an object with FunctionName, found ${describe(parameters)}.`);
  } else if (!Object.hasOwn(parameters, 'FunctionName') && !Object.hasOwn(parameters, 'FunctionName.$')) {
    complaints.schema(at, "The field 'FunctionName' is required but was missing");
  }
}
