import type { Json } from '../std/json.js';
import { getField } from '../std/json.js';
import { runtimeError } from './errors.js';
import { type CompiledPath, evaluatePath, explainMissing } from './jsonpath/index.js';
import type { Scope } from './scope.js';

/** What a path means: `$$` in the context object, `$name` in a variable, `$` in `input`. undefined: nothing is there. */
export function lookUp(path: CompiledPath, scope: Scope, input: Json): Json | undefined {
  if (path.variable === undefined) return evaluatePath(path, path.ofContext ? scope.context : input, scope);
  const value = getField(scope.variables, path.variable);
  return value === undefined ? undefined : evaluatePath(path, value, scope);
}

/** What a path looks in, as messages show it. */
export function lookedIn(path: CompiledPath, scope: Scope, input: Json): Json {
  if (path.variable !== undefined) return scope.variables;
  return path.ofContext ? scope.context : input;
}

/** As lookUp, for InputPath and OutputPath: throws States.Runtime in AWS's words when nothing is there. */
export function resolvePath(path: CompiledPath, scope: Scope, input: Json): Json {
  const value = lookUp(path, scope, input);
  if (value !== undefined) return value;
  const variable = path.variable === undefined ? undefined : getField(scope.variables, path.variable);
  if (path.variable !== undefined && variable === undefined) {
    throw runtimeError(
      `Invalid path '${path.text}' : The variable '$${path.variable}' has not been assigned.`,
    );
  }
  const root = variable ?? lookedIn(path, scope, input);
  throw runtimeError(`Invalid path '${pathInMessages(path)}' : ${explainMissing(path, root)}`);
}

/** AWS shows a path into the context object with one `$`. */
export function pathInMessages(path: CompiledPath): string {
  return path.ofContext ? path.text.slice(1) : path.text;
}
