/**
 * The way of data through a state (https://states-language.net/spec.html#filters):
 * raw input → InputPath → Parameters → the state's work → ResultSelector → ResultPath → OutputPath.
 * Values are never changed in place, and what stays the same is shared.
 */
import type { Json } from '../std/json.js';
import type { Catcher, State } from './definition.js';
import { StatesError } from './errors.js';
import { assignAt, type CompiledReferencePath } from './jsonpath/index.js';
import { resolvePath } from './resolve.js';
import type { Scope } from './scope.js';
import { fillTemplate } from './template.js';

/** The raw input through InputPath. Throws States.Runtime if the path finds nothing. */
export function effectiveInput(state: State, scope: Scope): Json {
  if (state.type === 'Fail' || state.inputPath === undefined) return scope.input;
  return state.inputPath === null ? {} : resolvePath(state.inputPath, scope, scope.input);
}

/** What the state works on: its Parameters filled from the effective input, or that input itself. */
export function parametersOf(state: State, scope: Scope, input: Json): Json {
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

/** What a Catcher hands to its Next state: the error put into the raw input by the Catcher's ResultPath. */
export function catchOutput(catcher: Catcher, scope: Scope, error: { Error: string; Cause: string }): Json {
  return combine(catcher.resultPath, scope.input, { Error: error.Error, Cause: error.Cause });
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
