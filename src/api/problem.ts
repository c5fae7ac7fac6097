import { STATUS_CODES } from 'node:http';
import { ERRORS, type ErrorDetail, OperationError } from '../operations/index.js';
import { API_ERRORS, type ApiErrorCode, HttpRefusal } from './codes.js';

/** The body of every answer that is not a success. */
export interface Problem {
  statusCode: number;
  code: ApiErrorCode;
  /** The status in HTTP's words. */
  error: string;
  message: string;
  details: readonly ErrorDetail[];
}

/**
 * The problem that an error means to the caller. Only refusals speak for themselves; of anything unexpected
 * the caller learns the request's id, under which the log has it, and nothing else.
 */
export function problemOf(error: unknown, requestId: string): Problem {
  if (error instanceof OperationError) return problem(error.code, error.message, error.details);
  if (error instanceof HttpRefusal) return problem(error.code, error.message);
  const known = frameworkProblem(error);
  if (known !== undefined) return known;
  return problem('INTERNAL', `The request could not be answered; the log has the cause under ${requestId}.`);
}

export function problem(code: ApiErrorCode, message: string, details: readonly ErrorDetail[] = []): Problem {
  const { statusCode } = API_ERRORS[code];
  return { statusCode, code, error: STATUS_CODES[statusCode] ?? String(statusCode), message, details };
}

/** What Fastify and Node refuse by themselves, in our words. */
function frameworkProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return problem('PAYLOAD_TOO_LARGE', 'The body is larger than this server takes.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return problem(
        'UNSUPPORTED_MEDIA_TYPE',
        'The Content-Type is missing or not one that this route reads; send application/json.',
      );
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return problem('MALFORMED_REQUEST', 'The body is not as long as its Content-Length says.');
    case 'FST_ERR_BAD_URL':
      return problem('MALFORMED_REQUEST', 'The path is not valid percent-encoded UTF-8.');
    case 'FST_ERR_NOT_FOUND':
      return problem('ROUTE_NOT_FOUND', ERRORS.ROUTE_NOT_FOUND.meaning);
    case 'ECONNRESET':
    case 'HPE_INVALID_CHUNK_SIZE':
      return problem('MALFORMED_REQUEST', 'The body ended before it was complete.');
    default:
  }
  const status = 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  if (status === 404) return problem('ROUTE_NOT_FOUND', ERRORS.ROUTE_NOT_FOUND.meaning);
  return problem('MALFORMED_REQUEST', 'The request cannot be read.');
}
