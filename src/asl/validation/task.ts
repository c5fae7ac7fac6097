import type { JsonObject } from '../../std/json.js';
import { isObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { QueryLanguage } from '../definition.js';
import { isExpression } from '../jsonata/syntax.js';
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
      if (resource.integration.kind === 'lambdaInvoke') checkInvoke(task, language, pointer, complaints);
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
function checkInvoke(
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
  const evaluated =
    language === 'JSONPath' && isObject(parameters) && Object.hasOwn(parameters, 'FunctionName.$');
  if (!isObject(parameters)) {
    complaints.schema(at, `Expected an object with FunctionName, found ${describe(parameters)}.`);
  } else if (!Object.hasOwn(parameters, 'FunctionName') && !evaluated) {
    complaints.schema(at, "The field 'FunctionName' is required but was missing");
  }
}
