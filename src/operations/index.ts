/** The door of the operations: what one may ask of the house, used by the API and the command line. */
export { createOperations } from './create.js';
export type { Deps, OperationsConfig, OperationsParts } from './deps.js';
export { ERRORS, type ErrorCode, type ErrorDetail, OperationError } from './errors.js';
export type * from './http-types.js';
export type * from './types.js';
