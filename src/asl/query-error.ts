import { StatesError } from './errors.js';

/**
 * An expression of a JSONata state has failed. The history says so in an event of its own, with the place
 * in the state where the expression stands.
 */
export class QueryError extends StatesError {
  /** `Output/a[0]`; absent when it is about no field. */
  readonly location: string | undefined;

  constructor(cause: string, location?: string) {
    super('States.QueryEvaluationError', cause);
    this.location = location;
  }
}
