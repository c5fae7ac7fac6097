import type { Json, JsonObject } from '../std/json.js';
import { isObject } from '../std/json.js';
import { compileChoices } from './compile-choice.js';
import type { Catcher, Machine, MapState, Retrier, State, StateGroup, WaitState } from './definition.js';
import { parseExpression } from './expression.js';
import { Fields } from './fields.js';
import { type CompiledReferencePath, parsePath, parseReferencePath } from './jsonpath/index.js';
import { parseResource } from './resource.js';
import { type CompiledTemplate, compileTemplate } from './template.js';

/**
 * Makes the Machine of a definition that validateDefinition has passed without an ERROR: every path and
 * template is parsed here, once. For any other definition it throws an Error that is our fault, not the user's.
 */
export function compileMachine(definition: JsonObject): Machine {
  const fields = new Fields(definition, 'the state machine');
  return {
    ...compileGroup(definition),
    comment: fields.text('Comment'),
    timeoutSeconds: fields.number('TimeoutSeconds'),
    source: definition,
  };
}

function compileGroup(group: Json | undefined): StateGroup {
  if (!isObject(group)) throw new TypeError('a group of states must be an object');
  const fields = new Fields(group, 'a group of states');
  const states = Object.entries(fields.object('States'));
  return {
    startAt: fields.needText('StartAt'),
    states: new Map(states.map(([name, state]) => [name, compileState(name, state)])),
  };
}

function compileState(name: string, state: Json): State {
  if (!isObject(state)) throw new TypeError(`the state ${name} must be an object`);
  const fields = new Fields(state, `the state ${name}`);
  const type = fields.needText('Type');
  switch (type) {
    case 'Pass':
      return {
        type,
        ...common(name, fields),
        ...transition(fields),
        ...shaping(fields),
        result: fields.any('Result'),
        parameters: template(fields, 'Parameters'),
      };
    case 'Task':
      return {
        type,
        ...common(name, fields),
        ...transition(fields),
        ...shaping(fields),
        ...retried(fields),
        ...compileResource(fields),
        parameters: template(fields, 'Parameters'),
        resultSelector: template(fields, 'ResultSelector'),
        timeoutSeconds: limit(fields, 'TimeoutSeconds'),
        heartbeatSeconds: limit(fields, 'HeartbeatSeconds'),
      };
    case 'Choice':
      return {
        type,
        ...common(name, fields),
        choices: compileChoices(fields.list('Choices')),
        default: fields.text('Default'),
      };
    case 'Wait':
      return { type, ...common(name, fields), ...transition(fields), duration: duration(fields) };
    case 'Succeed':
      return { type, ...common(name, fields) };
    case 'Fail':
      return { type, name, error: failureText(fields, 'Error'), cause: failureText(fields, 'Cause') };
    case 'Parallel':
      return {
        type,
        ...common(name, fields),
        ...transition(fields),
        ...shaping(fields),
        ...retried(fields),
        branches: fields.list('Branches').map(compileGroup),
        parameters: template(fields, 'Parameters'),
        resultSelector: template(fields, 'ResultSelector'),
      };
    case 'Map':
      return compileMap(name, fields);
    default:
      throw new TypeError(`the state ${name} has an unknown Type ${type}`);
  }
}

function compileMap(name: string, fields: Fields): MapState {
  return {
    type: 'Map',
    ...common(name, fields),
    ...transition(fields),
    ...shaping(fields),
    ...retried(fields),
    itemProcessor: compileGroup(fields.any('ItemProcessor') ?? fields.any('Iterator')),
    itemsPath: referencePath(fields, 'ItemsPath'),
    itemSelector: template(fields, 'ItemSelector') ?? template(fields, 'Parameters'),
    resultSelector: template(fields, 'ResultSelector'),
    maxConcurrency: limit(fields, 'MaxConcurrency') ?? 0,
    toleratedFailureCount: limit(fields, 'ToleratedFailureCount'),
    toleratedFailurePercentage: limit(fields, 'ToleratedFailurePercentage'),
  };
}

function common(name: string, fields: Fields): Pick<MapState, 'name' | 'inputPath' | 'outputPath'> {
  const inputPath = fields.textOrNull('InputPath');
  const outputPath = fields.textOrNull('OutputPath');
  return {
    name,
    inputPath: typeof inputPath === 'string' ? parsePath(inputPath) : inputPath,
    outputPath: typeof outputPath === 'string' ? parsePath(outputPath) : outputPath,
  };
}

function transition(fields: Fields): { next: string | undefined } {
  return { next: fields.text('Next') };
}

function shaping(fields: Fields): { resultPath: CompiledReferencePath | null | undefined } {
  const resultPath = fields.textOrNull('ResultPath');
  return { resultPath: typeof resultPath === 'string' ? parseReferencePath(resultPath) : resultPath };
}

function retried(fields: Fields): { retry: Retrier[]; catch: Catcher[] } {
  return {
    retry: fields.objects('Retry').map(compileRetrier),
    catch: fields.objects('Catch').map(compileCatcher),
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

function compileCatcher(fields: Fields): Catcher {
  return { errorEquals: fields.texts('ErrorEquals'), next: fields.needText('Next'), ...shaping(fields) };
}

function compileResource(fields: Fields): Pick<State & { type: 'Task' }, 'resource' | 'integration'> {
  const resource = fields.needText('Resource');
  const parsed = parseResource(resource);
  if (parsed.kind !== 'integration') throw new TypeError(`the resource ${resource} cannot be run`);
  return { resource, integration: parsed.integration };
}

function duration(fields: Fields): WaitState['duration'] {
  const seconds = fields.number('Seconds');
  if (seconds !== undefined) return { kind: 'seconds', seconds };
  const secondsPath = referencePath(fields, 'SecondsPath');
  if (secondsPath !== undefined) return { kind: 'secondsPath', path: secondsPath };
  const timestampPath = referencePath(fields, 'TimestampPath');
  if (timestampPath !== undefined) return { kind: 'timestampPath', path: timestampPath };
  return { kind: 'timestamp', timestamp: fields.needText('Timestamp') };
}

function failureText(fields: Fields, name: 'Error' | 'Cause'): (State & { type: 'Fail' })['error'] {
  const path = fields.text(`${name}Path`);
  return path === undefined ? fields.text(name) : parseExpression(path);
}

function template(fields: Fields, name: string): CompiledTemplate | undefined {
  const value = fields.any(name);
  return value === undefined ? undefined : compileTemplate(value);
}

function limit(fields: Fields, name: string): number | CompiledReferencePath | undefined {
  return fields.number(name) ?? referencePath(fields, `${name}Path`);
}

function referencePath(fields: Fields, name: string): CompiledReferencePath | undefined {
  const text = fields.text(name);
  return text === undefined ? undefined : parseReferencePath(text);
}
