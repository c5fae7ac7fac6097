import type { Json } from '../std/json.js';
import { runtimeError } from './errors.js';
import { type CompiledPath, evaluatePath, explainMissing } from './jsonpath/index.js';
import type { Scope } from './scope.js';

/** What a path means: `$$` in the context object, `$` in `input`. undefined: nothing is there. */
export function lookUp(path: CompiledPath, scope: Scope, input: Json): Json | undefined {
  return evaluatePath(path, path.ofContext ? scope.context : input);
}

/** As lookUp, for InputPath and OutputPath: throws States.Runtime in AWS's words when nothing is there. */
export function resolvePath(path: CompiledPath, scope: Scope, input: Json): Json {
  const value = lookUp(path, scope, input);
  if (value !== undefined) return value;
  throw runtimeError(
    `Invalid path '${pathInMessages(path)}' : ${explainMissing(path, path.ofContext ? scope.context : input)}`,
  );
}

/** AWS shows a path into the context object with one `$`. */
export function pathInMessages(path: CompiledPath): string {
  return path.ofContext ? path.text.slice(1) : path.text;
}
