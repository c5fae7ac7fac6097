/** What a workflow sees of a fault with objects, and may catch. */
export abstract class WorkflowError extends Error {
  /** The name that Catch compares. */
  abstract readonly error: string;
  /** The sentence for the workflow's Cause. */
  override readonly cause: string;
  /** What went wrong below, for the log. */
  readonly from: unknown;

  constructor(cause: string, options?: { from: unknown }) {
    super(cause);
    this.cause = cause;
    this.from = options?.from;
  }
}
