import type { Json, JsonObject } from '../../std/json.js';
import { isObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { StateType } from '../definition.js';
import { MAX_SECONDS } from '../wait.js';
import { anything, boolean, type Check, integer, numberBetween, oneOf, text, timestamp } from './checks.js';
import { choices } from './choice.js';
import type { Complaints } from './complaints.js';
import {
  checkExactlyOne,
  checkExclusive,
  checkFields,
  checkRequired,
  fieldOf,
  type Schema,
} from './object.js';
import { pathOrNull, referencePath, resultPath, textExpression } from './paths.js';
import { catchers, retry } from './policies.js';
import { checkTask } from './task.js';
import { payloadTemplate } from './template.js';

/** The fields of one state, except the groups of states inside it, which `groups` checks. */
export function checkState(
  state: JsonObject,
  type: StateType,
  pointer: string,
  complaints: Complaints,
  machineType: 'STANDARD' | 'EXPRESS',
): void {
  checkFields(state, SCHEMAS[type], { pointer, owner: `a ${type} state` }, complaints);
  switch (type) {
    case 'Task':
      checkTask(state, pointer, complaints, machineType);
      break;
    case 'Choice':
      checkRequired(state, ['Choices'], pointer, complaints);
      break;
    case 'Wait':
      checkExactlyOne(state, ['Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'], pointer, complaints);
      break;
    case 'Fail':
      checkExclusive(state, ['Error', 'ErrorPath'], pointer, complaints);
      checkExclusive(state, ['Cause', 'CausePath'], pointer, complaints);
      break;
    case 'Parallel':
      checkRequired(state, ['Branches'], pointer, complaints);
      break;
    case 'Map':
      checkMap(state, pointer, complaints);
      break;
    case 'Pass':
    case 'Succeed':
      break;
  }
}

function notYet(feature: string): Check {
  return (_value, pointer, complaints) => complaints.notSupported(pointer, feature);
}

const COMMON: Schema = { Type: anything, Comment: text, QueryLanguage: anything };
const PATHS: Schema = { InputPath: pathOrNull, OutputPath: pathOrNull };
const MOVES: Schema = { Next: text, End: endsHere, Assign: notYet('variables (Assign)') };
const SHAPING: Schema = {
  ResultPath: resultPath,
  ResultSelector: payloadTemplate,
  Parameters: payloadTemplate,
};
const POLICIES: Schema = { Retry: retry, Catch: catchers };
const SECONDS = integer(1, MAX_SECONDS);

const SCHEMAS: Readonly<Record<StateType, Schema>> = {
  Pass: {
    ...COMMON,
    ...PATHS,
    ...MOVES,
    ResultPath: resultPath,
    Parameters: payloadTemplate,
    Result: anything,
  },
  Task: {
    ...COMMON,
    ...PATHS,
    ...MOVES,
    ...SHAPING,
    ...POLICIES,
    Resource: text,
    TimeoutSeconds: SECONDS,
    TimeoutSecondsPath: referencePath,
    HeartbeatSeconds: SECONDS,
    HeartbeatSecondsPath: referencePath,
    Credentials: credentials,
  },
  Choice: { ...COMMON, ...PATHS, Choices: choices, Default: text, Assign: notYet('variables (Assign)') },
  Wait: {
    ...COMMON,
    ...PATHS,
    ...MOVES,
    Seconds: integer(0, MAX_SECONDS),
    SecondsPath: referencePath,
    Timestamp: timestamp,
    TimestampPath: referencePath,
  },
  Succeed: { ...COMMON, ...PATHS },
  Fail: { ...COMMON, Error: text, ErrorPath: textExpression, Cause: text, CausePath: textExpression },
  Parallel: { ...COMMON, ...PATHS, ...MOVES, ...SHAPING, ...POLICIES, Branches: anything },
  Map: {
    ...COMMON,
    ...PATHS,
    ...MOVES,
    ...SHAPING,
    ...POLICIES,
    ItemProcessor: anything,
    Iterator: anything,
    ItemsPath: referencePath,
    ItemSelector: payloadTemplate,
    MaxConcurrency: integer(0, MAX_SECONDS),
    MaxConcurrencyPath: referencePath,
    ToleratedFailureCount: integer(0, MAX_SECONDS),
    ToleratedFailureCountPath: referencePath,
    ToleratedFailurePercentage: numberBetween(0, 100),
    ToleratedFailurePercentagePath: referencePath,
    ItemReader: notYet('ItemReader of a distributed Map'),
    ItemBatcher: notYet('ItemBatcher of a distributed Map'),
    ResultWriter: notYet('ResultWriter of a distributed Map'),
    Label: notYet('Label of a distributed Map'),
  },
};

function endsHere(value: Json, pointer: string, complaints: Complaints): void {
  boolean(value, pointer, complaints);
  if (value === false)
    complaints.schema(pointer, 'Expected true, found false: leave End out and name a Next.');
}

function credentials(value: Json, pointer: string, complaints: Complaints): void {
  if (isObject(value) && (Object.hasOwn(value, 'RoleArn') || Object.hasOwn(value, 'RoleArn.$'))) {
    complaints.notSupported(pointer, 'Credentials');
  } else {
    complaints.schema(pointer, "The field 'RoleArn' is required but was missing");
  }
}

function checkMap(map: JsonObject, pointer: string, complaints: Complaints): void {
  checkExactlyOne(map, ['ItemProcessor', 'Iterator'], pointer, complaints);
  checkExclusive(map, ['ItemSelector', 'Parameters'], pointer, complaints);
  for (const field of ['MaxConcurrency', 'ToleratedFailureCount', 'ToleratedFailurePercentage']) {
    checkExclusive(map, [field, `${field}Path`], pointer, complaints);
  }
  for (const field of ['ItemProcessor', 'Iterator']) {
    const group = fieldOf(map, field);
    const config =
      typeof group === 'object' && group !== null && !Array.isArray(group)
        ? group['ProcessorConfig']
        : undefined;
    if (config !== undefined)
      checkConfig(config, appendPointer(pointer, field, 'ProcessorConfig'), complaints);
  }
}

const CONFIG: Schema = { Mode: oneOf('INLINE', 'DISTRIBUTED'), ExecutionType: oneOf('STANDARD', 'EXPRESS') };

const checkConfig: Check = (value, pointer, complaints) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    complaints.schema(pointer, 'Expected an object with Mode.');
    return;
  }
  checkFields(value, CONFIG, { pointer, owner: 'a ProcessorConfig' }, complaints);
  if (value['Mode'] === 'DISTRIBUTED') {
    complaints.notSupported(appendPointer(pointer, 'Mode'), 'distributed Map (Mode DISTRIBUTED)');
  }
};
