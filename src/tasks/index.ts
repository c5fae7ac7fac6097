/** The code that Task states call: the functions of the handlers module. */
export {
  defineHandlers,
  type Handler,
  type HandlerContext,
  type HandlerLog,
  type Handlers,
} from './handlers.js';
export { createHttpCalls, type HttpCalls, type HttpCallsOptions } from './http/http-calls.js';
export type { Resolve } from './http/send.js';
export { createFunctions, type FunctionCall, type Functions, type FunctionsOptions } from './invoke.js';
export { HandlersError, loadHandlers } from './load.js';
