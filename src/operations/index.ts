/** The door of the operations: what one may ask of the house, used by the API and the command line. */

export type { ErrorCode, ErrorDetail } from './errors.js';
export { ERRORS, OperationError } from './errors.js';
export type * from './types.js';
