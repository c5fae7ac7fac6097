/** The code that Task states call: the functions of the handlers module. */
export { failureOf } from './failure.js';
export {
  defineHandlers,
  type Handler,
  type HandlerContext,
  type HandlerLog,
  type HandlerSettings,
  type Handlers,
  type Isolation,
} from './handlers.js';
export { createHttpCalls, type HttpCalls, type HttpCallsOptions } from './http/http-calls.js';
export type { Resolve } from './http/send.js';
export { createFunctions, type FunctionCall, type Functions, type FunctionsOptions } from './invoke.js';
export { HandlersError, loadHandlers } from './load.js';
export { runFrom, type Source, strayFrom } from './strays.js';
export { createThreads, type Threads, type ThreadsOptions } from './threads/pool.js';
