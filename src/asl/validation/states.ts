import type { Json, JsonObject } from '../../std/json.js';
import type { QueryLanguage, StateType } from '../definition.js';
import { MAX_SECONDS } from '../wait.js';
import { anything, boolean, integer, name, numberBetween, text, timestamp } from './checks.js';
import { choices } from './choice.js';
import type { Complaints } from './complaints.js';
import { credentials } from './credentials.js';
import { distributedFields } from './distributed-map.js';
import { expressionOr, jsonataText, jsonataValue } from './jsonata.js';
import { onlyIn } from './language.js';
import { checkMap } from './map.js';
import { checkMessage, correlationKey } from './message.js';
import { checkExactlyOne, checkExclusive, checkFields, checkRequired, type Schema } from './object.js';
import { numberPath, path, pathOrNull, referencePath, resultPath, textExpression } from './paths.js';
import { catchers, retry } from './policies.js';
import { checkTask } from './task.js';
import { payloadTemplate } from './template.js';
import { assign } from './variables.js';

/** What a state is, as far as its fields depend on it. */
interface StateView {
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
      checkMap(state, pointer, complaints, language);
      break;
    case 'Message':
      checkMessage(state, pointer, complaints, { language, machineType });
      break;
    case 'Pass':
    case 'Succeed':
      break;
  }
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
    Credentials: credentials('JSONPath'),
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
    MaxConcurrencyPath: numberPath,
    ToleratedFailureCount: COUNT,
    ToleratedFailureCountPath: numberPath,
    ToleratedFailurePercentage: numberBetween(0, 100),
    ToleratedFailurePercentagePath: numberPath,
    ...distributedFields('JSONPath'),
  },
  Message: {
    ...COMMON,
    ...PATHS,
    ...MOVES,
    ResultPath: resultPath,
    ResultSelector: payloadTemplate,
    Catch: catchers('JSONPath'),
    CorrelationKey: correlationKey,
    CorrelationValuePath: referencePath,
    MessagePath: path,
    TimeoutSeconds: SECONDS,
    TimeoutSecondsPath: referencePath,
    TimeoutPath: name,
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
    Credentials: credentials('JSONata'),
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
    Items: jsonataValue,
    ItemSelector: jsonataValue,
    MaxConcurrency: expressionOr(COUNT),
    ToleratedFailureCount: expressionOr(COUNT),
    ToleratedFailurePercentage: expressionOr(numberBetween(0, 100)),
    ...distributedFields('JSONata'),
  },
  Message: {
    ...COMMON,
    ...GOING_ON,
    Catch: catchers('JSONata'),
    CorrelationKey: expressionOr(correlationKey),
    CorrelationValue: jsonataValue,
    TimeoutSeconds: expressionOr(SECONDS),
    TimeoutPath: name,
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
    Message: extended('Message'),
  };
}

function endsHere(value: Json, pointer: string, complaints: Complaints): void {
  boolean(value, pointer, complaints);
  if (value === false)
    complaints.schema(pointer, 'Expected true, found false: leave End out and name a Next.');
}
