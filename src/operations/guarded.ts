import { InvalidCursor, isUnavailable } from '../store/index.js';
import { OperationError, refusal } from './errors.js';

/**
 * The operation, with what the store throws turned into refusals: a bad cursor, a database that is down, a
 * statement that took too long. What is left is a fault of ours and goes on as it is.
 */
export function guarded<A extends unknown[], R>(
  operation: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  return async (...args) => {
    try {
      return await operation(...args);
    } catch (error) {
      throw asRefusal(error);
    }
  };
}

function asRefusal(error: unknown): unknown {
  if (error instanceof OperationError) return error;
  if (error instanceof InvalidCursor) return refusal('INVALID_CURSOR', '/cursor', error.message);
  if (isUnavailable(error)) {
    return new OperationError('DATABASE_UNAVAILABLE', 'PostgreSQL cannot be reached now; try again.', {
      retryAfterSeconds: DATABASE_RETRY_SECONDS,
      cause: error,
    });
  }
  if (isPassing(error)) {
    return new OperationError('OVERLOADED', 'The database is too busy to answer; try again.', {
      retryAfterSeconds: 1,
      cause: error,
    });
  }
  return error;
}

/** A restart of PostgreSQL takes about so long. */
const DATABASE_RETRY_SECONDS = 2;

/**
 * Statement or lock timeout, deadlock, serialization (SQLSTATE), or Prisma's words for them: a transaction that
 * got no turn in time (P2028) or lost to another (P2034).
 */
function isPassing(error: unknown): boolean {
  for (
    let link: unknown = error, depth = 0;
    depth < 5 && typeof link === 'object' && link !== null;
    depth++
  ) {
    const code: unknown = Reflect.get(link, 'code');
    if (typeof code === 'string' && /^(57014|55P03|40P01|40001|P2028|P2034)$/.test(code)) return true;
    link = Reflect.get(link, 'cause');
  }
  return false;
}
