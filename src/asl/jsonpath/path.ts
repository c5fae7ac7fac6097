import type { Filter } from './filter.js';
import type { PathFunction } from './functions.js';

/** A path, parsed once. */
export interface CompiledPath {
  /** As it was written. */
  readonly text: string;
  /** True: it begins with `$$`, so it reads the context object. */
  readonly ofContext: boolean;
  /** `$name`: it reads the variable of that name. */
  readonly variable?: string;
  readonly steps: readonly Step[];
  /** True: it means one value, or none. False: it means a list, perhaps empty. */
  readonly definite: boolean;
}

/** A path to exactly one place: fields and indexes only (https://states-language.net/spec.html#ref-paths). */
export interface CompiledReferencePath extends CompiledPath {
  readonly places: readonly (string | number)[];
}

export type Step =
  | { kind: 'field'; name: string }
  | { kind: 'fields'; names: readonly string[] }
  | { kind: 'index'; index: number }
  | { kind: 'indexes'; indexes: readonly number[] }
  | { kind: 'slice'; from: number | undefined; to: number | undefined; by: number }
  | { kind: 'wildcard' }
  | { kind: 'filter'; filter: Filter }
  /** `..`: this node and all below it; the next step picks from each. */
  | { kind: 'descent' }
  | { kind: 'function'; call: PathFunction };

/** What is wrong with a path's text. */
export class PathSyntaxError extends Error {
  override readonly name = 'PathSyntaxError';
}
