const QUEUE_NAME = /^[A-Za-z0-9_-]{1,100}$/;

/**
 * Whether a queue may be called so: letters, digits, `_` and `-`, 1 to 100 of them. BullMQ builds its keys with
 * `:`, and our own configuration lists names with `,` and `=`; so none of these.
 */
export function isQueueName(name: string): boolean {
  return QUEUE_NAME.test(name);
}

/** @throws Error when the name cannot be a queue's. Callers check what people send; this one guards BullMQ. */
export function assertQueueName(name: string): void {
  if (!isQueueName(name)) {
    throw new Error(`'${name}' cannot be a queue: expected 1 to 100 letters, digits, '_' or '-'`);
  }
}
