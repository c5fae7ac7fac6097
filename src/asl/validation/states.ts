import type { Json, JsonObject } from '../../std/json.js';
import { isObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { QueryLanguage, StateType } from '../definition.js';
import { MAX_SECONDS } from '../wait.js';
import { anything, boolean, type Check, integer, numberBetween, oneOf, text, timestamp } from './checks.js';
import { choices } from './choice.js';
import type { Complaints } from './complaints.js';
import { expressionOr, items, jsonataText, jsonataValue } from './jsonata.js';
import { onlyIn } from './language.js';
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
import { assign } from './variables.js';

/** What a state is, as far as its fields depend on it. */
export interface StateView {
  type: StateType;
  language: QueryLanguage;
  machineType: 'STANDARD' | 'EXPRESS';
}

/** The fields of one state, except the groups of states inside it, which `groups` checks. */
export function checkState(
  state: JsonObject,
  { type, language, machineType }: StateView,
  pointer: string,
  complaints: Complaints,
): void {
  checkFields(state, SCHEMAS[language][type], pointer, complaints);
  switch (type) {
    case 'Task':
      checkTask(state, pointer, complaints, machineType, language);
      break;
    case 'Choice':
      checkRequired(state, ['Choices'], pointer, complaints);
      break;
    case 'Wait':
      checkExactlyOne(
        state,
        language === 'JSONata'
          ? ['Seconds', 'Timestamp']
          : ['Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'],
        pointer,
        complaints,
      );
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
const TRANSITION: Schema = { Next: text, End: endsHere };
const SECONDS = integer(1, MAX_SECONDS);
const COUNT = integer(0, MAX_SECONDS);

const ASSIGN: Schema = { Assign: assign('JSONPath', payloadTemplate) };
const MOVES: Schema = { ...TRANSITION, ...ASSIGN };
const SHAPING: Schema = {
  ResultPath: resultPath,
  ResultSelector: payloadTemplate,
  Parameters: payloadTemplate,
};
const POLICIES: Schema = { Retry: retry, Catch: catchers('JSONPath') };

const JSONPATH: Readonly<Record<StateType, Schema>> = {
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
  Choice: { ...COMMON, ...PATHS, ...ASSIGN, Choices: choices('JSONPath'), Default: text },
  Wait: {
    ...COMMON,
    ...PATHS,
    ...MOVES,
    Seconds: COUNT,
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
    MaxConcurrency: COUNT,
    MaxConcurrencyPath: referencePath,
    ToleratedFailureCount: COUNT,
    ToleratedFailureCountPath: referencePath,
    ToleratedFailurePercentage: numberBetween(0, 100),
    ToleratedFailurePercentagePath: referencePath,
    ItemReader: notYet('ItemReader of a distributed Map'),
    ItemBatcher: notYet('ItemBatcher of a distributed Map'),
    ResultWriter: notYet('ResultWriter of a distributed Map'),
    Label: notYet('Label of a distributed Map'),
  },
};

const OUTPUT: Schema = { Output: jsonataValue };
const LEAVING: Schema = { ...OUTPUT, Assign: assign('JSONata', jsonataValue) };
const GOING_ON: Schema = { ...TRANSITION, ...LEAVING };
const JSONATA_POLICIES: Schema = { Retry: retry, Catch: catchers('JSONata') };

const JSONATA: Readonly<Record<StateType, Schema>> = {
  Pass: { ...COMMON, ...GOING_ON },
  Task: {
    ...COMMON,
    ...GOING_ON,
    ...JSONATA_POLICIES,
    Resource: text,
    Arguments: jsonataValue,
    TimeoutSeconds: expressionOr(SECONDS),
    HeartbeatSeconds: expressionOr(SECONDS),
    Credentials: credentials,
  },
  Choice: { ...COMMON, ...LEAVING, Choices: choices('JSONata'), Default: text },
  Wait: { ...COMMON, ...GOING_ON, Seconds: expressionOr(COUNT), Timestamp: expressionOr(timestamp) },
  Succeed: { ...COMMON, ...OUTPUT },
  Fail: { ...COMMON, Error: jsonataText, Cause: jsonataText },
  Parallel: { ...COMMON, ...GOING_ON, ...JSONATA_POLICIES, Arguments: jsonataValue, Branches: anything },
  Map: {
    ...COMMON,
    ...GOING_ON,
    ...JSONATA_POLICIES,
    ItemProcessor: anything,
    Iterator: anything,
    Items: items,
    ItemSelector: jsonataValue,
    MaxConcurrency: expressionOr(COUNT),
    ToleratedFailureCount: expressionOr(COUNT),
    ToleratedFailurePercentage: expressionOr(numberBetween(0, 100)),
    ItemReader: notYet('ItemReader of a distributed Map'),
    ItemBatcher: notYet('ItemBatcher of a distributed Map'),
    ResultWriter: notYet('ResultWriter of a distributed Map'),
    Label: notYet('Label of a distributed Map'),
  },
};

const SCHEMAS: Readonly<Record<QueryLanguage, Readonly<Record<StateType, Schema>>>> = {
  JSONPath: withOther(JSONPATH, JSONATA, 'JSONata'),
  JSONata: withOther(JSONATA, JSONPATH, 'JSONPath'),
};

/** Of every state type also the fields that only the other language has, to be refused as such. */
function withOther(
  own: Readonly<Record<StateType, Schema>>,
  others: Readonly<Record<StateType, Schema>>,
  other: QueryLanguage,
): Readonly<Record<StateType, Schema>> {
  const refuse = onlyIn(other);
  const extended = (type: StateType): Schema => {
    const foreign = Object.keys(others[type]).filter((name) => !Object.hasOwn(own[type], name));
    return { ...Object.fromEntries(foreign.map((name) => [name, refuse])), ...own[type] };
  };
  return {
    Pass: extended('Pass'),
    Task: extended('Task'),
    Choice: extended('Choice'),
    Wait: extended('Wait'),
    Succeed: extended('Succeed'),
    Fail: extended('Fail'),
    Parallel: extended('Parallel'),
    Map: extended('Map'),
  };
}

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
  checkFields(value, CONFIG, pointer, complaints);
  if (value['Mode'] === 'DISTRIBUTED') {
    complaints.notSupported(appendPointer(pointer, 'Mode'), 'distributed Map (Mode DISTRIBUTED)');
  }
};
