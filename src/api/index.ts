/** The door of the API. */
export type { Api, ApiConfig, ApiParts } from './api.js';
export { buildApp } from './app.js';
export { API_ERRORS, type ApiErrorCode } from './codes.js';
export { describeApi } from './describe.js';
export { type ApiServer, startServer } from './server.js';
