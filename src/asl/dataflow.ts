/**
 * The way of data through a state (https://states-language.net/spec.html#filters):
 * raw input → InputPath → Parameters → the state's work → ResultSelector → ResultPath → OutputPath.
 * Values are never changed in place, and what stays the same is shared.
 */
import type { Json, JsonObject } from '../std/json.js';
import { isObject } from '../std/json.js';
import { after, type Maybe } from '../std/maybe.js';
import type { Catcher, Leaving, State, Template } from './definition.js';
import { StatesError } from './errors.js';
import { fillJsonata, type Happened } from './jsonata/template.js';
import { assignAt, type CompiledReferencePath } from './jsonpath/index.js';
import { bounded } from './payload-size.js';
import { resolvePath } from './resolve.js';
import type { Scope } from './scope.js';
import { fillTemplate } from './template.js';

/** The raw input through InputPath. Throws States.Runtime if the path finds nothing. */
export function effectiveInput(state: State, scope: Scope): Json {
  if (state.type === 'Fail' || state.inputPath === undefined) return scope.input;
  if (state.inputPath === null) return {};
  const input = resolvePath(state.inputPath, scope, scope.input);
  // A definite path finds a part of the input, an indefinite one may find it many times over.
  return state.inputPath.definite ? input : bounded(input);
}

/** What the state works on: its Parameters or Arguments filled, or its effective input. */
export function parametersOf(state: State, scope: Scope, input: Json): Maybe<Json> {
  if ('arguments' in state && state.arguments !== undefined) return fillJsonata(state.arguments, scope, {});
  const parameters = 'parameters' in state ? state.parameters : undefined;
  return parameters === undefined ? input : fillTemplate(parameters, scope, input);
}

/** The result through ResultSelector, in which `$` is the result. */
export function resultOf(state: State, scope: Scope, result: Json): Json {
  const selector = 'resultSelector' in state ? state.resultSelector : undefined;
  return selector === undefined ? result : fillTemplate(selector, scope, result, true);
}

/**
 * The state's output: the result put into the RAW input by ResultPath, then through OutputPath.
 * States without ResultPath (Choice, Wait, Succeed) pass their effective input as `result`.
 * Throws States.ResultPathMatchFailure, or States.Runtime if OutputPath finds nothing.
 */
export function outputOf(state: State, scope: Scope, result: Json): Json {
  const combined = 'resultPath' in state ? combine(state.resultPath, scope.input, result) : result;
  if (state.type === 'Fail' || state.outputPath === undefined) return combined;
  return state.outputPath === null ? {} : resolvePath(state.outputPath, scope, combined);
}

/** What a state is left with. */
export interface Completion {
  output: Json;
  /** The variables that are set, by name; undefined when there are none. */
  assigned: JsonObject | undefined;
}

/**
 * The state's output and variables, from what its work has given: of states that do no work their effective
 * input. All of it sees the variables as they were.
 */
export function completionOf(
  state: Exclude<State, { type: 'Fail' }>,
  scope: Scope,
  result: Json,
  assign = state.assign,
): Maybe<Completion> {
  if (state.language === 'JSONPath') {
    const output = outputOf(state, scope, result);
    if (assign === undefined) return { output, assigned: undefined };
    return completed(output, assignedBy(assign, scope, result, {}));
  }
  return evaluateBoth(state, scope, result, WORKING.has(state.type) ? { result } : {});
}

/** The states whose work has a result, which `$states.result` shows. */
const WORKING: ReadonlySet<State['type']> = new Set(['Task', 'Parallel', 'Map', 'Message']);

/** What a Catcher hands to its Next state, and the variables that it sets; `$` in its Assign is the error. */
export function catchCompletion(
  catcher: Catcher,
  scope: Scope,
  error: { Error: string; Cause: string },
): Maybe<Completion> {
  const errorOutput = { Error: error.Error, Cause: error.Cause };
  if (catcher.language === 'JSONata') return evaluateBoth(catcher, scope, errorOutput, { errorOutput });
  const output = combine(catcher.resultPath, scope.input, errorOutput);
  return completed(output, assignedBy(catcher.assign, scope, errorOutput, {}));
}

/** What a template gives; `input` is what `$` means in JSONPath, `happened` what `$states` has in JSONata. */
export function fillIn(template: Template, scope: Scope, input: Json, happened: Happened): Maybe<Json> {
  return template.language === 'JSONata'
    ? fillJsonata(template.template, scope, happened)
    : fillTemplate(template.template, scope, input);
}

/** Assign, then Output, each with what was before; without Output, what the work has given. */
export function evaluateBoth(
  leaving: Leaving,
  scope: Scope,
  otherwise: Json,
  happened: Happened,
): Maybe<Completion> {
  const assigned = assignedBy(leaving.assign, scope, otherwise, happened);
  return after(assigned, (variables) => {
    const output = leaving.output === undefined ? otherwise : fillJsonata(leaving.output, scope, happened);
    return completed(output, variables);
  });
}

function completed(output: Maybe<Json>, assigned: Maybe<JsonObject | undefined>): Maybe<Completion> {
  return after(output, (value) => after(assigned, (variables) => ({ output: value, assigned: variables })));
}

function assignedBy(
  assign: Template | undefined,
  scope: Scope,
  input: Json,
  happened: Happened,
): Maybe<JsonObject | undefined> {
  if (assign === undefined) return undefined;
  return after(fillIn(assign, scope, input, happened), (variables) => {
    if (!isObject(variables)) throw new TypeError('Assign must be an object');
    return Object.keys(variables).length === 0 ? undefined : variables;
  });
}

function combine(path: CompiledReferencePath | null | undefined, input: Json, result: Json): Json {
  if (path === undefined) return result;
  if (path === null) return input;
  const combined = assignAt(path, input, result);
  if (combined !== undefined) return combined;
  throw new StatesError(
    'States.ResultPathMatchFailure',
    `Unable to apply ReferencePath ${path.text} to input ${JSON.stringify(input)}`,
  );
}
