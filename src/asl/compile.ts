import type { Json, JsonObject } from '../std/json.js';
import { isObject } from '../std/json.js';
import { compileChoices } from './compile-choice.js';
import {
  compileJsonataField,
  compileLeaving,
  hasExpression,
  jsonataTemplate,
  payloadTemplate,
  templateIn,
} from './compile-template.js';
import type {
  Catcher,
  FailState,
  Limit,
  Machine,
  MapState,
  QueryLanguage,
  Retrier,
  State,
  StateGroup,
  TaskState,
  WaitState,
} from './definition.js';
import { parseExpression } from './expression.js';
import { Fields } from './fields.js';
import { type CompiledReferencePath, parsePath, parseReferencePath } from './jsonpath/index.js';
import { parseResource } from './resource.js';

/**
 * Makes the Machine of a definition that validateDefinition has passed without an ERROR: every path,
 * template and expression is parsed here, once. For any other definition it throws an Error that is our fault,
 * not the user's.
 */
export function compileMachine(definition: JsonObject): Machine {
  const fields = new Fields(definition, 'the state machine');
  return {
    ...compileGroup(definition, languageOf(fields, 'JSONPath')),
    comment: fields.text('Comment'),
    timeoutSeconds: fields.number('TimeoutSeconds'),
    source: definition,
  };
}

/** The machine's language holds for all of its states, also those inside a state that names another. */
function languageOf(fields: Fields, otherwise: QueryLanguage): QueryLanguage {
  const named = fields.text('QueryLanguage');
  return named === 'JSONata' || named === 'JSONPath' ? named : otherwise;
}

function compileGroup(group: Json | undefined, language: QueryLanguage): StateGroup {
  if (!isObject(group)) throw new TypeError('a group of states must be an object');
  const fields = new Fields(group, 'a group of states');
  const states = Object.entries(fields.object('States'));
  return {
    startAt: fields.needText('StartAt'),
    states: new Map(states.map(([name, state]) => [name, compileState(name, state, language)])),
  };
}

function compileState(name: string, state: Json, machineLanguage: QueryLanguage): State {
  if (!isObject(state)) throw new TypeError(`the state ${name} must be an object`);
  const fields = new Fields(state, `the state ${name}`);
  const language = languageOf(fields, machineLanguage);
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
        branches: fields.list('Branches').map((branch) => compileGroup(branch, machineLanguage)),
      };
    case 'Map':
      return compileMap(name, fields, language, machineLanguage);
    default:
      throw new TypeError(`the state ${name} has an unknown Type ${type}`);
  }
}

function compileMap(
  name: string,
  fields: Fields,
  language: QueryLanguage,
  machineLanguage: QueryLanguage,
): MapState {
  return {
    type: 'Map',
    ...common(name, fields, language),
    ...transition(fields),
    ...shaping(fields),
    ...retried(fields, language),
    itemProcessor: compileGroup(fields.any('ItemProcessor') ?? fields.any('Iterator'), machineLanguage),
    itemsPath: referencePath(fields, 'ItemsPath'),
    items: language === 'JSONata' ? jsonataTemplate(fields, 'Items') : undefined,
    itemSelector:
      templateIn(language, fields, 'ItemSelector') ??
      (language === 'JSONPath' ? templateIn(language, fields, 'Parameters') : undefined),
    resultSelector: payloadTemplate(fields, 'ResultSelector'),
    maxConcurrency: limit(fields, language, 'MaxConcurrency') ?? 0,
    toleratedFailureCount: limit(fields, language, 'ToleratedFailureCount'),
    toleratedFailurePercentage: limit(fields, language, 'ToleratedFailurePercentage'),
  };
}

type Common = Pick<MapState, 'name' | 'language' | 'inputPath' | 'outputPath' | 'output' | 'assign'>;

function common(name: string, fields: Fields, language: QueryLanguage): Common {
  const inputPath = fields.textOrNull('InputPath');
  const outputPath = fields.textOrNull('OutputPath');
  return {
    name,
    language,
    inputPath: typeof inputPath === 'string' ? parsePath(inputPath) : inputPath,
    outputPath: typeof outputPath === 'string' ? parsePath(outputPath) : outputPath,
    ...compileLeaving(fields, language),
  };
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

function transition(fields: Fields): { next: string | undefined } {
  return { next: fields.text('Next') };
}

function shaping(fields: Fields): { resultPath: CompiledReferencePath | null | undefined } {
  const resultPath = fields.textOrNull('ResultPath');
  return { resultPath: typeof resultPath === 'string' ? parseReferencePath(resultPath) : resultPath };
}

function retried(fields: Fields, language: QueryLanguage): { retry: Retrier[]; catch: Catcher[] } {
  return {
    retry: fields.objects('Retry').map(compileRetrier),
    catch: fields.objects('Catch').map((catcher, index) => compileCatcher(catcher, language, index)),
  };
}

/** The defaults are the spec's: one second, three retries, doubling. */
function compileRetrier(fields: Fields): Retrier {
  return {
    errorEquals: fields.texts('ErrorEquals'),
    intervalSeconds: fields.number('IntervalSeconds') ?? 1,
    maxAttempts: fields.number('MaxAttempts') ?? 3,
    backoffRate: fields.number('BackoffRate') ?? 2,
    maxDelaySeconds: fields.number('MaxDelaySeconds'),
    jitterStrategy: fields.text('JitterStrategy') === 'FULL' ? 'FULL' : 'NONE',
  };
}

function compileCatcher(fields: Fields, language: QueryLanguage, index: number): Catcher {
  return {
    errorEquals: fields.texts('ErrorEquals'),
    language,
    next: fields.needText('Next'),
    ...shaping(fields),
    ...compileLeaving(fields, language, `Catch[${String(index)}]/`),
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

function limit(fields: Fields, language: QueryLanguage, name: string): Limit | undefined {
  if (hasExpression(fields, language, name)) return compileJsonataField(fields, name);
  return fields.number(name) ?? referencePath(fields, `${name}Path`);
}

function referencePath(fields: Fields, name: string): CompiledReferencePath | undefined {
  const text = fields.text(name);
  return text === undefined ? undefined : parseReferencePath(text);
}
