import type { Json, JsonObject } from '../std/json.js';
import { isObject } from '../std/json.js';
import { compileChoices } from './compile-choice.js';
import { compileMap } from './compile-map.js';
import { compileMessage } from './compile-message.js';
import { common, limit, referencePath, retried, shaping, transition } from './compile-parts.js';
import {
  compileJsonataField,
  hasExpression,
  jsonataTemplate,
  payloadTemplate,
  templateIn,
} from './compile-template.js';
import type {
  FailState,
  Machine,
  QueryLanguage,
  State,
  StateGroup,
  TaskState,
  WaitState,
} from './definition.js';
import { parseExpression } from './expression.js';
import { Fields } from './fields.js';
import { givenLabels } from './labels.js';
import { parseResource } from './resource.js';

/**
 * Makes the Machine of a definition that validateDefinition has passed without an ERROR: every path,
 * template and expression is parsed here, once. For any other definition it throws an Error that is our fault,
 * not the user's.
 */
export function compileMachine(definition: JsonObject): Machine {
  const fields = new Fields(definition, 'the state machine');
  return {
    ...compileGroup(definition, {
      language: languageOf(fields, 'JSONPath'),
      labels: givenLabels(definition),
    }),
    comment: fields.text('Comment'),
    timeoutSeconds: fields.number('TimeoutSeconds'),
    source: definition,
  };
}

/** What holds for the whole machine while its groups are compiled. */
interface Whole {
  language: QueryLanguage;
  /** The labels of distributed Maps that are taken. */
  labels: Set<string>;
}

/** The machine's language holds for all of its states, also those inside a state that names another. */
function languageOf(fields: Fields, otherwise: QueryLanguage): QueryLanguage {
  const named = fields.text('QueryLanguage');
  return named === 'JSONata' || named === 'JSONPath' ? named : otherwise;
}

function compileGroup(group: Json | undefined, whole: Whole): StateGroup {
  if (!isObject(group)) throw new TypeError('a group of states must be an object');
  const fields = new Fields(group, 'a group of states');
  const states = Object.entries(fields.object('States'));
  return {
    startAt: fields.needText('StartAt'),
    states: new Map(states.map(([name, state]) => [name, compileState(name, state, whole)])),
  };
}

function compileState(name: string, state: Json, whole: Whole): State {
  if (!isObject(state)) throw new TypeError(`the state ${name} must be an object`);
  const fields = new Fields(state, `the state ${name}`);
  const language = languageOf(fields, whole.language);
  const type = fields.needText('Type');
  switch (type) {
    case 'Pass':
      return {
        type,
        ...common(name, fields, language),
        ...transition(fields),
        ...shaping(fields),
        result: fields.any('Result'),
        parameters: payloadTemplate(fields, 'Parameters'),
      };
    case 'Task':
      return {
        type,
        ...common(name, fields, language),
        ...transition(fields),
        ...shaping(fields),
        ...retried(fields, language),
        ...compileResource(fields),
        ...filled(fields, language),
        timeoutSeconds: limit(fields, language, 'TimeoutSeconds'),
        heartbeatSeconds: limit(fields, language, 'HeartbeatSeconds'),
        credentials: templateIn(language, fields, 'Credentials'),
      };
    case 'Choice':
      return {
        type,
        ...common(name, fields, language),
        choices: compileChoices(fields.list('Choices'), language),
        default: fields.text('Default'),
      };
    case 'Wait':
      return {
        type,
        ...common(name, fields, language),
        ...transition(fields),
        duration: duration(fields, language),
      };
    case 'Succeed':
      return { type, ...common(name, fields, language) };
    case 'Fail':
      return {
        type,
        name,
        language,
        error: failureText(fields, language, 'Error'),
        cause: failureText(fields, language, 'Cause'),
      };
    case 'Parallel':
      return {
        type,
        ...common(name, fields, language),
        ...transition(fields),
        ...shaping(fields),
        ...retried(fields, language),
        ...filled(fields, language),
        branches: fields.list('Branches').map((branch) => compileGroup(branch, whole)),
      };
    case 'Map':
      return compileMap(name, fields, {
        language,
        labels: whole.labels,
        processor: (group) => compileGroup(group, whole),
      });
    case 'Message':
      return compileMessage(name, fields, language);
    default:
      throw new TypeError(`the state ${name} has an unknown Type ${type}`);
  }
}

/** What goes into the work of a Task or Parallel, and what comes out of it. */
function filled(
  fields: Fields,
  language: QueryLanguage,
): Pick<TaskState, 'parameters' | 'arguments' | 'resultSelector'> {
  return {
    parameters: payloadTemplate(fields, 'Parameters'),
    arguments: language === 'JSONata' ? jsonataTemplate(fields, 'Arguments') : undefined,
    resultSelector: payloadTemplate(fields, 'ResultSelector'),
  };
}

function compileResource(fields: Fields): Pick<TaskState, 'resource' | 'integration'> {
  const resource = fields.needText('Resource');
  const parsed = parseResource(resource);
  if (parsed.kind !== 'integration') throw new TypeError(`the resource ${resource} cannot be run`);
  return { resource, integration: parsed.integration };
}

function duration(fields: Fields, language: QueryLanguage): WaitState['duration'] {
  if (hasExpression(fields, language, 'Seconds'))
    return { kind: 'secondsExpression', template: compileJsonataField(fields, 'Seconds') };
  if (hasExpression(fields, language, 'Timestamp'))
    return { kind: 'timestampExpression', template: compileJsonataField(fields, 'Timestamp') };
  const seconds = fields.number('Seconds');
  if (seconds !== undefined) return { kind: 'seconds', seconds };
  const secondsPath = referencePath(fields, 'SecondsPath');
  if (secondsPath !== undefined) return { kind: 'secondsPath', path: secondsPath };
  const timestampPath = referencePath(fields, 'TimestampPath');
  if (timestampPath !== undefined) return { kind: 'timestampPath', path: timestampPath };
  return { kind: 'timestamp', timestamp: fields.needText('Timestamp') };
}

function failureText(fields: Fields, language: QueryLanguage, name: 'Error' | 'Cause'): FailState['error'] {
  if (hasExpression(fields, language, name)) return compileJsonataField(fields, name);
  const path = fields.text(`${name}Path`);
  return path === undefined ? fields.text(name) : parseExpression(path);
}
