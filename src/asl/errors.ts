/**
 * A workflow's error: data that travels through Retry and Catch, never a fault of ours. `cause` lacks
 * the engine's prefix "An error occurred while executing the state 'X' (entered at the event id #N). ",
 * which the engine adds because only it knows N.
 */
export class StatesError extends Error {
  override readonly name = 'StatesError';
  readonly error: string;
  override readonly cause: string;

  constructor(error: string, cause: string) {
    super(`${error}: ${cause}`);
    this.error = error;
    this.cause = cause;
  }
}

/** An error that no Retry or Catch handles: the definition and its data do not fit together. */
export function runtimeError(cause: string): StatesError {
  return new StatesError('States.Runtime', cause);
}
