import { ERRORS } from '../operations/index.js';

/**
 * What HTTP itself may refuse, before any operation is asked. Together with the operations' table it is the
 * one table of codes: printed into OpenAPI, listed in docs/errors.md.
 */
const HTTP_ERRORS = {
  MALFORMED_REQUEST: {
    statusCode: 400,
    meaning: 'The request cannot be read: its URL encoding, a header, or the length of its body.',
  },
  INVALID_JSON: { statusCode: 400, meaning: 'The body is not JSON in UTF-8, or is nested too deeply.' },
  HOST_NOT_ALLOWED: {
    statusCode: 403,
    meaning: 'Without API keys only this machine may call, under a loopback name, and no other web site.',
  },
  REQUEST_TIMEOUT: { statusCode: 408, meaning: 'The request did not arrive completely in time.' },
  HEADERS_TOO_LARGE: { statusCode: 431, meaning: 'URL and headers together are larger than 16 KiB.' },
} as const satisfies Record<string, { statusCode: number; meaning: string }>;

/** Every code that a caller of the API can see. */
export const API_ERRORS = { ...ERRORS, ...HTTP_ERRORS };

type HttpErrorCode = keyof typeof HTTP_ERRORS;
export type ApiErrorCode = keyof typeof API_ERRORS;

/** A refusal of HTTP's own. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal';
  readonly code: HttpErrorCode;
  readonly statusCode: number;

  constructor(code: HttpErrorCode, message: string) {
    super(message);
    this.code = code;
    this.statusCode = HTTP_ERRORS[code].statusCode;
  }
}
