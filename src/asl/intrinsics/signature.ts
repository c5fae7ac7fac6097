import type { Json } from '../../std/json.js';
import type { Entropy } from '../scope.js';

/** What an argument must be. */
type ArgumentKind = 'any' | 'string' | 'number' | 'boolean' | 'array' | 'object';

/** One intrinsic function, as the tables of each family list them. */
export interface Intrinsic {
  /** One kind per argument. */
  readonly takes: readonly ArgumentKind[];
  /** How many of the last may be left out. */
  readonly optional?: number;
  /** It looks at all of its arguments, not only at what they begin with. */
  readonly deep?: true;
  /** The last kind may be repeated, or left out. */
  readonly variadic?: true;
  /**
   * Gets arguments whose number and kinds have been checked against `takes`.
   * Throws IntrinsicFault when they make no sense all the same.
   */
  run(args: readonly Json[], entropy: Entropy): Json;
}

/** What is wrong with the arguments of a call; the caller turns it into States.IntrinsicFailure. */
export class IntrinsicFault extends Error {
  override readonly name = 'IntrinsicFault';
}

export function isOfKind(kind: ArgumentKind, value: Json): boolean {
  switch (kind) {
    case 'any':
      return true;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === kind;
  }
}

/** Numbers that must be whole are rounded half up first, as AWS does: 1.5 is 2, -1.5 is -1. */
export function roundHalfUp(value: number): number {
  return Math.floor(value + 0.5) + 0;
}
