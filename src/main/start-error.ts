/** The process cannot start, or do what it was asked for, and whoever started it can mend that. Its message is all there is to say. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
