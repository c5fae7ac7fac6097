/**
 * What an operation may refuse, in one table. The API prints it into OpenAPI, and `docs/errors.md` lists
 * it; a code that is not here cannot be thrown.
 */

/** Every code, the HTTP status that it travels with, and what it means to who called. */
export const ERRORS = {
  VALIDATION_FAILED: { statusCode: 400, meaning: 'The request does not fit its schema.' },
  INVALID_DEFINITION: {
    statusCode: 400,
    meaning: 'The definition is not a state machine that can run; details lists every complaint.',
  },
  INVALID_TRANSFORMER: {
    statusCode: 400,
    meaning: 'The transformer is not a JSONata expression; details says where.',
  },
  INVALID_CURSOR: { statusCode: 400, meaning: 'The cursor was not made by this list.' },
  INVALID_NAME: {
    statusCode: 400,
    meaning: 'The name or id has characters or a length that names may not have.',
  },
  INVALID_INPUT: {
    statusCode: 400,
    meaning: 'The value is not JSON, or holds text that cannot be stored (\\u0000, half a surrogate pair).',
  },
  INVALID_SCHEDULE: {
    statusCode: 400,
    meaning: 'The cron expression, the time zone, the interval or the bounds of the schedule make no sense.',
  },
  UNAUTHORIZED: { statusCode: 401, meaning: 'No API key came with the request, or not a valid one.' },
  ROUTE_NOT_FOUND: { statusCode: 404, meaning: 'There is no such route.' },
  STATE_MACHINE_NOT_FOUND: {
    statusCode: 404,
    meaning: 'There is no state machine of this id, or it was deleted.',
  },
  EXECUTION_NOT_FOUND: { statusCode: 404, meaning: 'There is no execution of this id.' },
  BATCH_NOT_FOUND: { statusCode: 404, meaning: 'There is no batch of this id.' },
  MAP_RUN_NOT_FOUND: { statusCode: 404, meaning: 'There is no map run of this id.' },
  QUEUE_NOT_FOUND: { statusCode: 404, meaning: 'There is no queue of this name.' },
  DEAD_LETTER_NOT_FOUND: { statusCode: 404, meaning: 'The queue has no dead letter of this id.' },
  TASK_NOT_FOUND: { statusCode: 404, meaning: 'There is no task with this token.' },
  ACTIVITY_NOT_FOUND: { statusCode: 404, meaning: 'There is no activity of this name.' },
  REDRIVE_NOT_FOUND: { statusCode: 404, meaning: 'There is no redrive by filter of this id.' },
  TRANSFORMER_NOT_FOUND: { statusCode: 404, meaning: 'There is no transformer of this name.' },
  SCHEDULE_NOT_FOUND: { statusCode: 404, meaning: 'There is no schedule of this id.' },
  CONNECTION_NOT_FOUND: { statusCode: 404, meaning: 'There is no connection of this name.' },
  TASK_ENDPOINT_NOT_FOUND: { statusCode: 404, meaning: 'There is no task endpoint of this name.' },
  STATE_NOT_FOUND: {
    statusCode: 404,
    meaning:
      'The source execution has not been through a state of this name, or no version of its machine has one.',
  },
  METHOD_NOT_ALLOWED: { statusCode: 405, meaning: 'The route exists, but not with this method.' },
  STATE_MACHINE_EXISTS: { statusCode: 409, meaning: 'A state machine of this id exists already.' },
  STATE_MACHINE_IN_USE: {
    statusCode: 409,
    meaning:
      'Executions of the state machine are running, or schedules would start more; force stops and pauses them.',
  },
  EXECUTION_EXISTS: {
    statusCode: 409,
    meaning: 'An execution of this name exists in the state machine, with another input.',
  },
  EXECUTION_NOT_REDRIVABLE: {
    statusCode: 409,
    meaning:
      'The execution cannot be redriven: it runs, succeeded, is an Express one or a child of a map run, ended more than 14 days ago, its state machine was deleted, or its end kept nothing to be taken up.',
  },
  SCHEDULE_EXISTS: { statusCode: 409, meaning: 'A schedule of this id exists already.' },
  EXECUTION_ENDED: { statusCode: 409, meaning: 'The execution has ended already.' },
  TASK_ENDED: {
    statusCode: 409,
    meaning:
      'The task was answered already, or nobody waits for it any more: its time was up, or its execution has ended.',
  },
  BATCH_ENDED: { statusCode: 409, meaning: 'The batch has ended already.' },
  REDRIVE_ENDED: { statusCode: 409, meaning: 'The redrive by filter has ended already.' },
  SOURCE_HAS_NO_OUTPUT: {
    statusCode: 409,
    meaning: 'The source execution, or the state asked for, has no output (yet).',
  },
  TRANSFORMER_EXISTS: {
    statusCode: 409,
    meaning: 'A transformer of this name exists already, with another expression or description.',
  },
  TRANSFORMER_FAILED: {
    statusCode: 409,
    meaning: "The transformer gave no input for the source's output; the message says why.",
  },
  CONNECTION_EXISTS: { statusCode: 409, meaning: 'A connection of this name exists already.' },
  TASK_ENDPOINT_EXISTS: { statusCode: 409, meaning: 'A task endpoint of this name exists already.' },
  SECRETS_KEY_MISSING: {
    statusCode: 409,
    meaning: 'This server keeps no secrets, because SECRETS_KEY is not set.',
  },
  PAYLOAD_TOO_LARGE: { statusCode: 413, meaning: 'The body or a payload in it is larger than the limit.' },
  BATCH_TOO_LARGE: { statusCode: 413, meaning: 'The batch has more sources than a batch may have.' },
  UNSUPPORTED_MEDIA_TYPE: { statusCode: 415, meaning: 'The body is not of a type that this route reads.' },
  INTERNAL: { statusCode: 500, meaning: 'A fault of ours; the log has it under the request id.' },
  DATABASE_UNAVAILABLE: { statusCode: 503, meaning: 'PostgreSQL cannot be reached now; try again.' },
  QUEUE_UNAVAILABLE: { statusCode: 503, meaning: 'The queue cannot be reached now; try again.' },
  TOO_MANY_WAITS: {
    statusCode: 503,
    meaning: 'As many requests are held as the server holds at once; ask without a wait, or try again.',
  },
  OVERLOADED: { statusCode: 503, meaning: 'More work is waiting than is taken on at once; try again.' },
} as const satisfies Record<string, { statusCode: number; meaning: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** One complaint: where (JSON Pointer, '' is the whole), its own code, and a sentence. */
export interface ErrorDetail {
  pointer: string;
  code: string;
  message: string;
}

/** A refusal of an operation: the caller's to act upon, never a fault of ours (but for INTERNAL). */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code: ErrorCode;
  readonly statusCode: number;
  readonly details: readonly ErrorDetail[];
  /** When trying again makes sense, in seconds. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    more: { details?: readonly ErrorDetail[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.statusCode = ERRORS[code].statusCode;
    this.details = more.details ?? [];
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}

/**
 * A refusal with one detail, which says the same as its message and where. What is VALIDATION_FAILED here fits its type, or
 * the schema would have refused it: the detail's code is VALUE, one of those that docs/errors.md names.
 */
export function refusal(code: ErrorCode, pointer: string, message: string): OperationError {
  const detail = code === 'VALIDATION_FAILED' ? 'VALUE' : code;
  return new OperationError(code, message, { details: [{ pointer, code: detail, message }] });
}
